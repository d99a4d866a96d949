/** The figures of a load: counts and times, of all of it and of its latest second. Knows no transport. */
import type { Answer, Transport } from '../client/dash-stream.ts';
import { Histogram } from './histogram.ts';

type Counts = Record<string, number>;

/**
 * What an answer must not have. `missing` and `doubled` are deltas, by the numbers that frames carry; `incomplete` are
 * answers whose text is not as long as their ending says.
 */
export type Fault = 'missing' | 'doubled' | 'incomplete';

/** Of the latest second. */
export interface Second {
  readonly firstToken: Histogram;
  deltas: number;
  bytes: number;
}

export class Meter {
  /** From the question to the first text, also over connections that had to be opened for it. */
  readonly firstToken = new Histogram();
  /** From the question to the ending of answers that came to their end. */
  readonly wholeAnswer = new Histogram();
  /** From the opening of a socket until it can be used. */
  readonly connecting = new Histogram();
  /** From the loss of a connection until a stream went on. */
  readonly resuming = new Histogram();
  readonly second: Second = { firstToken: new Histogram(), deltas: 0, bytes: 0 };
  started = 0;
  live = 0;
  answered = 0;
  cancelled = 0;
  failed = 0;
  allDeltas = 0;
  /** As they came: of WebSocket messages, of event streams and of JSON answers. */
  allBytes = 0;
  sockets = 0;
  reconnects = 0;
  resumes = 0;
  /** Sockets that this load itself has cut. */
  cuts = 0;
  /** Whole answers by their transport. */
  readonly answeredBy: Counts = {};
  /** Failed questions by code. */
  readonly errors: Counts = {};
  /** Refused handshakes by status; `none`: no answer came. */
  readonly refusedHandshakes: Counts = {};
  /** Of sockets that neither this load nor its SDK has closed. */
  readonly closeCodes: Counts = {};
  readonly faults: Readonly<Record<Fault, number>> = { missing: 0, doubled: 0, incomplete: 0 };

  asked(): void {
    this.started += 1;
    this.live += 1;
  }

  firstText(ms: number): void {
    this.firstToken.record(ms);
    this.second.firstToken.record(ms);
  }

  /** @param ms since it was asked for */
  ended({ outcome, transport, content, timing }: Answer, ms: number): void {
    this.live -= 1;
    if (outcome === 'cancelled') {
      this.cancelled += 1;
      return;
    }
    this.answered += 1;
    count(this.answeredBy, transport);
    this.wholeAnswer.record(ms);
    if (transport === 'json') this.deltas(timing.chunks);
    if (Buffer.byteLength(content) !== timing.bytes) this.fault('incomplete');
  }

  failedWith(code: string): void {
    this.live -= 1;
    this.failed += 1;
    count(this.errors, code);
  }

  deltas(count: number): void {
    this.allDeltas += count;
    this.second.deltas += count;
  }

  bytes(count: number): void {
    this.allBytes += count;
    this.second.bytes += count;
  }

  /** @param ms since the connection was lost; null where it was not */
  resumed(ms: number | null): void {
    this.resumes += 1;
    if (ms !== null) this.resuming.record(ms);
  }

  fault(fault: Fault, times = 1): void {
    (this.faults as Record<Fault, number>)[fault] += times;
  }

  connected(ms: number, again: boolean): void {
    this.sockets += 1;
    if (again) this.reconnects += 1;
    this.connecting.record(ms);
  }

  disconnected(): void {
    this.sockets -= 1;
  }

  closed(code: number): void {
    count(this.closeCodes, String(code));
  }

  refused(status: string): void {
    count(this.refusedHandshakes, status);
  }

  /** The share of questions that failed, of those that have ended by themselves. */
  get errorShare(): number {
    const ended = this.answered + this.failed;
    return ended === 0 ? 0 : this.failed / ended;
  }

  nextSecond(): void {
    this.second.firstToken.reset();
    this.second.deltas = 0;
    this.second.bytes = 0;
  }
}

function count(counts: Counts, key: string | Transport): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
