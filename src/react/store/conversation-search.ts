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
  const words = fold(query)
    .split(/\s+/)
    .filter((word) => word !== '');
  return words.every((word) => name.includes(word) || messages.some((each) => textOf(each).includes(word)));
}

function textOf(message: ChatMessage): string {
  const known = folded.get(message);
  if (known !== undefined) return known;
  const text = fold([...attachmentsOf(message).map(({ alt }) => alt), message.content].join('\n'));
  folded.set(message, text);
  return text;
}
