/**
 * Deltas of a log as one text, with their boundaries kept: a reader elsewhere can begin at any of them. Each delta is
 * a mark and its JSON; the marks are control characters, which JSON never holds unescaped.
 */

import { parseJson } from '../protocol/parse-json.ts';
import { toWire, type WireText } from '../protocol/wire-text.ts';
import type { DeltaSink, LogEntry, StreamLog } from '../stream-log/port.ts';
import type { StoredBatch } from './store/port.ts';
import { Malformed } from './store/port.ts';

const TEXT = '\x1e';
const EVENT = '\x1f';
// biome-ignore lint/suspicious/noControlCharactersInRegex: the marks are control characters on purpose
const DELTAS = /([\x1e\x1f])([^\x1e\x1f]+)/g;
/** Of one batch: an owner gathers 256 KiB, and no delta is empty. */
const MAX_DELTAS = 131_072;
// biome-ignore lint/suspicious/noControlCharactersInRegex: none of them stands unescaped in a frame
const CONTROL_CHARACTER = /[\x00-\x1f]/;
/** What 600 streams at 25 deltas a second fill in 50 ms, about; and what is worth keeping. */
const USUAL_BYTES = 64 * 1024;
const MOST_KEPT_BYTES = 1024 * 1024;

/** Of one event: what an upstream's may have. */
const BOUNDS = { depth: 256, values: 100_000 } as const;

/**
 * Batches of many runs, one after the other, as the bytes that are stored: copied from log to command without a text for
 * each delta, into memory that is used again.
 */
export class BatchBytes implements DeltaSink {
  #memory = Buffer.allocUnsafeSlow(USUAL_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** All of it, until it is cut or added to. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  take(kind: LogEntry['kind'], bytes: Buffer, from: number, end: number): void {
    this.#makeRoom(1 + end - from);
    this.#memory[this.#length] = (kind === 'text' ? TEXT : EVENT).charCodeAt(0);
    this.#length += 1 + bytes.copy(this.#memory, this.#length + 1, from, end);
  }

  /** Forgets what comes after that length. */
  cut(length: number): void {
    this.#length = length;
    if (length === 0 && this.#memory.length > MOST_KEPT_BYTES)
      this.#memory = Buffer.allocUnsafeSlow(USUAL_BYTES);
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#memory.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#memory.length * 2));
    this.#memory.copy(larger, 0, 0, this.#length);
    this.#memory = larger;
  }
}

/** A batch whose deltas are what a log may hold. */
export interface Batch {
  /** The seq before its first delta. */
  readonly start: number;
  readonly deltas: readonly Pick<LogEntry, 'kind' | 'json'>[];
}

/** @throws Malformed for what no machine writes */
export function decodeBatch({ seq, payload }: StoredBatch): Batch {
  const deltas: Pick<LogEntry, 'kind' | 'json'>[] = [];
  let length = 0;
  const wire = toWire(payload);
  for (const [whole, mark, json] of wire.matchAll(DELTAS)) {
    const delta = { kind: mark === TEXT ? 'text' : 'event', json: json as WireText } as const;
    if (deltas.length === MAX_DELTAS || !isDelta(delta)) throw new Malformed('deltas of a run');
    deltas.push(delta);
    length += whole.length;
  }
  const start = seq - deltas.length;
  const isWhole = deltas.length > 0 && length === wire.length;
  if (!isWhole || !Number.isSafeInteger(seq) || start < 0) throw new Malformed('deltas of a run');
  return { start, deltas };
}

/** Appends what the log does not hold yet. False where deltas in between are missing; nothing is appended then. */
export function appendBatch(log: StreamLog, { start, deltas }: Batch): boolean {
  const known = log.head - start;
  if (known < 0) return false;
  for (const { kind, json } of deltas.slice(known)) log.append(kind, json);
  return true;
}

/** It becomes a part of a frame, and a line of an event stream, as it stands. */
function isDelta({ kind, json }: Batch['deltas'][number]): boolean {
  if (CONTROL_CHARACTER.test(json)) return false;
  try {
    const value = parseJson(kind === 'text' ? `"${json}"` : json, BOUNDS);
    return kind === 'event' || typeof value === 'string';
  } catch {
    return false;
  }
}
