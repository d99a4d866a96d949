/**
 * The end of a text that is still growing, so that no mark flashes up that will not be seen in the end. What is open is
 * closed; what cannot be told yet (a lone `-`, half a link) is held back until more has come.
 */
import type { Token, Tokens } from 'marked';
import { formulaAt, LONGEST_INLINE } from '../math/formula-source.ts';
import { scriptIn } from '../math/scripts.ts';

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
  return leaf && ['paragraph', 'text', 'heading', 'footnote'].includes(leaf.type) ? leaf.raw : undefined;
}

/** Longer ones are no labels, or no addresses, and not worth waiting for. */
const LONGEST_LABEL = 200;
const LONGEST_LINK = 2000;
/** Half a mark, an image's, an entity's or an escape's beginning. */
const HALF = /(?:\\[*_~]*|[*_~]+|!|&#?\w{0,8})$/;

/** A script that is whole: its last mark is none that begins something. */
const SCRIPT_END = /[\p{L}\p{N})\]}]([~^])[^\s~^*_]{1,20}\1$/u;

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
  if (SCRIPT_END.test(source.slice(from))) return source.length;
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

const SIGN = /\\[\s\S]?|`+|\*+|_+|~+|\$+|\^|!?\[|\]/g;

/** Through the source of one paragraph, by the rules of CommonMark as far as they concern what is open at its end. */
function walk(source: string): Walked {
  const open: Opener[] = [];
  let bracket: number | undefined;
  let from = 0;
  for (const { sign, index, isOpen } of marksIn(source)) {
    const next = index + sign.length;
    if (index < from) continue;
    if (isOpen && sign.startsWith('`')) return { open: [...open, { mark: '`', length: sign.length }] };
    if (isOpen) return undecidedAt(bracket ?? index, LONGEST_INLINE, open);
    if (sign.endsWith('[')) bracket = index;
    else if (sign !== ']') meet(sign, source.charAt(index - 1), source.charAt(next), open);
    else if (bracket !== undefined) {
      const end = endOfLink(source, next);
      if (end === undefined) return undecidedAt(bracket, LONGEST_LINK, open);
      bracket = undefined;
      from = end;
    }
  }
  return undecidedAt(bracket, LONGEST_LABEL, open);
}

interface Mark {
  readonly sign: string;
  readonly index: number;
  /** It begins code, a formula or a script that has no end yet. */
  readonly isOpen: boolean;
}

/** Marks of Markdown, without those in code, formulas and scripts. */
function* marksIn(source: string): Generator<Mark> {
  let from = 0;
  for (const { 0: sign, index } of source.matchAll(SIGN)) {
    if (index < from) continue;
    const length = sign.startsWith('`')
      ? lengthOfCode(source, index, sign)
      : lengthBeyondMarkdown(source, index, sign);
    if (length === 0 || length === 'open') yield { sign, index, isOpen: length === 'open' };
    else from = index + length;
  }
}

/** `from`: undefined where all is decided. */
function undecidedAt(from: number | undefined, longest: number, open: readonly Opener[]): Walked {
  return from === undefined ? { open } : { open, undecided: { from, longest } };
}

/** Of the formula, script or escape that begins here; 0 where Markdown goes on. `open`: more has to come to tell. */
function lengthBeyondMarkdown(source: string, at: number, sign: string): number | 'open' {
  if (!/^[$\\~^]/.test(sign)) return 0;
  const before = source.charAt(at - 1);
  const isFormula = sign.startsWith('$') || sign.startsWith('\\');
  const found = isFormula ? formulaAt(source, at, before) : scriptIn(source.slice(at), before);
  if (found === 'open') return found;
  return found?.raw.length ?? (sign.startsWith('~') ? 0 : sign.length);
}

/** Up to the run of as many ticks. */
function lengthOfCode(source: string, at: number, ticks: string): number | 'open' {
  const from = at + ticks.length;
  for (const { 0: run, index } of source.slice(from).matchAll(/`+/g))
    if (run.length === ticks.length) return 2 * ticks.length + index;
  return 'open';
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
