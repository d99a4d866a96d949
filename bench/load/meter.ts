/** The load generator's books. Owns counting and the reading of stamps; knows no transport. */
import { Histogram } from '../histogram.ts';
import { ARRIVAL_MARK, DELTA_MARK, microsBetween, readStamp, STAMP_BYTES } from '../stamp.ts';
import type { LoadReport } from './port.ts';

type Counts = Record<string, number>;

export class Meter {
  connected = 0;
  live = 0;
  readonly cancelRoundTrip = new Histogram();
  readonly upstreamClosed = new Histogram();
  readonly resumed = new Histogram();
  readonly #latency = new Histogram();
  readonly #firstToken = new Histogram();
  readonly #firstTokenAdded = new Histogram();
  #deltas = 0;
  #chunks = 0;
  #bytes = 0;
  #starts = 0;
  #endings: Counts = {};
  /** Never reset: a fault before the first round spoils the run as well. */
  readonly #faults: Counts = {};
  #cancelSent: Record<string, number> = {};
  #cpuAtReset = process.cpuUsage();

  reset(): void {
    const own = [this.#latency, this.#firstToken, this.#firstTokenAdded];
    for (const each of [...own, this.cancelRoundTrip, this.upstreamClosed, this.resumed]) each.reset();
    this.#deltas = 0;
    this.#chunks = 0;
    this.#bytes = 0;
    this.#starts = 0;
    this.#endings = {};
    this.#cancelSent = {};
    this.#cpuAtReset = process.cpuUsage();
  }

  report(): LoadReport {
    const { user, system } = process.cpuUsage(this.#cpuAtReset);
    return {
      connected: this.connected,
      live: this.live,
      deltas: this.#deltas,
      chunks: this.#chunks,
      bytes: this.#bytes,
      starts: this.#starts,
      endings: this.#endings,
      faults: this.#faults,
      latency: this.#latency.summary(),
      firstToken: this.#firstToken.summary(),
      firstTokenAdded: this.#firstTokenAdded.summary(),
      cancelRoundTrip: this.cancelRoundTrip.summary(),
      upstreamClosed: this.upstreamClosed.summary(),
      resumed: this.resumed.summary(),
      cancelSent: this.#cancelSent,
      cpuMicros: user + system,
    };
  }

  started(): void {
    this.#starts += 1;
    this.live += 1;
  }

  ended(how: string): void {
    this.live -= 1;
    count(this.#endings, how);
  }

  /** So many bytes came from a socket. */
  received(bytes: number): void {
    this.#bytes += bytes;
  }

  fault(what: string): void {
    count(this.#faults, what);
  }

  cancelled(name: string, sentAt: number): void {
    this.#cancelSent[name] = sentAt;
  }

  /** Counts the deltas in these bytes by their marks, and takes their ages. Returns how many there were. */
  chunk(bytes: Buffer, from: number, end: number, now: number, startSentAt: number): number {
    let found = 0;
    for (let at = from; at < end; at += 1) {
      if (bytes[at] !== DELTA_MARK) continue;
      found += 1;
      const writtenAt = readStamp(bytes, at, end);
      at += STAMP_BYTES;
      if (writtenAt < 0) continue;
      this.#latency.record(microsBetween(writtenAt, now));
      if (bytes[at] === ARRIVAL_MARK) this.#first(readStamp(bytes, at, end), writtenAt, now, startSentAt);
    }
    if (found > 0) this.#chunks += 1;
    this.#deltas += found;
    return found;
  }

  #first(arrivedAt: number, writtenAt: number, now: number, startSentAt: number): void {
    const total = microsBetween(startSentAt, now);
    this.#firstToken.record(total);
    if (arrivedAt >= 0) this.#firstTokenAdded.record(total - microsBetween(arrivedAt, writtenAt));
  }
}

function count(counts: Counts, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
