/**
 * Splits a `text/event-stream` body into events. Works on latin1 strings (one char = one byte), so a slice may end
 * anywhere, also inside a UTF-8 sequence. Line ends: LF, CRLF, CR. It does not know what an event means.
 *
 * Where it differs from the letter of the specification: at the end of the body a last event without its blank line
 * is given too (`atEnd`), because an upstream's last line may have been cut of its line feed only.
 */

/**
 * `name` is '' where the event has none. Its data is `text` from `from` to `end`, several lines joined by spaces (within
 * JSON a line feed is only whitespace). It is given by its place since a part of a string is read slower than a whole.
 */
export type OnSseEvent = (name: string, text: string, from: number, end: number, atEnd: boolean) => void;

/** Larger than any event of the API; a body that exceeds it is not one. */
export const MAX_EVENT_BYTES = 4 * 1024 * 1024;

/** Nearly all events begin so, and are one line of data and a blank line: they are found whole (half the cost of a delta). */
const USUAL_NAME = 'content_block_delta';
const USUAL_START = `event: ${USUAL_NAME}\ndata: `;

const LF = 10;
const LETTER_D = 100;
const LETTER_E = 101;
const SPACE = 32;
const BYTE_ORDER_MARK = '\xef\xbb\xbf';

export class SseDecoder {
  readonly #onEvent: OnSseEvent;
  readonly #maxEventBytes: number;
  /** The unfinished line: a rope while it grows, so that slices of one byte stay cheap. */
  #line = '';
  #name = '';
  #data = '';
  #hasData = false;
  #first = true;
  #skipLineFeed = false;

  constructor(onEvent: OnSseEvent, maxEventBytes = MAX_EVENT_BYTES) {
    this.#onEvent = onEvent;
    this.#maxEventBytes = maxEventBytes;
  }

  /** Whether an event has begun and not ended. */
  get unfinished(): boolean {
    return this.#line !== '' || this.#hasData || this.#name !== '';
  }

  /** Takes the next bytes. @returns false when a line or an event is over the limit: the body must be given up. */
  push(bytes: string): boolean {
    let carriageReturn = bytes.indexOf('\r');
    let from = this.#skipLineFeed && bytes.charCodeAt(0) === LF ? 1 : 0;
    if (bytes.length > 0) this.#skipLineFeed = false;
    for (;;) {
      if (carriageReturn === -1) from = this.#takeUsualEvents(bytes, from);
      let end = bytes.indexOf('\n', from);
      let next = end + 1;
      if (carriageReturn !== -1 && (end === -1 || carriageReturn < end)) {
        end = carriageReturn;
        next = bytes.charCodeAt(end + 1) === LF ? end + 2 : end + 1;
        this.#skipLineFeed = end + 1 === bytes.length;
        carriageReturn = bytes.indexOf('\r', next);
      }
      if (end === -1) break;
      this.#takeLine(bytes, from, end);
      from = next;
    }
    if (from < bytes.length) this.#line += from === 0 ? bytes : bytes.slice(from);
    return this.#line.length + this.#data.length <= this.#maxEventBytes;
  }

  /** The body has ended: gives what is left as a last event. */
  end(): void {
    if (this.#line !== '') this.#takeLine('', 0, 0);
    this.#dispatch(true);
  }

  /** Takes the whole events of the usual form that begin there. @returns where they end */
  #takeUsualEvents(bytes: string, from: number): number {
    if (this.#line !== '' || this.#name !== '' || this.#hasData || this.#first) return from;
    let at = from;
    while (bytes.startsWith(USUAL_START, at)) {
      const data = at + USUAL_START.length;
      const end = bytes.indexOf('\n', data);
      if (end <= data || bytes.charCodeAt(end + 1) !== LF) break;
      this.#onEvent(USUAL_NAME, bytes, data, end, false);
      at = end + 2;
    }
    return at;
  }

  #takeLine(bytes: string, from: number, end: number): void {
    if (this.#line === '' && !this.#first) {
      this.#readLine(bytes, from, end);
      return;
    }
    let line = this.#line + bytes.slice(from, end);
    this.#line = '';
    if (this.#first && line.startsWith(BYTE_ORDER_MARK)) line = line.slice(BYTE_ORDER_MARK.length);
    this.#first = false;
    this.#readLine(line, 0, line.length);
  }

  #readLine(text: string, from: number, end: number): void {
    const first = from === end ? LF : text.charCodeAt(from);
    if (first === LF) {
      this.#dispatch(false);
    } else if (first === LETTER_D && isField(text, 'data', from, end)) {
      this.#addData(text.slice(valueStart(text, from + 4, end), end));
    } else if (first === LETTER_E && isField(text, 'event', from, end)) {
      this.#name = text.slice(valueStart(text, from + 5, end), end);
    }
    // Comments, `id`, `retry` and unknown fields mean nothing here.
  }

  #addData(value: string): void {
    this.#data = this.#hasData ? `${this.#data} ${value}` : value;
    this.#hasData = true;
  }

  #dispatch(atEnd: boolean): void {
    if (!this.#hasData && this.#name === '') return;
    const name = this.#name;
    const data = this.#data;
    this.#name = '';
    this.#data = '';
    this.#hasData = false;
    if (data !== '') this.#onEvent(name, data, 0, data.length, atEnd);
  }
}

function isField(text: string, name: string, from: number, end: number): boolean {
  const after = from + name.length;
  return text.startsWith(name, from) && (after === end || (after < end && text[after] === ':'));
}

/** Where a field's value starts, given the end of its name: after the colon and one space. */
function valueStart(text: string, nameEnd: number, end: number): number {
  if (nameEnd === end) return end;
  return text.charCodeAt(nameEnd + 1) === SPACE && nameEnd + 1 < end ? nameEnd + 2 : nameEnd + 1;
}
