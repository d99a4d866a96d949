/** What a model says to a question: some eighty deltas that nothing else says, and that are not easy to carry. */
import { Random } from '../../src/simulator/random.ts';

const ALPHABET = [
  'word ',
  'Größe ',
  '你好',
  '👩‍👩‍👧',
  '"\\\n',
  '\u2028',
  'a',
  ' and a rather longer piece of text ',
];

export function deltasFor(question: string): string[] {
  const random = new Random(question);
  return Array.from({ length: random.integer(20, 140) }, () => random.pick(ALPHABET) + random.base62(2));
}
