/** What a screen reader is told of a growing answer: whole sentences, some at a time, each once. */
import { formulaAt, replaceFormulas } from './math/formula-source.ts';
import { readableMath } from './math/readable-math.ts';

export interface SpokenText {
  readonly text: string;
  /** Up to where the answer has been said. */
  readonly end: number;
}

const SENTENCE_END = /[.!?…:؟。！？]["'”’)*_]*\s|\n/gu;

/**
 * The sentences that ended since `from`; with `isWhole` all that is left. Undefined where there is nothing to say. `code`: said in
 * place of code, with its language; without it code is said as it stands.
 */
export function spokenText(
  answer: string,
  from: number,
  isWhole: boolean,
  code?: string,
): SpokenText | undefined {
  const rest = answer.slice(from);
  const end = isWhole ? rest.length : outsideOfFormulas(rest, lastEnd(rest));
  const said = code === undefined ? rest.slice(0, end) : namingCode(answer, from, from + end, code);
  const text = piecesOf(said)
    .map(spoken)
    .filter((part) => part !== '')
    .join(' ');
  return text === '' ? undefined : { text, end: from + end };
}

const CODE = /^ {0,3}(`{3,}|~{3,})([^\n]*)(?:\n[\s\S]*?)?(?:^ {0,3}\1[`~]*[ \t]*$|(?![\s\S]))/gm;

/** From `from` to `end`, with the name of code where it begins, and nothing where it goes on. */
function namingCode(answer: string, from: number, end: number, name: string): string {
  let said = '';
  let at = from;
  for (const { index, 0: block, 2: info = '' } of answer.matchAll(CODE)) {
    if (index >= end) break;
    if (index + block.length <= from) continue;
    const language = info.trim().split(/\s/, 1)[0];
    said += answer.slice(at, Math.max(at, index));
    if (index >= from) said += language ? ` ${name}: ${language}. ` : ` ${name}. `;
    at = Math.min(end, index + block.length);
  }
  return said + answer.slice(at, end);
}

function lastEnd(text: string): number {
  let end = 0;
  for (const match of text.matchAll(SENTENCE_END)) end = match.index + match[0].length;
  return end;
}

/** The beginning of the formula that `end` is in, else `end`. */
function outsideOfFormulas(text: string, end: number): number {
  const begun = text.slice(0, end);
  const opening = Math.max(begun.lastIndexOf('$$'), begun.lastIndexOf('\\['), begun.lastIndexOf('\\begin{'));
  if (opening < 0) return end;
  const found = formulaAt(text, opening, text.charAt(opening - 1));
  const isWithin = found === 'open' || (found !== undefined && opening + found.raw.length > end);
  return isWithin ? opening : end;
}

/** Marks are looked for in so many characters at a time: in one long text each would be sought to its far end. */
const LONGEST_PIECE = 2000;

const PIECES = new RegExp(`[^]{1,${LONGEST_PIECE}}(?=\\s|$)|[^]{1,${LONGEST_PIECE}}`, 'g');

function piecesOf(text: string): string[] {
  return text.match(PIECES) ?? [];
}

/** Without the marks of Markdown, which nobody wants read out. */
function spoken(markdown: string): string {
  return replaceFormulas(markdown, ({ tex }) => readableMath(tex).replaceAll('\n', ', '))
    .replaceAll(/\[\^[^\]\s]+\]:?/g, '')
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/^\s*(```.*|[-*_]{3,}|\|?[\s:|-]+\|[\s:|-]*)$/gm, '')
    .replaceAll(/^(\s*[-*+]\s+)\[([ xX])\]\s/gm, (_, bullet: string, mark: string) =>
      mark === ' ' ? `${bullet}☐ ` : `${bullet}☑ `,
    )
    .replaceAll(/([^\s.,;:!?…])\s*\n\s*[-*+]\s+/g, '$1, ') // a pause between items
    .replaceAll(/^\s*(#{1,6}|>|[-*+])\s+/gm, '')
    .replaceAll(/(\s*\|\s*)+/g, ', ')
    .replaceAll(/(\*\*|__|[*_`~])/g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/,(?: ,)+/g, ',')
    .replaceAll(/^[\s,]+|[\s,]+$/g, '');
}
