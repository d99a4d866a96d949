/**
 * Deltas of an answer as they are stored: how many there are, the length of each, then all their text. The lengths are there
 * because clients resume after any delta; the text is what a log holds, JSON inside of a string literal.
 *
 *   varint count │ varint bytes of each │ UTF-8
 */
import { isUtf8 } from 'node:buffer';
import { fromWire, toWire, type WireText } from '../protocol/wire-text.ts';
import type { DeltaSink, LogCursor, LogEntry } from '../stream-log/port.ts';

/** Bytes that are read of a log in one go: it says where to stop after each of them. */
const READ_BYTES = 256 * 1024;

export interface Deltas {
  /** UTF-8 bytes of each. */
  readonly lengths: readonly number[];
  readonly text: Buffer;
}

/**
 * All that the log holds after the cursor, which is at the head then. `'gap'` where some of it is gone.
 * Lone bytes that are no UTF-8 become U+FFFD: no store takes them.
 */
export function readDeltas(cursor: LogCursor, head: number): Deltas | 'gap' {
  const reader = new DeltaReader();
  while (cursor.seq < head) if (!cursor.pour(reader, READ_BYTES)) return 'gap';
  return reader.deltas();
}

/** Used again and again: what is read leaves as a copy. */
let scratch = Buffer.allocUnsafeSlow(64 * 1024);

class DeltaReader implements DeltaSink {
  readonly #lengths: number[] = [];
  #used = 0;

  take(_: LogEntry['kind'], bytes: Buffer, from: number, end: number): void {
    if (this.#used + end - from > scratch.length) {
      const larger = Buffer.allocUnsafeSlow(2 * (this.#used + end - from));
      scratch.copy(larger, 0, 0, this.#used);
      scratch = larger;
    }
    this.#used += bytes.copy(scratch, this.#used, from, end);
    this.#lengths.push(end - from);
  }

  deltas(): Deltas {
    const text = Buffer.from(scratch.subarray(0, this.#used));
    const deltas = { lengths: this.#lengths, text };
    return isUtf8(text) ? deltas : deltasOf(wireTexts(deltas).map((delta) => toWire(fromWire(delta))));
  }
}

export function deltasOf(texts: readonly WireText[]): Deltas {
  return { lengths: texts.map(({ length }) => length), text: Buffer.from(texts.join(''), 'latin1') };
}

export function wireTexts({ lengths, text }: Deltas): WireText[] {
  let at = 0;
  return lengths.map((length) => {
    at += length;
    return text.toString('latin1', at - length, at) as WireText;
  });
}

/** One after the other, in order. */
export function joinDeltas(parts: readonly Deltas[]): Deltas {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  return {
    lengths: parts.flatMap(({ lengths }) => lengths),
    text: Buffer.concat(parts.map(({ text }) => text)),
  };
}

export function encodePiece(deltas: Deltas): Buffer {
  return Buffer.concat([encodeLengths(deltas.lengths), deltas.text]);
}

/** @throws RangeError where it is no piece */
export function decodePiece(bytes: Buffer): Deltas {
  const { lengths, at } = readLengths(bytes);
  return checked({ lengths, text: bytes.subarray(at) });
}

/** The count and the lengths alone. */
export function encodeLengths(lengths: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(MAX_VARINT_BYTES * (lengths.length + 1));
  let at = writeVarint(bytes, 0, lengths.length);
  for (const length of lengths) at = writeVarint(bytes, at, length);
  return bytes.subarray(0, at);
}

/** @throws RangeError where those are not the lengths of that text */
export function withLengths(lengths: Buffer, text: Buffer): Deltas {
  return checked({ lengths: readLengths(lengths).lengths, text });
}

function checked(deltas: Deltas): Deltas {
  const sum = deltas.lengths.reduce((bytes, length) => bytes + length, 0);
  if (sum !== deltas.text.length) throw new RangeError('the lengths are not those of the text');
  return deltas;
}

function readLengths(bytes: Buffer): { readonly lengths: number[]; readonly at: number } {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let scale = 1; scale < MAX_VARINT; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new RangeError('the lengths are cut off');
  };
  const count = next();
  if (count > bytes.length) throw new RangeError('there are fewer lengths than it says');
  return { lengths: Array.from({ length: count }, next), at };
}

/** Of four bytes: 256 MB, above any delta and any count of them. */
const MAX_VARINT_BYTES = 4;
const MAX_VARINT = 128 ** MAX_VARINT_BYTES;

function writeVarint(bytes: Buffer, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest >= 128) {
    bytes[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at] = rest;
  return at + 1;
}
