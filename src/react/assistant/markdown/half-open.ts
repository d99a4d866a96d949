/**
 * The end of a text that is still growing, so that no mark flashes up that will not be seen in the end. What is open is
 * closed; what cannot be told yet (a lone `-`, half a link) is held back until more has come.
 */
import type { Token, Tokens } from 'marked';

/** `blocks`: the same text, read. `isStopped`: no more will come, so that nothing is held back. */
export function closeOpenMarks(text: string, blocks: readonly Token[], isStopped = false): string {
  const lines = isStopped ? 0 : undecidedLines(text, blocks);
  if (lines > 0) return text.slice(0, -lines);
  const source = proseAtEnd(blocks)?.trimEnd();
  if (source === undefined) return text;
  const shown = isStopped ? source : source.slice(0, undecidedFrom(source));
  const closing = walk(shown).open.map(({ mark, length }) => mark.repeat(length));
  if (shown === source && closing.length === 0) return text;
  const end = text.trimEnd().length - (source.length - shown.length);
  const begun = text.slice(0, end).trimEnd();
  return (isStopped ? begun : begun.replace(EMPTY_ITEM, '')) + closing.reverse().join('');
}

/** The bullet, or box, of an item of which no word is shown: a lone `-` would underline what stands above it. */
const EMPTY_ITEM = /(?:^|\n)[ \t>]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]+\[[ xX]\])?$/;

/** Nothing but marks so far, or the beginning of a fence: what becomes of such a line is not known. */
const UNDECIDED_LINE = /^[ \t>]*(?:[-*_=~`#+|: \t>]+|\d{1,9}[.)]?[ \t]*|(?:`{3,}|~{3,})[^`\n]*)$/;
/** A longer run of marks is not waited for. */
const LONGEST_MARK = 200;
/** May be the head of a table: the second line tells. */
const HEAD = /^\|[^\n]*(?:\n[|:\- \t]*)?$/;

/** How many characters at the end to hold back for that. */
function undecidedLines(text: string, blocks: readonly Token[]): number {
  const leaf = leafAtEnd(blocks);
  if (leaf?.type === 'paragraph' && HEAD.test(leaf.raw)) return leaf.raw.length;
  if (leaf?.type === 'table' && (leaf as Tokens.Table).rows.length === 0) return 0; // the second line has told
  const line = text.slice(text.lastIndexOf('\n') + 1);
  return line.length <= LONGEST_MARK && line.trim() !== '' && UNDECIDED_LINE.test(line) ? line.length : 0;
}

function leafAtEnd(blocks: readonly Token[]): Token | undefined {
  const last = blocks.findLast(({ type }) => type !== 'space');
  if (last?.type === 'list') return leafAtEnd((last as Tokens.List).items.at(-1)?.tokens ?? []);
  if (last?.type === 'blockquote') return leafAtEnd((last as Tokens.Blockquote).tokens ?? []);
  return last;
}

/** The source of the prose that the text ends in; undefined where it ends in code and the like. */
function proseAtEnd(blocks: readonly Token[]): string | undefined {
  const leaf = leafAtEnd(blocks);
  if (leaf?.type === 'table') return leaf.raw.trimEnd().split(/[|\n]/).at(-1);
  return leaf && ['paragraph', 'text', 'heading'].includes(leaf.type) ? leaf.raw : undefined;
}

/** Longer ones are no labels, or no addresses, and not worth waiting for. */
const LONGEST_LABEL = 200;
const LONGEST_LINK = 2000;
/** Half a mark, an image's, an entity's or an escape's beginning. */
const HALF = /(?:\\[*_~]*|[*_~]+|!|&#?\w{0,8})$/;

/** Where that begins of which nothing can be told yet. */
function undecidedFrom(source: string): number {
  const { open, undecided } = walk(source);
  if (open.at(-1)?.mark === '`') {
    const ticks = /`+$/.exec(source.slice(-LONGEST_MARK))?.[0].length ?? 0;
    return ticks > 0 ? afterHalves(source.slice(0, -ticks)) : source.length;
  }
  const isWaitedFor = undecided !== undefined && source.length - undecided.from <= undecided.longest;
  return afterHalves(source.slice(0, isWaitedFor ? undecided.from : undefined));
}

/** How much is left without halves at the end: a mark may stand in front of a link or an entity, of which all is held back. */
function afterHalves(source: string): number {
  const from = Math.max(0, source.length - LONGEST_MARK);
  const half = HALF.exec(source.slice(from));
  return half ? afterHalves(source.slice(0, from + half.index)) : source.length;
}

interface Opener {
  readonly mark: string;
  length: number;
}

interface Walked {
  /** Marks that have begun something, the innermost last. */
  readonly open: readonly Opener[];
  /** Where what may become a link begins, and how long that may be. */
  readonly undecided?: { readonly from: number; readonly longest: number };
}

const SIGN = /\\[\s\S]?|`+|\*+|_+|~+|!?\[|\]/g;

/** Through the source of one paragraph, by the rules of CommonMark as far as they concern what is open at its end. */
function walk(source: string): Walked {
  const open: Opener[] = [];
  let bracket: number | undefined;
  let from = 0;
  for (const { 0: sign, index } of source.matchAll(SIGN)) {
    const next = index + sign.length;
    if (index < from || sign.startsWith('\\')) continue;
    if (sign.startsWith('`')) {
      const end = endOfCode(source, next, sign.length);
      if (end === undefined) return { open: [...open, { mark: '`', length: sign.length }] };
      from = end;
    } else if (sign.endsWith('[')) bracket = index;
    else if (sign !== ']') meet(sign, source.charAt(index - 1), source.charAt(next), open);
    else if (bracket !== undefined) {
      const end = endOfLink(source, next);
      if (end === undefined) return { open, undecided: { from: bracket, longest: LONGEST_LINK } };
      bracket = undefined;
      from = end;
    }
  }
  return bracket === undefined ? { open } : { open, undecided: { from: bracket, longest: LONGEST_LABEL } };
}

/** After the run of as many ticks; undefined where there is none. */
function endOfCode(source: string, from: number, ticks: number): number | undefined {
  for (const { 0: run, index } of source.slice(from).matchAll(/`+/g))
    if (run.length === ticks) return from + index + ticks;
  return undefined;
}

/** `from`: after the label. Undefined where more has to come to tell. */
function endOfLink(source: string, from: number): number | undefined {
  const closer = { '(': ')', '[': ']' }[source.charAt(from)];
  if (closer === undefined) return from === source.length ? undefined : from;
  const end = source.indexOf(closer, from);
  return end < 0 ? undefined : end + 1;
}

const SPACE = /^\s?$/;
const WORD = /[\p{L}\p{N}]/u;

/** A run of marks closes what is open, or opens; within a word it is more often a sign than a mark. */
function meet(run: string, before: string, after: string, open: Opener[]): void {
  const mark = run.charAt(0);
  const opener = SPACE.test(before) ? undefined : open.findLast((each) => each.mark === mark);
  if (opener === undefined) {
    const isMark = mark === '~' ? run.length === 2 : run.length <= 3; // one says "about"
    const opens = isMark && !SPACE.test(after) && !WORD.test(before);
    if (opens) open.push({ mark, length: run.length });
    return;
  }
  open.splice(open.indexOf(opener) + 1); // what was open within it never was
  opener.length -= run.length;
  if (opener.length <= 0) open.pop();
}
