/**
 * The blocks of a growing Markdown text. Only the last one is parsed again as text arrives: what stands before it
 * cannot change any more, and keeps its token object, by which a screen knows that it need not be drawn again. Of a
 * long list or table not even all of the last one is.
 */
import type { Token, TokensList } from 'marked';
import type { AnswerToken } from './extensions.ts';
import { type FinishedParts, finishedParts, joined } from './growing-parts.ts';
import { closeOpenMarks } from './half-open.ts';
import { type Links, lex } from './lexer.ts';

/** `whole`: it came to its own end. `stopped`: no more will come, and marks may have been left open by chance. */
export type TextState = 'growing' | 'stopped' | 'whole';

export interface BlockParser {
  /** Reads the beginning of a text, of which nothing is shown yet: what follows then costs less. */
  prepare(text: string): void;
  /** `text`: all of it. */
  read(text: string, state: TextState): readonly AnswerToken[];
}

export function createBlockParser(): BlockParser {
  return new GrowingBlocks();
}

/** A text of so many characters is read at once when it has ended. */
const SHORT = 16_384;

class GrowingBlocks implements BlockParser {
  #settled: readonly AnswerToken[] = [];
  /** Of the block after them, which grows. */
  #finished: FinishedParts | undefined;
  /** The text of both. */
  #settledText = '';
  /** What the settled text defines. */
  #links: Links = {};
  #isGrowing = true;
  #drawn: readonly AnswerToken[] = [];

  prepare(markdown: string): void {
    const text = this.#begin(markdown);
    this.#isGrowing = true;
    this.#finish(text, this.#settle(text).open[0]);
  }

  read(markdown: string, state: TextState): readonly AnswerToken[] {
    const text = this.#begin(markdown);
    const isAtOnce = state === 'whole' && text.length <= SHORT;
    this.#drawn = withKnown(isAtOnce ? lex(text) : this.#grow(text, state), this.#drawn);
    return this.#drawn;
  }

  #begin(markdown: string): string {
    const text = markdown.replaceAll(/\r\n?/g, '\n');
    if (!text.startsWith(this.#settledText)) this.#beginAnew();
    return text;
  }

  #beginAnew(): void {
    this.#settled = [];
    this.#finished = undefined;
    this.#settledText = '';
    this.#links = {};
  }

  #grow(text: string, state: TextState): readonly Token[] {
    this.#isGrowing = state === 'growing';
    const { open, links } = this.#settle(text);
    const blocks = [...this.#settled, ...this.#shown(text, open, state)];
    if (state === 'whole') return linked(blocks, links);
    this.#finish(text, open[0]);
    return blocks;
  }

  /** Keeps the blocks after which another one has begun. */
  #settle(text: string): { readonly open: readonly Token[]; readonly links: Links } {
    const tokens = this.#lex(this.#unsettled(text));
    if (this.#finished && !joined(this.#finished, tokens[0])) {
      this.#beginAnew();
      return this.#settle(text);
    }
    const { links } = tokens;
    const settled = tokens.slice(0, settledCount(tokens));
    if (settled.length > 0) this.#keep(settled, links);
    return { open: tokens.slice(settled.length), links };
  }

  #keep(blocks: readonly Token[], links: Links): void {
    const source = blocks.map(({ raw }) => raw).join('');
    this.#settled = [...this.#settled, ...this.#completed(blocks).filter(isShown)];
    this.#settledText += source.slice(this.#finished?.head.length);
    this.#finished = undefined;
    this.#links = { ...links };
  }

  /** The open blocks as they are shown. */
  #shown(text: string, tokens: readonly Token[], state: TextState): readonly Token[] {
    const rest = this.#unsettled(text);
    const shown = state === 'whole' ? rest : closeOpenMarks(rest, tokens, state === 'stopped');
    return this.#completed(shown === rest ? tokens : this.#lex(shown));
  }

  #lex(rest: string): TokensList {
    return lex(rest, {
      links: this.#links,
      isResumed: this.#finished?.isProse === true,
      isGrowing: this.#isGrowing,
    });
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

  /** Keeps the parts of the open block after which others have begun. */
  #finish(text: string, block: Token | undefined): void {
    const parts = finishedParts(block);
    const source = parts?.block.raw.slice(this.#finished?.head.length) ?? '';
    if (!parts || !text.startsWith(source, this.#settledText.length)) return;
    const all = this.#finished ? joined(this.#finished, parts.block) : parts.block;
    if (!all) return;
    this.#finished = { ...parts, block: all };
    this.#settledText += source;
  }
}

/** How many blocks cannot change any more: those after which another has begun with a whole line. */
function settledCount(tokens: readonly Token[]): number {
  const last = tokens.findLastIndex(isShown);
  const isBegun = tokens[last]?.raw.includes('\n') === true;
  return Math.max(isBegun ? last : tokens.findLastIndex((token, at) => at < last && isShown(token)), 0);
}

/** With the links of labels that were defined only after them. */
function linked(blocks: readonly Token[], links: Links): readonly Token[] {
  if (Object.keys(links).length === 0) return blocks;
  return blocks.map((block) => {
    if (!block.raw.includes(']')) return block;
    const [again, ...more] = lex(block.raw, { links }).filter(isShown);
    return again?.type === block.type && more.length === 0 ? again : block;
  });
}

function isShown(token: Token): token is AnswerToken {
  return token.type !== 'space' && token.type !== 'def';
}

/** What is as it was, as the same objects; none where a definition at the end may have given an earlier one its link. */
function withKnown(tokens: readonly Token[], known: readonly AnswerToken[]): readonly AnswerToken[] {
  const blocks = tokens.filter(isShown);
  if (tokens.some(({ type }) => type === 'def')) return blocks;
  return blocks.map((block, at) => asKnown(block, known[at]));
}

/** Of a list or table that grows, the items and rows that are as they were: they need not be drawn again. */
function asKnown(block: AnswerToken, before: AnswerToken | undefined): AnswerToken {
  if (before?.type === block.type && before.raw === block.raw) return before;
  if (block.type === 'list' && before?.type === 'list') {
    const items = block.items.map((item, at) => {
      const known = before.items[at];
      return known?.raw === item.raw ? known : item;
    });
    return { ...block, items };
  }
  if (block.type === 'paragraph' && before?.type === 'paragraph') {
    const tokens = block.tokens.map((token, at) => {
      const known = before.tokens[at];
      return known?.raw === token.raw && known.type === token.type ? known : token;
    });
    return { ...block, tokens };
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
export function headingLevels(blocks: readonly AnswerToken[]): number[] {
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

export interface RankedBlock {
  readonly token: AnswerToken;
  /** Of a heading its rank, else 0. */
  readonly level: number;
}

/** Gives blocks their ranks. What is as it was stays the same object. */
export function rankHeadings(): (blocks: readonly AnswerToken[]) => readonly RankedBlock[] {
  let known: readonly RankedBlock[] = [];
  return (blocks) => {
    const levels = headingLevels(blocks);
    known = blocks.map((token, at) => {
      const [before, level = 0] = [known[at], levels[at]];
      return before?.token === token && before.level === level ? before : { token, level };
    });
    return known;
  };
}
