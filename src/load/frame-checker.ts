/**
 * What the relay sends to one client, checked by PROTOCOL.md's rules and independent of the SDK that reads it: over all its
 * connections each delta comes once and in order, and an ending comes after the last one. Counts what it sees.
 */
import type { ServerFrame } from '../protocol/frames.ts';
import type { Meter } from './meter.ts';

interface Received {
  /** Of the last delta. */
  seq: number;
  /** When its connection was lost, by performance.now(); null while it has one. */
  lostAt: number | null;
}

export class FrameChecker {
  readonly #meter: Meter;
  readonly #streams = new Map<string, Received>();

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** The connection of these streams is gone. */
  lost(ids: Iterable<string> = this.#streams.keys()): void {
    const now = performance.now();
    for (const id of ids) {
      const stream = this.#streams.get(id);
      if (stream !== undefined) stream.lostAt ??= now;
    }
  }

  received(frame: ServerFrame): void {
    switch (frame.type) {
      case 'accepted':
        this.#streams.set(frame.id, { seq: 0, lostAt: null });
        break;
      case 'resumed':
        this.#resumed(frame.id);
        break;
      case 'chunk':
        this.#chunk(frame.id, frame.seq, frame.count ?? 1);
        break;
      case 'done':
      case 'cancelled':
        this.#ended(frame.id, frame.seq);
        break;
      case 'error':
        if (frame.id !== undefined && frame.of === undefined) this.#streams.delete(frame.id);
        break;
    }
  }

  #resumed(id: string): void {
    const stream = this.#streams.get(id) ?? { seq: 0, lostAt: null };
    this.#streams.set(id, stream);
    this.#meter.resumed(stream.lostAt === null ? null : performance.now() - stream.lostAt);
    stream.lostAt = null;
  }

  #chunk(id: string, seq: number, count: number): void {
    this.#meter.deltas(count);
    const stream = this.#streams.get(id);
    if (stream === undefined) return; // of an answer whose ending was had by another connection
    const missing = seq - count - stream.seq;
    if (missing > 0) this.#meter.fault('missing', missing);
    if (missing < 0) this.#meter.fault('doubled', -missing);
    stream.seq = seq;
  }

  #ended(id: string, head: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    if (head > stream.seq) this.#meter.fault('missing', head - stream.seq);
  }
}
