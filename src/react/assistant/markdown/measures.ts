/** About how many native elements parts of an answer become, and how high they are: what is drawn when goes by it. */
import type { Token, Tokens } from 'marked';
import { displayHeight } from '../math/display-height.ts';
import { SPACE, TYPE } from '../theme.ts';
import type { AnswerToken, MathToken } from './extensions.ts';
import { type Measure, SHARE } from './partition.ts';

/** Text costs as much as an element, in characters. */
const TEXT = 256;
/** Of a formula likewise: each sign of it becomes elements of its own. */
const FORMULA = 2;
/** In a line, about: of a phone and a desk something in between. */
const LINE = 60;
/** Of code, in a share. */
const CODE_LINES = 100;
const LINE_BREAK = /\n/g;

/** Tokens stay the same objects while they do not change. */
const weights = new WeakMap<object, number>();

function once(part: object, weigh: () => number): number {
  const known = weights.get(part);
  if (known !== undefined) return known;
  const weight = weigh();
  weights.set(part, weight);
  return weight;
}

const sum = <T>(parts: readonly T[], of: (part: T) => number): number =>
  parts.reduce((total, part) => total + of(part), 0);

function weightOf(token: Token): number {
  return once(token, () => {
    const { items, rows, tokens } = token as Partial<Tokens.List & Tokens.Table> & { tokens?: Token[] };
    if (items) return 3 + sum(items, itemMeasure.weightOf);
    if (rows) return 8 + sum(rows, rowMeasure.weightOf);
    if (token.type === 'code') return 10 + linesIn(token.raw) / 20;
    if (token.type === 'math') return 4 + token.raw.length / FORMULA;
    const own = token.type === 'text' && !tokens ? 0 : 1;
    return own + token.raw.length / TEXT + sum(tokens ?? [], weightOf);
  });
}

function linesIn(text: string): number {
  return text.match(LINE_BREAK)?.length ?? 0;
}

/** Of an answer that nobody has read yet. */
export function textHeight(text: string): number {
  const broken = Math.ceil(text.length / LINE);
  return Math.max(1, broken, linesIn(text.trimEnd()) + 1) * TYPE.body.lineHeight;
}

function heightOf(token: Token): number {
  const { items, rows } = token as Partial<Tokens.List & Tokens.Table>;
  if (items) return sum(items, itemMeasure.heightOf);
  if (rows) return ROW_HEIGHT + sum(rows, rowMeasure.heightOf);
  if (token.type === 'math') return displayHeight((token as MathToken).text);
  if (token.type === 'code') return 2 * ROW_HEIGHT + linesIn(token.raw) * TYPE.code.lineHeight;
  return textHeight(token.raw);
}

const ROW_HEIGHT = TYPE.label.lineHeight + 2 * SPACE.s + 1;

export const blockMeasure: Measure<{ readonly token: AnswerToken }> = {
  weightOf: ({ token }) => weightOf(token),
  heightOf: ({ token }) => heightOf(token) + SPACE.m,
};

export const itemMeasure: Measure<Tokens.ListItem> = {
  weightOf: (item) => once(item, () => 4 + sum(item.tokens, weightOf)),
  heightOf: ({ tokens }) => sum(tokens, heightOf) + SPACE.xs,
};

export const rowMeasure: Measure<readonly Tokens.TableCell[]> = {
  weightOf: (row) => once(row, () => 1 + sum(row, ({ tokens }) => 1 + sum(tokens, weightOf))),
  heightOf: () => ROW_HEIGHT,
};

/** Paragraphs of more characters are drawn piece by piece, each with lines of its own. */
export const LONGEST_PROSE = 8192;
const PIECE = LONGEST_PROSE / 2;

/** Of a long paragraph: a share is a piece of it, and ends with a line where it can. */
export const markMeasure: Measure<Token> = {
  weightOf: ({ raw }) => (raw.length * 2 * SHARE) / PIECE,
  heightOf: ({ raw }) => (raw.length / LINE) * TYPE.body.lineHeight,
  mayEnd: ({ raw }, weight) => raw.endsWith('\n') || weight >= 2 * SHARE,
};

/** Of code: a part is some lines already. */
export const linesMeasure: Measure<string> = {
  weightOf: () => SHARE,
  heightOf: (lines) => (linesIn(lines) + 1) * TYPE.code.lineHeight,
};

/** Some lines each, of which the last is not empty: an empty line at the end of a text is not seen. */
export function linesOfCode(text: string): string[] {
  const parts: string[] = [];
  let from = 0;
  let lines = 0;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) {
    lines += 1;
    if (lines < CODE_LINES || text.charAt(end - 1) === '\n') continue;
    parts.push(text.slice(from, end));
    from = end + 1;
    lines = 0;
  }
  return [...parts, text.slice(from)];
}
