/** What answers hold beyond Markdown: formulas, raised and lowered signs, footnotes. */
import type { MarkedOptions, MarkedToken, Token, TokenizerThis } from 'marked';
import { formulaAt, formulaBlock } from '../math/formula-source.ts';
import { scriptIn } from '../math/scripts.ts';

/** `$…$` and the like. */
export interface MathToken {
  readonly type: 'math';
  readonly raw: string;
  /** TeX, without what stands around it. */
  readonly text: string;
  /** It stands on lines of its own. */
  readonly isDisplay: boolean;
  /** It is not complete yet. */
  readonly isOpen: boolean;
}

/** `~2~` or `^2^`. */
export interface ScriptToken {
  readonly type: 'script';
  readonly raw: string;
  readonly text: string;
  readonly isRaised: boolean;
}

/** `[^1]` in the text. */
export interface ReferenceToken {
  readonly type: 'footnoteReference';
  readonly raw: string;
  readonly text: string;
}

/** `[^1]: What it says.` */
export interface FootnoteToken {
  readonly type: 'footnote';
  readonly raw: string;
  readonly label: string;
  readonly tokens: Token[];
}

/** All that an answer is made of. */
export type AnswerToken = MarkedToken | MathToken | ScriptToken | ReferenceToken | FootnoteToken;

export type Extensions = NonNullable<MarkedOptions['extensions']>;

/** Without a sign of any there is nothing to look for, at each line and each word. */
const ANY = /[$^~]|\\[([bc]/;
const ANY_BLOCK = /\$\$|\\\[|\\begin\{|\[\^/;

/** What may be in `markdown`. `isGrowing`: the last formula may be open. */
export function extensionsFor(markdown: string, isGrowing: boolean): Extensions {
  return {
    childTokens: {},
    renderers: {},
    ...(ANY.test(markdown) && {
      inline: [inlineMath, script, footnoteReference],
      startInline: [startOfInline],
    }),
    ...(ANY_BLOCK.test(markdown) && {
      block: [(source) => mathBlock(source, isGrowing), footnote],
      startBlock: [(source) => startOfBlock(source, isGrowing)],
    }),
  };
}

function mathBlock(source: string, isGrowing: boolean): MathToken | undefined {
  const found = formulaBlock(source, isGrowing);
  if (!found) return undefined;
  const { raw, tex, isOpen } = found;
  return { type: 'math', raw, text: tex, isDisplay: true, isOpen };
}

const FOOTNOTE =
  /^ {0,3}\[\^([^\]\s]{1,40})\]:[ \t]*([^\n]*(?:\n(?:[ \t]+\S|(?![ \t]*(?:\[\^|\n|[-*+>#|]|\d+[.)]|$)))[^\n]*)*)(?:\n|$)/;

function footnote(this: TokenizerThis, source: string): FootnoteToken | undefined {
  const [raw, label = '', words = ''] = FOOTNOTE.exec(source) ?? [];
  if (raw === undefined) return undefined;
  const token: FootnoteToken = { type: 'footnote', raw, label, tokens: [] };
  this.lexer.inline(words.replaceAll(/\n[ \t]+/g, '\n').trim(), token.tokens);
  return token;
}

const NEXT_BLOCK = /\n[ \t]*\n|\n {0,3}(?=\$\$|\\\[|\\begin\{|\[\^[^\]\s]{1,40}\]:)/g;

/** Where in a paragraph the next one begins. */
function startOfBlock(source: string, isGrowing: boolean): number | undefined {
  for (const { 0: found, index } of source.matchAll(NEXT_BLOCK)) {
    if (found.trimStart() === '' && /\n[ \t]*\n/.test(found)) return undefined;
    const start = index + 1;
    const rest = source.slice(start);
    if (/^ {0,3}\[\^/.test(rest) || formulaBlock(rest, isGrowing)) return start;
  }
  return undefined;
}

const lastSign = (tokens: readonly Token[]): string => tokens.at(-1)?.raw.slice(-1) ?? '';

function inlineMath(source: string, tokens: readonly Token[]): MathToken | undefined {
  if (!/^[$\\]/.test(source)) return undefined;
  const found = formulaAt(source, 0, lastSign(tokens));
  if (!found || found === 'open') return undefined;
  return { type: 'math', raw: found.raw, text: found.tex, isDisplay: found.isDisplay, isOpen: false };
}

function script(source: string, tokens: readonly Token[]): ScriptToken | undefined {
  if (!/^[~^]/.test(source)) return undefined;
  const found = scriptIn(source, lastSign(tokens));
  return found && found !== 'open' ? { type: 'script', ...found } : undefined;
}

const REFERENCE = /^\[\^([^\]\s]{1,40})\](?!\()/;

function footnoteReference(source: string): ReferenceToken | undefined {
  const [raw, text = ''] = REFERENCE.exec(source) ?? [];
  return raw === undefined ? undefined : { type: 'footnoteReference', raw, text };
}

/** Of text, which else goes on to the next mark of Markdown. */
function startOfInline(source: string): number | undefined {
  const at = source.search(/[$^]/);
  return at < 0 ? undefined : at;
}
