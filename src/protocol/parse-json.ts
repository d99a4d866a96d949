/**
 * JSON by a stranger. How deep it is and how many values it has shows in its text, before anything is built of it: a
 * parser is fast per byte of text, and a hundred times slower per byte of brackets.
 */
import { RelayError } from './relay-error.ts';

export interface JsonBounds {
  /** Lists and objects within one another. */
  readonly depth: number;
  /** Values in all, at every depth. */
  readonly values: number;
}

const QUOTE = 34;
const COMMA = 44;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** @throws RelayError bad_request, in words that hold nothing of the text */
export function parseJson(text: string, bounds: JsonBounds): unknown {
  requireBounds(text, bounds);
  try {
    return JSON.parse(text);
  } catch {
    throw new RelayError('bad_request', 'this is not JSON');
  }
}

/**
 * Judges by the marks outside of strings; whether they make JSON is for the parser to say.
 * @throws RelayError bad_request
 */
export function requireBounds(text: string, { depth, values }: JsonBounds): void {
  let level = 0;
  let count = 1;
  for (let at = 0; at < text.length; at += 1) {
    const mark = text.charCodeAt(at);
    if (mark === QUOTE) {
      at = endOfString(text, at);
    } else if (mark === COMMA) {
      count += 1;
    } else if (mark === OPEN_LIST || mark === OPEN_OBJECT) {
      level += 1;
      count += 1;
    } else if (mark === CLOSE_LIST || mark === CLOSE_OBJECT) {
      level -= 1;
    }
    if (level > depth) throw new RelayError('bad_request', `JSON nested deeper than ${depth}`);
    if (count > values) throw new RelayError('bad_request', `JSON of more than ${values} values`);
  }
}

/** Where the string ends that begins there: most hold no escaped quote, and are passed in one step. */
function endOfString(text: string, begin: number): number {
  const end = text.indexOf('"', begin + 1);
  if (end < 0) return text.length;
  if (text.charCodeAt(end - 1) !== BACKSLASH) return end;
  for (let at = begin + 1; at < text.length; at += 1) {
    const mark = text.charCodeAt(at);
    if (mark === BACKSLASH) at += 1;
    else if (mark === QUOTE) return at;
  }
  return text.length;
}
