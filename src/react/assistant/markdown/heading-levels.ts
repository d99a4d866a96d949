/**
 * The rank of each heading on the page, for screen readers: an answer's begin below the page's own first, and none
 * skips a rank, whatever the model wrote.
 */
import type { MarkedToken } from 'marked';

const PAGE_LEVEL = 1;
const DEEPEST = 6;

/** One for each block; 0 for those that are no heading. */
export function headingLevels(blocks: readonly MarkedToken[]): number[] {
  const depths = blocks.flatMap((block) => (block.type === 'heading' ? [block.depth] : []));
  const shallowest = Math.min(...depths);
  let before = PAGE_LEVEL;
  return blocks.map((block) => {
    if (block.type !== 'heading') return 0;
    const own = PAGE_LEVEL + 1 + block.depth - shallowest;
    before = Math.min(own, before + 1, DEEPEST);
    return before;
  });
}
