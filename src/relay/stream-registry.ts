/**
 * Which runs there are, by user and id, and for how long: a run nobody follows is abandoned after a while, an ended
 * one is kept for the resume window. It starts nothing and delivers nothing.
 */
import type { Timer } from '../time/clock.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';
import type { StreamReader } from './readers.ts';
import type { StreamView } from './stream-view.ts';

export interface RetentionTimes {
  /** How long a run goes on without a reader (ABANDON_AFTER_MS). */
  readonly abandonAfterMs: number;
  /** How long an ended run can still be read (RESUME_WINDOW_MS). */
  readonly resumeWindowMs: number;
}

/** How long a run of another machine stays at hand when nobody reads it any more: for late acks, ms at most. */
const REMOTE_KEPT_MS = 10_000;

interface Entry {
  readonly stream: StreamView;
  /** Has its ending, or is not this machine's to end. */
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

  find(userId: string, id: string): StreamView | undefined {
    return this.#users.get(userId)?.get(id)?.stream;
  }

  liveOf(userId: string): number {
    let live = 0;
    for (const entry of this.#users.get(userId)?.values() ?? []) if (!entry.ended) live += 1;
    return live;
  }

  /** Adds a run whose id is free; its first reader has to join in the same turn. */
  add(stream: StreamView): void {
    this.#put({ stream, ended: false, timer: undefined });
    this.#live += 1;
  }

  /** Adds a run of another machine: it is kept while somebody here reads it. */
  adopt(stream: StreamView): void {
    const entry: Entry = { stream, ended: true, timer: undefined };
    this.#put(entry);
    this.#retain(entry, REMOTE_KEPT_MS);
  }

  /** Takes out a run of another machine that cannot be read on. */
  drop(stream: StreamView): void {
    this.#entry(stream)?.timer?.cancel();
    if (this.#entry(stream) !== undefined) this.#delete(stream);
  }

  join(stream: StreamView, reader: StreamReader): void {
    stream.readers.add(reader);
    const entry = this.#entry(stream);
    if (entry === undefined || entry.ended) return;
    entry.timer?.cancel();
    entry.timer = undefined;
  }

  /** The reader is gone, or has read the ending. The last one of a live run decides by `onDisconnect`. */
  leave(stream: StreamView, reader: StreamReader): void {
    if (!stream.readers.delete(reader) || stream.readers.size > 0) return;
    const entry = this.#entry(stream);
    if (entry === undefined || entry.ended) return;
    if (stream.onDisconnect === 'cancel') stream.stop('disconnected');
    else entry.timer = this.#wheel.after(this.#times.abandonAfterMs, () => stream.stop('abandoned'));
  }

  /** The run has its ending: it is kept for the resume window, and longer while somebody still reads. */
  ended(stream: StreamView): void {
    const entry = this.#entry(stream);
    if (entry === undefined) return;
    entry.ended = true;
    entry.timer?.cancel();
    this.#retain(entry, this.#times.resumeWindowMs);
    this.#oneLess();
  }

  /** Takes a run out that never began. */
  remove(stream: StreamView): void {
    this.#delete(stream);
    this.#oneLess();
  }

  /** Lets ended runs go that nobody reads: a later resume is told that they are unknown. */
  forgetEnded(): void {
    for (const entries of this.#users.values()) {
      for (const { stream, ended, timer } of entries.values()) {
        if (!ended || stream.readers.size > 0) continue;
        timer?.cancel();
        this.#delete(stream);
        stream.release();
      }
    }
  }

  *liveStreams(): Iterable<StreamView> {
    for (const entries of this.#users.values()) {
      for (const entry of entries.values()) if (!entry.ended) yield entry.stream;
    }
  }

  /** Resolves once no run is live. */
  async idle(): Promise<void> {
    if (this.#live === 0) return;
    await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  #put(entry: Entry): void {
    const { stream } = entry;
    const entries = this.#users.get(stream.userId) ?? new Map<string, Entry>();
    entries.get(stream.id)?.timer?.cancel();
    this.#users.set(stream.userId, entries.set(stream.id, entry));
  }

  #retain(entry: Entry, ms: number): void {
    entry.timer = this.#wheel.after(ms, () => {
      if (entry.stream.readers.size > 0) return this.#retain(entry, ms);
      this.#delete(entry.stream);
      entry.stream.release();
    });
  }

  #entry(stream: StreamView): Entry | undefined {
    const entry = this.#users.get(stream.userId)?.get(stream.id);
    return entry?.stream === stream ? entry : undefined;
  }

  #delete(stream: StreamView): void {
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
