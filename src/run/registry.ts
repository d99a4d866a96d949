/**
 * Which runs there are, by user and id, and for how long: a run nobody follows is abandoned after a while, an ended
 * one is kept for the resume window. It starts nothing and delivers nothing.
 */
import { Alarm, type TimerWheel } from '../time/timer-wheel.ts';
import type { RunReader } from './readers.ts';
import type { RunView } from './run-view.ts';

export interface RetentionTimes {
  /** How long a run goes on without a reader (ABANDON_AFTER_MS). */
  readonly abandonAfterMs: number;
  /** How long an ended run can still be read (RESUME_WINDOW_MS). */
  readonly resumeWindowMs: number;
}

/** How long a run of another machine stays at hand when nobody reads it any more: for late acks, ms at most. */
const REMOTE_KEPT_MS = 10_000;

/** A run that is held. Its alarm is abandonment while it is live, and the end of its retention once it has ended. */
class Entry extends Alarm {
  readonly run: RunView;
  readonly #onDue: (entry: Entry) => void;
  /** Set once it has its ending, or is not this machine's to end: how long it is kept, ms. */
  keptMs: number | undefined;
  /** It goes as soon as it is known here that it has ended. */
  isForgotten = false;

  constructor(wheel: TimerWheel, run: RunView, onDue: (entry: Entry) => void) {
    super(wheel);
    this.run = run;
    this.#onDue = onDue;
  }

  get ended(): boolean {
    return this.keptMs !== undefined;
  }

  protected override due(): void {
    this.#onDue(this);
  }
}

/** What is held of one user. */
interface Holdings {
  readonly entries: Map<string, Entry>;
  /** Of them without an ending: asked at each start, when many that ended may still be kept. */
  live: number;
}

export class RunRegistry {
  /** Told of each run of this machine that is accepted, and again when it has its ending. */
  onChange: ((run: RunView) => void) | undefined;
  readonly #users = new Map<string, Holdings>();
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

  /** Runs without an ending, by how far they are. */
  get states(): { readonly opening: number; readonly live: number; readonly settling: number } {
    const states = { opening: 0, live: 0, settling: 0 };
    for (const run of this.liveRuns())
      states[!run.accepted ? 'opening' : run.isSettling ? 'settling' : 'live'] += 1;
    return states;
  }

  /** Runs held, ended or not. */
  get size(): number {
    let size = 0;
    for (const { entries } of this.#users.values()) size += entries.size;
    return size;
  }

  find(userId: string, id: string): RunView | undefined {
    return this.#users.get(userId)?.entries.get(id)?.run;
  }

  /** Runs held of that user, ended or not. */
  *runsOf(userId: string): Iterable<RunView> {
    for (const { run } of this.#users.get(userId)?.entries.values() ?? []) yield run;
  }

  liveOf(userId: string): number {
    return this.#users.get(userId)?.live ?? 0;
  }

  /** Adds a run whose id is free; its first reader has to join in the same turn. */
  add(run: RunView): void {
    this.#put(new Entry(this.#wheel, run, this.#onDue)).live += 1;
    this.#live += 1;
  }

  /** Adds a run of another machine: it is kept while somebody here reads it. */
  adopt(run: RunView): void {
    const entry = new Entry(this.#wheel, run, this.#onDue);
    this.#put(entry);
    this.#retain(entry, REMOTE_KEPT_MS);
  }

  /** Takes out a run of another machine that cannot be read on. */
  drop(run: RunView): void {
    const entry = this.#entry(run);
    if (entry !== undefined) this.#delete(entry);
  }

  /** Nobody finds it any more, once it has its ending; who reads it reads on. */
  forget(run: RunView): void {
    const entry = this.#entry(run);
    if (entry === undefined) return;
    entry.isForgotten = true;
    if (entry.ended) this.#letGo(entry);
  }

  join(run: RunView, reader: RunReader): void {
    run.readers.add(reader);
    const entry = this.#entry(run);
    if (entry?.ended === false) entry.unset();
  }

  /**
   * The reader is gone, or has read the ending. The last one of a live run decides by `onDisconnect`. What is not held
   * here, since only its ending was waited for, goes with its last reader.
   */
  leave(run: RunView, reader: RunReader): void {
    if (!run.readers.delete(reader) || run.readers.size > 0) return;
    const entry = this.#entry(run);
    if (entry === undefined) run.release();
    else if (entry.ended) return;
    else if (run.onDisconnect === 'cancel') run.abort('disconnected');
    // Who is told when it is ready need not wait for it.
    else if (!run.awaitsReader) entry.set(this.#times.abandonAfterMs);
  }

  /** The run is accepted. */
  accepted(run: RunView): void {
    this.onChange?.(run);
  }

  /** The run has its ending: it is kept for the resume window, and longer while somebody still reads. */
  ended(run: RunView): void {
    const entry = this.#entry(run);
    if (entry === undefined) return;
    this.#retain(entry, this.#times.resumeWindowMs);
    this.#oneLess(run);
    if (entry.isForgotten) this.#letGo(entry);
    this.onChange?.(run);
  }

  /** Takes a run out that never began. */
  remove(run: RunView): void {
    this.#oneLess(run);
    const entry = this.#entry(run);
    if (entry !== undefined) this.#delete(entry);
  }

  /** Lets ended runs go that nobody reads: a later resume is told that they are unknown. */
  forgetEnded(): void {
    for (const { entries } of this.#users.values()) {
      for (const entry of entries.values()) {
        if (!entry.ended || entry.run.readers.size > 0) continue;
        this.#delete(entry);
        entry.run.release();
      }
    }
  }

  *liveRuns(): Iterable<RunView> {
    for (const { entries } of this.#users.values()) {
      for (const entry of entries.values()) if (!entry.ended) yield entry.run;
    }
  }

  /** Resolves once no run is live. */
  async idle(): Promise<void> {
    if (this.#live === 0) return;
    await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  #put(entry: Entry): Holdings {
    const { run } = entry;
    const held = this.#users.get(run.userId) ?? { entries: new Map<string, Entry>(), live: 0 };
    held.entries.get(run.id)?.unset();
    held.entries.set(run.id, entry);
    this.#users.set(run.userId, held);
    return held;
  }

  /** What somebody still reads goes with its last reader. */
  #letGo(entry: Entry): void {
    this.#delete(entry);
    if (entry.run.readers.size === 0) entry.run.release();
  }

  #retain(entry: Entry, ms: number): void {
    entry.keptMs = ms;
    entry.set(ms);
  }

  readonly #onDue = (entry: Entry): void => {
    const { run, keptMs } = entry;
    if (keptMs === undefined) run.abort('abandoned');
    else if (run.readers.size > 0) this.#retain(entry, keptMs);
    else {
      this.#delete(entry);
      run.release();
    }
  };

  #entry(run: RunView): Entry | undefined {
    const entry = this.#users.get(run.userId)?.entries.get(run.id);
    return entry?.run === run ? entry : undefined;
  }

  #delete(entry: Entry): void {
    const { userId, id } = entry.run;
    entry.unset();
    const entries = this.#users.get(userId)?.entries;
    entries?.delete(id);
    if (entries?.size === 0) this.#users.delete(userId);
  }

  #oneLess({ userId }: RunView): void {
    const held = this.#users.get(userId);
    if (held !== undefined) held.live -= 1;
    this.#live -= 1;
    if (this.#live > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}
