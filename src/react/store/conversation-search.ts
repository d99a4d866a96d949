/** Finds words in conversations, whatever their case and their accents. */
import { attachmentsOf, type ChatMessage } from './messages.ts';

/** Of messages that do not change any more; those that are gone take theirs along. */
const folded = new WeakMap<ChatMessage, string>();

/** Accents of Latin, Greek and Cyrillic letters, and the vowel signs of Arabic ones, which most people do not type. */
const MARKS = /[\u0300-\u036f\u064b-\u0652\u0670\u0640]/g;

/** So that only letters are compared. */
export function fold(text: string): string {
  return text.normalize('NFD').replaceAll(MARKS, '').toLowerCase();
}

/** Whether each word of `query` stands in the title or in what was said; true where there is none. */
export function matches(query: string, title: string, messages: readonly ChatMessage[]): boolean {
  const name = fold(title);
  return wordsOf(query).every(
    (word) => name.includes(word) || messages.some((each) => textOf(each).includes(word)),
  );
}

/** Of an excerpt, characters before what was found, and in all. */
const BEFORE = 24;
const EXCERPT = 90;
/** Of Markdown: an excerpt is a line of plain text. */
const MARKUP = /[*_`#>|$\\]+|^\s*[-+]\s/gm;

/** Some words around what was found in what was said; undefined where the title says it already. */
export function excerptOf(
  query: string,
  title: string,
  messages: readonly ChatMessage[],
): string | undefined {
  const name = fold(title);
  const word = wordsOf(query).find((each) => !name.includes(each));
  if (word === undefined) return undefined;
  for (const message of messages.filter((each) => textOf(each).includes(word))) {
    const text = message.content.replaceAll(MARKUP, '').replaceAll(/\s+/g, ' ').trim();
    const at = fold(text).indexOf(word);
    if (at >= 0) return around(text, unfolded(text, at));
  }
  return undefined;
}

function wordsOf(query: string): string[] {
  return fold(query)
    .split(/\s+/)
    .filter((word) => word !== '');
}

/** The place in `text` of what stands at `at` once it is folded. */
function unfolded(text: string, at: number): number {
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fold(text.slice(0, middle)).length <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Whole words, with a mark where some were left out. */
function around(text: string, at: number): string {
  const start = at <= BEFORE ? 0 : text.indexOf(' ', at - BEFORE) + 1;
  const from = start > at ? at : start;
  const rest = text.slice(from, from + EXCERPT);
  const isWhole = from + EXCERPT >= text.length;
  const cut = isWhole ? rest : `${rest.replace(/\s+\S*$/, '')}…`;
  return from > 0 ? `…${cut}` : cut;
}

function textOf(message: ChatMessage): string {
  const known = folded.get(message);
  if (known !== undefined) return known;
  const text = fold([...attachmentsOf(message).map(({ alt }) => alt), message.content].join('\n'));
  folded.set(message, text);
  return text;
}
