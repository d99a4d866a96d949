/** What is said to a stranger whose input is refused: one error class, a code of the table, words that are safe to show. */
import assert from 'node:assert/strict';
import { ERROR_CODES } from '../../src/protocol/codes.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';

const LONGEST_MESSAGE = 1000;
/** Words of an engine about code, which tell nobody what to do. */
const OF_AN_ENGINE =
  /cannot read propert|is not a function|is not iterable|maximum call stack|is not defined|undefined \(|invalid regular|\n {4}at /i;

/** What `read` gives, or nothing where it refused as it may. */
export function readOrRefused<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    requireRefusal(error);
    return undefined;
  }
}

export function requireRefusal(error: unknown): asserts error is RelayError {
  if (!(error instanceof RelayError)) throw error;
  assert.ok(Object.hasOwn(ERROR_CODES, error.code), `${error.code} is no code of the table`);
  requireSentence(error.message);
}

/** Of a message for people: said about their input, and not about our code. */
export function requireSentence(message: string, longest = LONGEST_MESSAGE): void {
  assert.ok(message.length > 0 && message.length <= longest, `a message of ${message.length} characters`);
  assert.doesNotMatch(message, OF_AN_ENGINE);
}
