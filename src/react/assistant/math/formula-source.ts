/**
 * Where in Markdown a formula begins and ends: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and environments. What looks like one and is
 * money, or a variable of a shell, is none.
 */

export interface Formula {
  /** As it was written, with what stands around it. */
  readonly raw: string;
  readonly tex: string;
  /** It stands on lines of its own. */
  readonly isDisplay: boolean;
}

/** `open`: it may become one, more has to come to tell. */
export type FoundFormula = Formula | 'open' | undefined;

/** Characters of a formula within a sentence, and of one on lines of its own: longer ones are text. */
export const LONGEST_INLINE = 1000;
export const LONGEST_DISPLAY = 8000;
/** What begins with a dollar may be money: it is not waited for longer. */
const LONGEST_WAIT = 200;

const ENVIRONMENT =
  /^\\begin\{((?:align|alignat|aligned|gather|gathered|equation|multline|split|cases|rcases|array|CD|(?:[bpvBV]|small)?matrix)\*?)\}/;
const BEGINNING = '\\begin{';
const BLANK_LINE = /\n[ \t]*\n/;

/** `before`: the character in front of `at`, which is that of a `$` or a backslash. */
export function formulaAt(source: string, at: number, before: string): FoundFormula {
  if (source.charAt(at) === '$')
    return source.charAt(at + 1) === '$' ? doubled(source, at) : dollar(source, at, before);
  const rest = source.slice(at, at + LONGEST_DISPLAY);
  if (rest.startsWith('\\(')) return bracketed(rest, '(', ')');
  if (rest.startsWith('\\[')) return bracketed(rest, '[', ']');
  return chemistry(rest) ?? environment(rest);
}

/**
 * A formula that begins a line of `source` and has its lines to itself, up to a blank one. `mayBeOpen`: one that is not
 * complete yet has all that there is.
 */
export function formulaBlock(
  source: string,
  mayBeOpen: boolean,
): (Formula & { readonly isOpen: boolean }) | undefined {
  const start = /^ {0,3}(?=\$\$|\\\[|\\begin\{)/.exec(source)?.[0].length;
  if (start === undefined) return undefined;
  const found = formulaAt(source, start, '');
  if (found === 'open') return mayBeOpen ? openBlock(source, start) : undefined;
  if (!found?.isDisplay) return undefined;
  const end = start + found.raw.length;
  const line = /^[ \t]*(?:\n|$)/.exec(source.slice(end, end + 200));
  return line ? { ...found, raw: source.slice(0, end + line[0].length), isOpen: false } : undefined;
}

function openBlock(source: string, start: number): Formula & { readonly isOpen: boolean } {
  const begins = source.startsWith('$$', start) || source.startsWith('\\[', start) ? 2 : 0;
  const tex = source.slice(start + begins).replace(HALF_END, '');
  return { raw: source, tex, isDisplay: true, isOpen: true };
}

/** Half a command, or half of what ends a formula. */
const HALF_END = /(?:\\(?:[A-Za-z]*|(?:begin|end)\{[^}]*)|\$)$/;

interface PlacedFormula extends Formula {
  readonly index: number;
}

/** All formulas of a text, one after the other. */
export function* formulasIn(source: string): Generator<PlacedFormula> {
  let from = 0;
  for (const { index } of source.matchAll(/[$\\]/g)) {
    if (index < from) continue;
    const found = formulaAt(source, index, source.charAt(index - 1));
    const isFormula = found !== undefined && found !== 'open';
    if (isFormula) yield { ...found, index };
    from = index + (isFormula ? found.raw.length : source.charAt(index) === '\\' ? 2 : 1);
  }
}

/** With each formula as `written` has it. */
export function replaceFormulas(source: string, written: (formula: Formula) => string): string {
  let all = '';
  let from = 0;
  for (const formula of formulasIn(source)) {
    all += source.slice(from, formula.index) + written(formula);
    from = formula.index + formula.raw.length;
  }
  return all + source.slice(from);
}

function doubled(source: string, at: number): FoundFormula {
  const bound = source.slice(at + 2, at + 2 + LONGEST_DISPLAY);
  const end = dollarsIn(bound, 2);
  const tex = bound.slice(0, end);
  if (BLANK_LINE.test(tex)) return undefined;
  if (end === undefined) return bound.length < LONGEST_DISPLAY ? 'open' : undefined;
  return tex.trim() === '' ? undefined : { raw: `$$${tex}$$`, tex, isDisplay: true };
}

function dollar(source: string, at: number, before: string): FoundFormula {
  if (/[A-Za-z0-9$]/.test(before)) return undefined;
  const bound = source.slice(at + 1, at + 1 + LONGEST_INLINE);
  if (/^\s/.test(bound)) return undefined;
  const end = dollarsIn(bound, 1);
  const tex = bound.slice(0, end);
  if (BLANK_LINE.test(tex) || /`|\*\*/.test(tex) || isProse(tex)) return undefined;
  if (end === undefined) return bound.length < LONGEST_WAIT ? 'open' : undefined;
  const after = bound.charAt(end + 1);
  const isClosed =
    tex !== '' && !/\s$/.test(tex) && !/\d/.test(after) && (isMath(tex) || !/[A-Za-z_]/.test(after));
  return isClosed ? { raw: `$${tex}$`, tex, isDisplay: false } : undefined;
}

/** Where the first unescaped run of so many dollars begins. */
function dollarsIn(text: string, count: number): number | undefined {
  const sign = '$'.repeat(count);
  for (const { 0: run, index } of text.matchAll(/\\[\s\S]|\$+/g)) if (run.startsWith(sign)) return index;
  return undefined;
}

const TEXT_COMMAND = /\\(?:text\w*|mathrm|operatorname\*?|mbox|ce|pu)\s*\{[^{}]*\}?/g;
const COMMAND = /\\[A-Za-z]+/g;

/** Words, with no sign of a formula between them: "5 and", "HOME or". After an amount of money one is enough. */
function isProse(tex: string): boolean {
  const plain = tex.replaceAll(TEXT_COMMAND, '').replaceAll(COMMAND, '');
  if (/^\d/.test(plain) && /\s\p{L}{3}/u.test(plain)) return true;
  return !/[\\^_={}+<>|]/.test(tex) && /\p{L}{2}[.,;:]?\s+\p{L}{2}/u.test(plain);
}

/** It could be nothing else; or a single sign, as in "the $n$th". */
function isMath(tex: string): boolean {
  return tex.length <= 2 || /[\\^_={}]/.test(tex);
}

/** `rest` begins with the opening one. */
function bracketed(rest: string, opening: string, closing: string): FoundFormula {
  const isDisplay = opening === '[';
  const bound = rest.slice(0, isDisplay ? LONGEST_DISPLAY : LONGEST_INLINE);
  for (const { 0: sign, index } of bound.matchAll(/\\[\s\S]|\n[ \t]*\n/g)) {
    if (index === 0) continue;
    if (sign.startsWith('\n') || sign === `\\${opening}`) return undefined;
    if (sign !== `\\${closing}`) continue;
    const tex = bound.slice(2, index);
    return tex.trim() === '' ? undefined : { raw: bound.slice(0, index + 2), tex, isDisplay };
  }
  return bound.length < (isDisplay ? LONGEST_DISPLAY : LONGEST_INLINE) ? 'open' : undefined;
}

/** mhchem's command, which models write without dollars too. */
function chemistry(rest: string): FoundFormula {
  if (rest === '\\c' || rest === '\\ce') return 'open';
  if (!rest.startsWith('\\ce{')) return undefined;
  const bound = rest.slice(0, LONGEST_INLINE);
  let depth = 0;
  for (const { 0: sign, index } of bound.matchAll(/\\[\s\S]|[{}]|\n[ \t]*\n/g)) {
    if (sign.startsWith('\n')) return undefined;
    depth += sign === '{' ? 1 : sign === '}' ? -1 : 0;
    if (depth > 0 || sign !== '}') continue;
    const raw = bound.slice(0, index + 1);
    return { raw, tex: raw, isDisplay: false };
  }
  return bound.length < LONGEST_INLINE ? 'open' : undefined;
}

function environment(rest: string): FoundFormula {
  if (BEGINNING.startsWith(rest) && rest.length > 1) return 'open';
  if (!rest.startsWith(BEGINNING)) return undefined;
  const name = ENVIRONMENT.exec(rest)?.[1];
  if (name === undefined) return /^\\begin\{[A-Za-z]{0,9}\*?$/.test(rest) ? 'open' : undefined;
  const ending = `\\end{${name}}`;
  const at = rest.indexOf(ending);
  const raw = at < 0 ? rest : rest.slice(0, at + ending.length);
  if (BLANK_LINE.test(raw)) return undefined;
  if (at < 0) return rest.length < LONGEST_DISPLAY ? 'open' : undefined;
  return { raw, tex: raw, isDisplay: true };
}
