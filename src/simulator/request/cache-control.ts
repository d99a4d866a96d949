/** Where a request wants its prompt cached: at most four marks on blocks, one of them possibly by the request itself. */
import { type Fields, invalid, isFields } from './fields.ts';
import type { PromptBlock } from './prompt.ts';

/** How long an entry of the cache lives after its last use. */
export type Lifetime = '5m' | '1h';

const MOST_MARKS = 4;

/**
 * @param at the field's path, for the error
 * @throws ApiError `invalid_request_error`
 */
export function readCacheControl({ cache_control: value }: Fields, at: string): Lifetime | null {
  if (value === undefined || value === null) return null;
  if (!isFields(value) || value.type !== 'ephemeral')
    throw invalid(`${at}cache_control.type: Input should be 'ephemeral'`);
  const { ttl = '5m' } = value;
  if (ttl !== '5m' && ttl !== '1h') throw invalid(`${at}cache_control.ttl: Input should be '5m' or '1h'`);
  return ttl;
}

/**
 * The blocks, with the request's own mark on the last one that can have it.
 * @param own of the request itself
 * @throws ApiError `invalid_request_error` for too many marks, or a longer lifetime after a shorter one
 */
export function withMarks(blocks: readonly PromptBlock[], own: Lifetime | null): readonly PromptBlock[] {
  const marked = own === null ? blocks : withOwnMark(blocks, own);
  const lifetimes = marked.flatMap(({ mark }) => mark ?? []);
  if (lifetimes.length > MOST_MARKS) {
    throw invalid(
      `A maximum of ${MOST_MARKS} blocks with cache_control may be provided. Found ${lifetimes.length}.`,
    );
  }
  if (lifetimes.lastIndexOf('1h') > lifetimes.indexOf('5m') && lifetimes.includes('5m')) {
    throw invalid(
      "cache_control: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Blocks are processed in the following order: tools, system, messages.",
    );
  }
  return marked;
}

function withOwnMark(blocks: readonly PromptBlock[], own: Lifetime): readonly PromptBlock[] {
  const last = blocks.findLastIndex(({ isCacheable }) => isCacheable);
  const block = blocks[last];
  if (block === undefined) return blocks;
  if (block.mark !== null && block.mark !== own)
    throw invalid('cache_control: the last block is already marked with another ttl');
  return blocks.with(last, { ...block, mark: own });
}
