/**
 * The blocks of a growing Markdown text. Only the last one is parsed again as text arrives: what stands before it
 * cannot change any more, and keeps its token object, by which a screen knows that it need not be drawn again. Of a
 * long list or table not even all of the last one is.
 */
import type { MarkedToken, Token } from 'marked';
import { type FinishedParts, finishedParts, joined } from './growing-parts.ts';
import { closeOpenMarks } from './half-open.ts';
import { lex } from './lexer.ts';

/** `whole`: it came to its own end. `stopped`: no more will come, and marks may have been left open by chance. */
export type TextState = 'growing' | 'stopped' | 'whole';

export interface BlockParser {
  /** `text`: all of it. */
  read(text: string, state: TextState): readonly MarkedToken[];
}

export function createBlockParser(): BlockParser {
  return new GrowingBlocks();
}

class GrowingBlocks implements BlockParser {
  #settled: readonly MarkedToken[] = [];
  /** Of the block after them, which grows. */
  #finished: FinishedParts | undefined;
  /** The text of both. */
  #settledText = '';
  #drawn: readonly MarkedToken[] = [];

  read(markdown: string, state: TextState): readonly MarkedToken[] {
    const text = markdown.replaceAll(/\r\n?/g, '\n');
    if (!text.startsWith(this.#settledText)) this.#beginAnew();
    const tokens = state === 'whole' ? lex(text) : this.#grow(text, state === 'stopped');
    this.#drawn = withKnown(tokens, this.#drawn);
    return this.#drawn;
  }

  #beginAnew(): void {
    this.#settled = [];
    this.#finished = undefined;
    this.#settledText = '';
  }

  #grow(text: string, isStopped: boolean): readonly Token[] {
    const tokens = lex(this.#unsettled(text));
    if (this.#finished && !joined(this.#finished, tokens[0])) {
      this.#beginAnew();
      return this.#grow(text, isStopped);
    }
    const last = Math.max(tokens.findLastIndex(isShown), 0);
    this.#settle(tokens.slice(0, last));
    const open = tokens.slice(last);
    const rest = this.#unsettled(text);
    const shown = closeOpenMarks(rest, open, isStopped);
    const blocks = [...this.#settled, ...this.#completed(shown === rest ? open : lex(shown))];
    this.#finish(text, open[0]);
    return blocks;
  }

  #unsettled(text: string): string {
    return (this.#finished?.head ?? '') + text.slice(this.#settledText.length);
  }

  /** The finished parts together with the first of these tokens, which is the rest of that block. */
  #completed(tokens: readonly Token[]): readonly Token[] {
    if (!this.#finished) return tokens;
    const block = joined(this.#finished, tokens[0]);
    return block ? [block, ...tokens.slice(1)] : [this.#finished.block, ...tokens];
  }

  /** Blocks after which another one has begun. */
  #settle(blocks: readonly Token[]): void {
    if (blocks.length === 0) return;
    const source = blocks.map(({ raw }) => raw).join('');
    this.#settled = [...this.#settled, ...this.#completed(blocks).filter(isShown)];
    this.#settledText += source.slice(this.#finished?.head.length);
    this.#finished = undefined;
  }

  /** The parts of the last block after which others have begun. */
  #finish(text: string, last: Token | undefined): void {
    const parts = finishedParts(last);
    const source = parts?.block.raw.slice(this.#finished?.head.length) ?? '';
    if (!parts || !text.startsWith(source, this.#settledText.length)) return;
    const block = this.#finished ? joined(this.#finished, parts.block) : parts.block;
    if (!block) return;
    this.#finished = { ...parts, block };
    this.#settledText += source;
  }
}

function isShown(token: Token): token is MarkedToken {
  return token.type !== 'space' && token.type !== 'def';
}

/** What is as it was, as the same objects; none where a definition at the end may have given an earlier one its link. */
function withKnown(tokens: readonly Token[], known: readonly MarkedToken[]): readonly MarkedToken[] {
  const blocks = tokens.filter(isShown);
  if (tokens.some(({ type }) => type === 'def')) return blocks;
  return blocks.map((block, at) => asKnown(block, known[at]));
}

/** Of a list or table that grows, the items and rows that are as they were: they need not be drawn again. */
function asKnown(block: MarkedToken, before: MarkedToken | undefined): MarkedToken {
  if (before?.type === block.type && before.raw === block.raw) return before;
  if (block.type === 'list' && before?.type === 'list') {
    const items = block.items.map((item, at) => {
      const known = before.items[at];
      return known?.raw === item.raw ? known : item;
    });
    return { ...block, items };
  }
  if (block.type !== 'table' || before?.type !== 'table') return block;
  const rows = block.rows.map((row, at) => {
    const known = before.rows[at];
    return known && row.every(({ text }, column) => known[column]?.text === text) ? known : row;
  });
  return { ...block, rows };
}

const PAGE_LEVEL = 1;
const DEEPEST = 6;

/**
 * The rank of each heading on the page, for screen readers: an answer's begin below the page's own first, and none
 * skips a rank, whatever the model wrote. One for each block; 0 for those that are no heading.
 */
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
