/**
 * Rules that `ws` does not hold a peer to. RFC 6455: a length takes as few bytes as it can (5.2), and text that is no UTF-8
 * fails the connection with the first byte that shows it (8.1), not at the end of a message that may never come. Our own: a
 * message has a bounded number of fragments, also empty ones, which `ws` does not count. It sees the same bytes as `ws`,
 * before it, and leaves every other rule to it.
 */

const FIN = 0x80;
const OPCODE = 0x0f;
const CONTINUATION = 0;
const TEXT = 1;
const CLOSE = 8;
const MASKED = 0x80;
const LENGTH = 0x7f;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const LONGEST_SHORT = 125;
const LONGEST_16 = 0xffff;
const MASK_BYTES = 4;
/** Of a header with a length of 64 bits and a mask. */
const LONGEST_HEADER = 14;

/** Of one message. */
export const MAX_FRAGMENTS = 64;

const PROTOCOL_ERROR = 1002;
const INVALID_TEXT = 1007;
const TOO_MANY_FRAGMENTS = 1008;
type ViolationCode = typeof PROTOCOL_ERROR | typeof INVALID_TEXT | typeof TOO_MANY_FRAGMENTS;

export interface Violation {
  /** To close with. */
  readonly code: ViolationCode;
  /** Bytes before the one that shows it. */
  readonly at: number;
}

/** Whether these are whole messages, one frame each, of lengths as they must be: nearly all that ever comes. */
export function areWholeMessages(bytes: Buffer): boolean {
  let at = 0;
  while (at + 1 < bytes.length) {
    const first = bytes[at] ?? 0;
    const second = bytes[at + 1] ?? 0;
    const opcode = first & OPCODE;
    if ((first & FIN) === 0 || opcode === CONTINUATION || opcode === CLOSE) return false;
    let length = second & LENGTH;
    at += 2;
    if (length === LENGTH_64 || (length === LENGTH_16 && at + 2 > bytes.length)) return false;
    if (length === LENGTH_16) {
      length = bytes.readUInt16BE(at);
      if (length <= LONGEST_SHORT) return false;
      at += 2;
    }
    at += length + maskBytes(second);
  }
  return at === bytes.length;
}

/** Of one connection, from the first bytes that are no whole messages on. */
export class FrameRules {
  /** The peer's close frame has come: nothing counts after it. */
  closed = false;
  readonly #header = Buffer.alloc(LONGEST_HEADER);
  #headerLength = 0;
  /** Bytes of the frame that are still to come; undefined: its header is. */
  #left: number | undefined;
  #isFinal = true;
  #opcode = 0;
  /** Frames so far of the message that has begun and not ended. */
  #fragments = 0;
  /** Its text, if it is one. */
  #text: Utf8Prefix | undefined;
  /** Where in the header the mask begins. */
  #mask = 0;
  /** Bytes of the frame that were unmasked. */
  #unmasked = 0;

  /** Whether nothing of what came matters to what comes. */
  get isBetweenMessages(): boolean {
    return this.#headerLength === 0 && this.#left === undefined && this.#fragments === 0;
  }

  /** Takes what comes next. @returns the first thing that is wrong; then it must not be asked again */
  check(bytes: Buffer): Violation | undefined {
    let at = 0;
    while (at < bytes.length && !this.closed) {
      if (this.#left === undefined) {
        const code = this.#takeHeaderByte(bytes[at] ?? 0);
        if (code !== undefined) return { code, at };
        at += 1;
      } else {
        const end = Math.min(bytes.length, at + this.#left);
        const wrong = this.#isOfMessage ? this.#firstWrong(bytes, at, end) : end;
        if (wrong < end) return { code: INVALID_TEXT, at: wrong };
        this.#left -= end - at;
        at = end;
      }
      if (this.#left === 0) this.#endFrame();
    }
    return undefined;
  }

  #takeHeaderByte(byte: number): ViolationCode | undefined {
    const header = this.#header;
    header[this.#headerLength] = byte;
    this.#headerLength += 1;
    if (this.#headerLength < 2) return undefined;
    const second = header[1] ?? 0;
    const short = second & LENGTH;
    const lengthEnd = short === LENGTH_64 ? 10 : short === LENGTH_16 ? 4 : 2;
    if (this.#headerLength === lengthEnd && !isShortest(header, short)) return PROTOCOL_ERROR;
    if (this.#headerLength < lengthEnd + maskBytes(second)) return undefined;
    this.#mask = lengthEnd;
    this.#beginFrame(header[0] ?? 0, lengthOf(header, short));
    return this.#fragments > MAX_FRAGMENTS ? TOO_MANY_FRAGMENTS : undefined;
  }

  #beginFrame(first: number, length: number): void {
    this.#left = length;
    this.#headerLength = 0;
    this.#unmasked = 0;
    this.#isFinal = (first & FIN) !== 0;
    this.#opcode = first & OPCODE;
    if (this.#opcode === TEXT) this.#text = new Utf8Prefix();
    if (this.#isOfMessage) this.#fragments += 1;
  }

  /** Control frames may stand between the fragments of a message. */
  get #isOfMessage(): boolean {
    return this.#opcode < CLOSE;
  }

  /** Where the first byte is that no text goes on with; `end` if none is. */
  #firstWrong(bytes: Buffer, from: number, end: number): number {
    if (this.#text === undefined) return end;
    for (let at = from; at < end; at += 1) {
      const mask = this.#header[this.#mask + (this.#unmasked % MASK_BYTES)] ?? 0;
      this.#unmasked += 1;
      if (!this.#text.goesOnWith((bytes[at] ?? 0) ^ mask)) return at;
    }
    return end;
  }

  #endFrame(): void {
    this.#left = undefined;
    if (this.#opcode === CLOSE) this.closed = true;
    if (!this.#isFinal || !this.#isOfMessage) return;
    this.#fragments = 0;
    this.#text = undefined;
  }
}

function maskBytes(second: number): number {
  return (second & MASKED) === 0 ? 0 : MASK_BYTES;
}

/** Of a header whose length is complete. One whose highest bit is set is no length at all. */
function isShortest(header: Buffer, short: number): boolean {
  if (short === LENGTH_16) return header.readUInt16BE(2) > LONGEST_SHORT;
  if (short !== LENGTH_64) return true;
  const high = header.readUInt32BE(2);
  return high < 2 ** 31 && (high > 0 || header.readUInt32BE(6) > LONGEST_16);
}

function lengthOf(header: Buffer, short: number): number {
  if (short === LENGTH_16) return header.readUInt16BE(2);
  return short === LENGTH_64 ? header.readUInt32BE(2) * 2 ** 32 + header.readUInt32BE(6) : short;
}

/** Bytes of a text as they come, without what they mean (RFC 3629, 4). Whether it ends well is for `ws` to say. */
class Utf8Prefix {
  /** Bytes that the character still needs, and between which the next one lies. */
  #needed = 0;
  #lowest = 0x80;
  #highest = 0xbf;

  goesOnWith(byte: number): boolean {
    if (this.#needed > 0) {
      if (byte < this.#lowest || byte > this.#highest) return false;
      this.#needed -= 1;
      this.#lowest = 0x80;
      this.#highest = 0xbf;
      return true;
    }
    if (byte < 0x80) return true;
    if (byte < 0xc2 || byte > 0xf4) return false;
    this.#needed = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    // No longer form than needed, no surrogate, nothing past U+10FFFF.
    if (byte === 0xe0) this.#lowest = 0xa0;
    else if (byte === 0xed) this.#highest = 0x9f;
    else if (byte === 0xf0) this.#lowest = 0x90;
    else if (byte === 0xf4) this.#highest = 0x8f;
    return true;
  }
}
