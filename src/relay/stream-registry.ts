/**
 * Which runs there are, by user and id, and for how long: a run nobody follows is abandoned after a while, an ended
 * one is kept for the resume window. It starts nothing and delivers nothing.
 */
import type { Timer } from '../time/clock.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';
import type { Stream, StreamReader } from './stream.ts';

export interface RetentionTimes {
  /** How long a run goes on without a reader (ABANDON_AFTER_MS). */
  readonly abandonAfterMs: number;
  /** How long an ended run can still be read (RESUME_WINDOW_MS). */
  readonly resumeWindowMs: number;
}

interface Entry {
  readonly stream: Stream;
  ended: boolean;
  /** Abandonment while live, retention once ended. */
  timer: Timer | undefined;
}

export class StreamRegistry {
  readonly #users = new Map<string, Map<string, Entry>>();
  readonly #wheel: TimerWheel;
  readonly #times: RetentionTimes;
  readonly #idleWaiters: (() => void)[] = [];
  #live = 0;

  constructor(wheel: TimerWheel, times: RetentionTimes) {
    this.#wheel = wheel;
    this.#times = times;
  }

  /** Runs without an ending. */
  get live(): number {
    return this.#live;
  }

  /** Runs held, ended or not. */
  get size(): number {
    let size = 0;
    for (const entries of this.#users.values()) size += entries.size;
    return size;
  }

  find(userId: string, id: string): Stream | undefined {
    return this.#users.get(userId)?.get(id)?.stream;
  }

  liveOf(userId: string): number {
    let live = 0;
    for (const entry of this.#users.get(userId)?.values() ?? []) if (!entry.ended) live += 1;
    return live;
  }

  /** Adds a run whose id is free; its first reader has to join in the same turn. */
  add(stream: Stream): void {
    const entries = this.#users.get(stream.userId) ?? new Map<string, Entry>();
    this.#users.set(stream.userId, entries.set(stream.id, { stream, ended: false, timer: undefined }));
    this.#live += 1;
  }

  join(stream: Stream, reader: StreamReader): void {
    stream.join(reader);
    const entry = this.#entry(stream);
    if (entry === undefined || entry.ended) return;
    entry.timer?.cancel();
    entry.timer = undefined;
  }

  /** The reader is gone, or has read the ending. The last one of a live run decides by `onDisconnect`. */
  leave(stream: Stream, reader: StreamReader): void {
    if (!stream.leave(reader) || stream.followed) return;
    const entry = this.#entry(stream);
    if (entry === undefined || entry.ended) return;
    if (stream.onDisconnect === 'cancel') stream.stop('disconnected');
    else entry.timer = this.#wheel.after(this.#times.abandonAfterMs, () => stream.stop('abandoned'));
  }

  /** The run has its ending: it is kept for the resume window, and longer while somebody still reads. */
  ended(stream: Stream): void {
    const entry = this.#entry(stream);
    if (entry === undefined) return;
    entry.ended = true;
    entry.timer?.cancel();
    this.#retain(entry);
    this.#oneLess();
  }

  /** Takes a run out that never began. */
  remove(stream: Stream): void {
    this.#delete(stream);
    this.#oneLess();
  }

  /** Lets ended runs go that nobody reads: a later resume is told that they are unknown. */
  forgetEnded(): void {
    for (const entries of this.#users.values()) {
      for (const { stream, ended, timer } of entries.values()) {
        if (!ended || stream.followed) continue;
        timer?.cancel();
        this.#delete(stream);
        stream.log.release();
      }
    }
  }

  *liveStreams(): Iterable<Stream> {
    for (const entries of this.#users.values()) {
      for (const entry of entries.values()) if (!entry.ended) yield entry.stream;
    }
  }

  /** Resolves once no run is live. */
  async idle(): Promise<void> {
    if (this.#live === 0) return;
    await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  #retain(entry: Entry): void {
    entry.timer = this.#wheel.after(this.#times.resumeWindowMs, () => {
      if (entry.stream.followed) return this.#retain(entry);
      this.#delete(entry.stream);
      entry.stream.log.release();
    });
  }

  #entry(stream: Stream): Entry | undefined {
    const entry = this.#users.get(stream.userId)?.get(stream.id);
    return entry?.stream === stream ? entry : undefined;
  }

  #delete(stream: Stream): void {
    const entries = this.#users.get(stream.userId);
    entries?.delete(stream.id);
    if (entries?.size === 0) this.#users.delete(stream.userId);
  }

  #oneLess(): void {
    this.#live -= 1;
    if (this.#live > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}
