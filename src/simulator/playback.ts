/**
 * One response as it happens: prepared writes, each at its time, then an ending.
 * Owns the timetable of one response; how bytes leave is the response writer's business.
 */
import type { Clock } from '../time/clock.ts';
import { PING, type Write } from './message-events.ts';
import type { Paced, Pacer } from './pacer.ts';
import type { ResponseWriter } from './response-writer.ts';
import { stamp } from './stamp.ts';
import type { Timetable } from './timetable.ts';

/** A reset discards what the peer's socket has not read yet: let it arrive first. */
const PAUSE_BEFORE_RESET_MS = 5;
const MIN_PING_GAP_MS = 10;
/** While something is generated that nobody sees. */
const PING_EVERY_MS = 10_000;

export class Playback implements Paced {
  dueAt: number;
  readonly #timetable: Timetable;
  readonly #writer: ResponseWriter;
  readonly #pacer: Pacer;
  readonly #clock: Clock;
  readonly #begunAt: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #begun: () => void;
  readonly #wrote: (write: Write) => void;
  #next = 0;
  #sentAt = 0;
  #open = true;
  #finished = false;

  constructor(parts: {
    timetable: Timetable;
    writer: ResponseWriter;
    pacer: Pacer;
    clock: Clock;
    headers: Readonly<Record<string, string>>;
    begun: () => void;
    wrote: (write: Write) => void;
  }) {
    this.#timetable = parts.timetable;
    this.#writer = parts.writer;
    this.#pacer = parts.pacer;
    this.#clock = parts.clock;
    this.#headers = parts.headers;
    this.#begun = parts.begun;
    this.#wrote = parts.wrote;
    this.#begunAt = parts.clock.elapsed();
    this.dueAt = this.#begunAt + parts.timetable.headAfterMs;
  }

  start(): void {
    if (this.step()) this.#pacer.add(this);
  }

  /** Whether it came to its own ending, rather than being left by the client. */
  get finished(): boolean {
    return this.#finished;
  }

  /** The client is gone: nothing more is generated. */
  stop(): void {
    this.#open = false;
  }

  step(): boolean {
    const now = this.#clock.elapsed();
    while (this.#open && this.dueAt <= now) {
      const write = this.#timetable.answer.writes[this.#next];
      if (write === undefined) return this.#finish(now);
      if (this.#next === 0) this.#begin();
      this.#next += 1;
      this.dueAt = this.#afterWrite();
      this.#wrote(write);
      if (!this.#send(write, now)) this.#writer.onceDrained(() => this.start());
      else if (this.#timetable.inTurns) setImmediate(() => this.start());
      else continue;
      return false;
    }
    return this.#open;
  }

  #begin(): void {
    this.#begun();
    this.#writer.head(200, { ...this.#headers, 'content-type': this.#timetable.answer.contentType });
  }

  /** Returns whether more may follow at once. */
  #send({ wire, stampAt }: Write, now: number): boolean {
    if (wire === '' && now - this.#sentAt < PING_EVERY_MS) return true;
    this.#sentAt = now;
    const sent = wire === '' ? PING.wire : wire;
    return this.#writer.write(stampAt === undefined ? sent : stamp(sent, stampAt));
  }

  #afterWrite(): number {
    const { answer, ending, gapMs, firstDeltaAfterMs } = this.#timetable;
    const gap = answer.writes[this.#next]?.waitMs ?? gapMs();
    const next = this.#next === 1 ? this.#begunAt + firstDeltaAfterMs : this.dueAt + gap;
    const breaksNow = this.#next === answer.writes.length && (ending === 'reset' || ending === 'disconnect');
    return breaksNow ? next + PAUSE_BEFORE_RESET_MS : next;
  }

  #finish(now: number): boolean {
    switch (this.#timetable.ending) {
      case 'stall':
        return false;
      case 'ping':
        this.#writer.write(PING.wire);
        this.dueAt = now + Math.max(this.#timetable.gapMs(), MIN_PING_GAP_MS);
        return true;
      case 'end':
      case 'reset':
      case 'disconnect':
        this.#open = false;
        this.#finished = true;
        this.#writer[this.#timetable.ending]();
        return false;
    }
  }
}
