/**
 * Which parts of growing code have which colours. It is read piece by piece, a piece again only until it is complete: what
 * stands before it is settled. It knows nothing of a page.
 */
import type { CodeColour } from '../theme.ts';

/** In characters, from the beginning of the code. */
export interface CodeToken {
  readonly colour: CodeColour;
  readonly start: number;
  readonly end: number;
}

/** A piece of code that was read. */
export interface ReadCode {
  /** In their order, none within another. */
  readonly tokens: readonly CodeToken[];
  /** Nothing is open at its end, such as a comment of several lines: what follows can be read without it. */
  readonly isClosed: boolean;
}

/** `start`: of the piece in all of the code, in characters. */
export type CodeReading = (piece: string, start: number) => ReadCode;

/** Characters of a piece, and of one in which something stays open: a task that no device takes long for. */
const PIECE = 1024;
const LONGEST_PIECE = 8192;
/** Of a line and of all: what is longer is plain from there on. */
const LONGEST_LINE = 5000;
const LONGEST = 100_000;

interface Piece {
  readonly start: number;
  readonly end: number;
  readonly tokens: readonly CodeToken[];
}

export class CodeLexer {
  readonly #read: CodeReading;
  #text = '';
  /** In their order; nothing lies between them. */
  #settled: Piece[] = [];
  /** What follows them, as it was read last. */
  #open: Piece | undefined;
  /** Of the piece that is read next. */
  #length = PIECE;
  /** The rest is plain. */
  #isOver = false;

  constructor(read: CodeReading) {
    this.#read = read;
  }

  /** `text`: all of it so far. */
  update(text: string): void {
    if (!text.startsWith(this.#text)) this.#beginAnew();
    this.#text = text;
  }

  /** Up to here the colours are known, in characters. */
  get readTo(): number {
    return this.#isOver ? Number.POSITIVE_INFINITY : (this.#open?.end ?? this.#settledTo);
  }

  /** How many characters, about, `readNext` reads. */
  get nextLength(): number {
    return Math.min(this.#length, this.#text.length - this.#settledTo);
  }

  /** Reads a piece. After it `readTo` is further on, unless all is read. */
  readNext(): void {
    const start = this.#settledTo;
    const whole = this.#text.slice(start, this.#endOfPiece(start));
    const code = whole.slice(0, lengthBeforeLongLine(whole));
    const end = start + code.length;
    const { tokens, isClosed } = this.#read(code, start);
    const piece = { start, end, tokens };
    const isLast = end === this.#text.length;
    if (isClosed && !isLast) this.#settle(piece);
    else this.#open = piece;
    if (code.length < whole.length || end >= LONGEST) this.#isOver = true;
    else if (!isClosed && !isLast) this.#lengthen();
  }

  /** Those that reach into a part of the code, whole. */
  tokensBetween(start: number, end: number): readonly CodeToken[] {
    const pieces = this.#open ? [...this.#settled, this.#open] : this.#settled;
    return pieces
      .filter((piece) => piece.start < end && piece.end > start)
      .flatMap(({ tokens }) => tokens.filter((token) => token.start < end && token.end > start));
  }

  get #settledTo(): number {
    return this.#settled.at(-1)?.end ?? 0;
  }

  /** After a line, if there is one that ends. */
  #endOfPiece(start: number): number {
    const limit = Math.min(this.#text.length, LONGEST);
    const lineEnd = this.#text.indexOf('\n', start + this.#length - 1);
    return lineEnd < 0 || lineEnd >= limit ? limit : lineEnd + 1;
  }

  #settle(piece: Piece): void {
    this.#settled.push(piece);
    this.#open = undefined;
    this.#length = PIECE;
  }

  /** What is open may end in more of the text. */
  #lengthen(): void {
    if (this.#length >= LONGEST_PIECE) this.#isOver = true;
    else this.#length += PIECE;
  }

  #beginAnew(): void {
    this.#settled = [];
    this.#open = undefined;
    this.#length = PIECE;
    this.#isOver = false;
  }
}

function lengthBeforeLongLine(text: string): number {
  for (let from = 0; from < text.length; ) {
    const lineEnd = text.indexOf('\n', from);
    const end = lineEnd < 0 ? text.length : lineEnd;
    if (end - from > LONGEST_LINE) return from;
    from = end + 1;
  }
  return text.length;
}
