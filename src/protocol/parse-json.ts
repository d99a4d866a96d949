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
  /** The same, where its objects are much alike, as the messages of a chat are. Absent: no more. */
  readonly alike?: number;
}

/**
 * An object whose fields no other has is ten times as dear as one that is like many. Counted is each field that follows others as in no
 * object before: a chat has some sixty, whatever its length. 30,000 values within this cost less than 10,000 of which none is alike.
 */
const MAX_SHAPES = 250;

const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
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
export function requireBounds(text: string, { depth, values, alike = values }: JsonBounds): void {
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
    if (count > alike) throw new RelayError('bad_request', `JSON of more than ${alike} values`);
  }
  if (count > values) requireAlike(text, values);
}

/** A field, or the beginning of an object: the fields that have followed it. */
class Shape {
  #next: Map<string, Shape> | undefined;

  after(field: string): Shape | undefined {
    return this.#next?.get(field);
  }

  add(field: string): Shape {
    const shape = new Shape();
    this.#next ??= new Map();
    this.#next.set(field, shape);
    return shape;
  }
}

/**
 * A second look, at what is large: what is alike costs a fifth of that.
 * @throws RelayError bad_request
 */
function requireAlike(text: string, values: number): void {
  const beginning = new Shape();
  const open: Shape[] = [];
  let shapes = 0;
  for (let at = 0; at < text.length; at += 1) {
    const mark = text.charCodeAt(at);
    if (mark === OPEN_LIST || mark === OPEN_OBJECT) open.push(beginning);
    else if (mark === CLOSE_LIST || mark === CLOSE_OBJECT) open.pop();
    if (mark !== QUOTE) continue;
    const begin = at;
    at = endOfString(text, at);
    const before = open.at(-1);
    if (before === undefined || !isField(text, at)) continue;
    const field = text.slice(begin, at);
    const known = before.after(field);
    open[open.length - 1] = known ?? before.add(field);
    if (known === undefined) shapes += 1;
    if (shapes > MAX_SHAPES)
      throw new RelayError('bad_request', `JSON of more than ${values} values that are not alike`);
  }
}

/** Whether the string that ends there is the name of a field. */
function isField(text: string, end: number): boolean {
  let at = end + 1;
  while (text.charCodeAt(at) <= SPACE) at += 1;
  return text.charCodeAt(at) === COLON;
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
