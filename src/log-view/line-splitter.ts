/** Bytes as they come, cut into lines. They are handed on as bytes: not all of them need be text. */

const NEWLINE = 0x0a;
/** What is longer is no line of the relay, and is passed on in parts. */
const MAX_LINE_BYTES = 1_048_576;

export interface Piece {
  readonly bytes: Buffer;
  /** A line with its end, or the last one; otherwise a part of one that is too long. */
  readonly isLine: boolean;
}

export class LineSplitter {
  readonly #maxBytes: number;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Within a line of which parts were passed on. */
  #isOverlong = false;

  /** @param maxBytes of a line; default: 1 MiB */
  constructor(maxBytes = MAX_LINE_BYTES) {
    this.#maxBytes = maxBytes;
  }

  *push(chunk: Buffer): Iterable<Piece> {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      this.#hold(chunk.subarray(from, end + 1));
      yield this.#take();
      this.#isOverlong = false;
      from = end + 1;
    }
    this.#hold(chunk.subarray(from));
    if (this.#heldBytes <= this.#maxBytes) return;
    this.#isOverlong = true;
    yield this.#take();
  }

  /** What came after the last line's end, if anything did. */
  *end(): Iterable<Piece> {
    if (this.#heldBytes > 0) yield this.#take();
  }

  #hold(bytes: Buffer): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  #take(): Piece {
    const bytes = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return { bytes, isLine: !this.#isOverlong };
  }
}
