/** Inputs that are nearly right: one of a corpus, changed a few times. Pure, so that fast-check can shrink them. */
import fc from 'fast-check';

type Mutation = (input: string) => string;

/** In UTF-16 units. */
const LONGEST_INPUT = 64 * 1024;
const MOST_MUTATIONS = 6;

/** What careless code trips over, wherever it stands. */
const WORDS: readonly string[] = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then'],
  ...['{', '}', '[', ']', '"', '\\', ',', ':', '.', '=', '/', '../', '%00', '%', '//'],
  ...[
    '\0',
    '\n',
    '\r\n',
    '\n\n',
    '\r',
    '\u001b[31m',
    '\u001d',
    '\u001e',
    '\u001f',
    '\u2028',
    '\ufeff',
    '\x7f',
  ],
  ...['\ud800', '\udc00', '🍕', '\u00ff', '\u0080', '\\u0000', '\\ud800'],
  ...['null', 'true', 'false', '{}', '[]', '""', ' '],
  ...['[['.repeat(200), '{"a":'.repeat(200), 'x'.repeat(1000), ','.repeat(500)],
];

const NUMBERS: readonly string[] = [
  ...['0', '-0', '-1', '1', '1.5', '1e400', '-1e400', '1e-7', '9007199254740991', '9007199254740993'],
  ...['2147483648', '4294967296', '99999999999999999999', '0x10', '1e3', '01', 'NaN', 'Infinity', '٣'],
];

/** Of a text of any length. */
const place = fc.nat(LONGEST_INPUT);
const at = (input: string, position: number): number => position % (input.length + 1);

/** Changed inputs of the corpus, and some of no origin. */
export function mutated(corpus: readonly string[], words: readonly string[] = []): fc.Arbitrary<string> {
  const mutations = fc.array(mutation(corpus, [...WORDS, ...words]), {
    maxLength: MOST_MUTATIONS,
    size: 'max',
  });
  const grown = fc
    .tuple(fc.constantFrom(...corpus), mutations)
    .map(([input, changes]) => changes.reduce((text, change) => change(text).slice(0, LONGEST_INPUT), input));
  return fc.oneof({ weight: 20, arbitrary: grown }, { weight: 1, arbitrary: fc.string({ unit: 'binary' }) });
}

function mutation(corpus: readonly string[], words: readonly string[]): fc.Arbitrary<Mutation> {
  const length = fc.oneof(fc.nat(4), fc.nat(64));
  return fc.oneof(
    fc.tuple(place, length).map(
      ([position, count]): Mutation =>
        (text) =>
          replaced(text, position, count, ''),
    ),
    fc.tuple(place, fc.oneof(fc.constant(0), length), fc.constantFrom(...words)).map(
      ([position, count, word]): Mutation =>
        (text) =>
          replaced(text, position, count, word),
    ),
    fc.tuple(place, fc.nat(2), fc.string({ unit: 'binary', maxLength: 3 })).map(
      ([position, count, some]): Mutation =>
        (text) =>
          replaced(text, position, count, some),
    ),
    fc.tuple(place, fc.nat(7)).map(
      ([position, bit]): Mutation =>
        (text) =>
          withBitFlipped(text, position, bit),
    ),
    fc.tuple(place, length, fc.integer({ min: 1, max: 300 })).map(
      ([position, count, times]): Mutation =>
        (text) =>
          repeated(text, position, count, times),
    ),
    fc.tuple(place, place, fc.constantFrom(...corpus)).map(
      ([here, there, other]): Mutation =>
        (text) =>
          text.slice(0, at(text, here)) + other.slice(at(other, there)),
    ),
    fc.tuple(place, fc.constantFrom(...NUMBERS)).map(
      ([position, number]): Mutation =>
        (text) =>
          withNumber(text, at(text, position), number),
    ),
    fc.tuple(place, place, length).map(
      ([from, to, count]): Mutation =>
        (text) =>
          moved(text, from, to, count),
    ),
  );
}

function replaced(text: string, position: number, count: number, by: string): string {
  const from = at(text, position);
  return text.slice(0, from) + by + text.slice(from + count);
}

function withBitFlipped(text: string, position: number, bit: number): string {
  if (text === '') return text;
  const from = position % text.length;
  return replaced(text, from, 1, String.fromCharCode(text.charCodeAt(from) ^ (1 << bit)));
}

function repeated(text: string, position: number, count: number, times: number): string {
  const from = at(text, position);
  const part = text.slice(from, from + count);
  return replaced(text, from, 0, part.repeat(Math.min(times, LONGEST_INPUT / (part.length + 1))));
}

/** The next number of the text, if there is one, becomes another. */
function withNumber(text: string, from: number, number: string): string {
  return text.slice(0, from) + text.slice(from).replace(/-?\d+(\.\d+)?/, () => number);
}

/** Lines, mostly: what is in another order than anybody thought. */
function moved(text: string, from: number, to: number, count: number): string {
  const lines = text.split('\n');
  if (lines.length < 2) return text;
  const taken = lines.splice(from % lines.length, 1 + (count % 3));
  lines.splice(to % (lines.length + 1), 0, ...taken);
  return lines.join('\n');
}
