/** Stream-log port: what a run said, numbered from 1, readable from any seq that is still held. */
import type { WireText } from '../protocol/wire-text.ts';

/** One frame's worth of log. Adjacent text deltas may come merged; an event never merges. */
export interface LogEntry {
  readonly kind: 'text' | 'event';
  /** Number of the last delta in it. */
  readonly seq: number;
  /** How many deltas it holds. */
  readonly count: number;
  /** `text`: the inside of a JSON string literal. `event`: a whole JSON value. */
  readonly json: WireText;
}

/** A position in one log. Cheap: it holds no copy of what it has not read. */
export interface LogCursor {
  /** Last seq read. */
  readonly seq: number;
  /**
   * Reads on: the next event, or adjacent text merged while it stays within `maxBytes` (at least one delta is read,
   * however long). `undefined` at the head. `'gap'` if what comes next has been trimmed away.
   */
  next(maxBytes: number): LogEntry | 'gap' | undefined;
  /**
   * Reads on without a text in between: gives the sink each delta until about `maxBytes` are read, or the head is
   * reached. False where `next` says `'gap'`.
   */
  pour(sink: DeltaSink, maxBytes: number): boolean;
}

/** Takes deltas as the log holds them. */
export interface DeltaSink {
  /** Its JSON lies in `bytes` from `from` to before `end`, until this returns. */
  take(kind: LogEntry['kind'], bytes: Buffer, from: number, end: number): void;
}

export interface StreamLog {
  /** Seq of the last delta, 0 if none. */
  readonly head: number;
  /** Lowest seq still held; head + 1 if nothing is. */
  readonly first: number;
  /** Bytes this log holds in memory. */
  readonly heldBytes: number;
  /** Appends one delta and returns its seq. Trims the oldest ones where a byte limit demands it. */
  append(kind: 'text' | 'event', json: WireText): number;
  /** A cursor just past `after`, or `undefined` where that cannot be exact (trimmed, or past the head). */
  cursor(after: number): LogCursor | undefined;
  /** Nothing more is expected: gives back what is held in reserve. What is appended nonetheless is kept. */
  seal(): void;
  /** Gives the memory back: cursors read a gap from then on. Idempotent. */
  release(): void;
}

export interface StreamLogs {
  /** `after`: the seq before its first delta, 0 unless its beginning is lost. */
  create(after?: number): StreamLog;
  /** Bytes held by all logs. */
  readonly heldBytes: number;
  /** Gives memory back that no log holds: what is kept to be used again. */
  releaseSpare(): void;
}
