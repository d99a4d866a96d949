/**
 * One interval for all coarse timers (heartbeats, abandonment, retention, token expiry): a hashed timing wheel.
 * It counts the time this process was awake: where it was suspended or blocked for longer than MAX_JUMP_MS, the
 * whole gap counts as one tick, so that nobody is timed out for a silence that was ours (SIGSTOP, a blocked loop).
 */
import type { Clock, Timer } from './clock.ts';

const TICK_MS = 50;
const SLOTS = 512;
const MAX_JUMP_MS = 1000;

/** A class and no object with a closure: each of ten thousand connections has two or three. */
class Entry implements Timer {
  readonly dueTick: number;
  readonly #slot: Set<Entry>;
  #callback: (() => void) | undefined;

  constructor(dueTick: number, slot: Set<Entry>, callback: () => void) {
    this.dueTick = dueTick;
    this.#slot = slot;
    this.#callback = callback;
    slot.add(this);
  }

  cancel(): void {
    this.#callback = undefined;
    this.#slot.delete(this);
  }

  fire(): void {
    this.#slot.delete(this);
    this.#callback?.();
  }
}

export class TimerWheel {
  readonly #clock: Clock;
  readonly #slots: Set<Entry>[] = Array.from({ length: SLOTS }, () => new Set());
  readonly #interval: Timer;
  #tick = 0;
  #lastElapsed: number;
  #owedMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastElapsed = clock.elapsed();
    this.#interval = clock.every(TICK_MS, () => this.#advance());
  }

  /** Timers not yet fired or cancelled: a leak check. */
  get pending(): number {
    return this.#slots.reduce((sum, slot) => sum + slot.size, 0);
  }

  /** Runs the callback once, `ms` of awake time later (rounded up to a tick of 50 ms). */
  after(ms: number, callback: () => void): Timer {
    const dueTick = this.#tick + Math.max(1, Math.ceil(ms / TICK_MS));
    return new Entry(dueTick, this.#slotOf(dueTick), callback);
  }

  close(): void {
    this.#interval.cancel();
    for (const slot of this.#slots) slot.clear();
  }

  #slotOf(tick: number): Set<Entry> {
    const slot = this.#slots[tick % SLOTS];
    if (slot === undefined) throw new Error('unreachable: ticks are counted up from 0');
    return slot;
  }

  #advance(): void {
    const now = this.#clock.elapsed();
    const passed = now - this.#lastElapsed;
    this.#lastElapsed = now;
    this.#owedMs += passed > MAX_JUMP_MS ? TICK_MS : passed;
    while (this.#owedMs >= TICK_MS) {
      this.#owedMs -= TICK_MS;
      this.#tick += 1;
      for (const entry of this.#slotOf(this.#tick)) if (entry.dueTick <= this.#tick) entry.fire();
    }
  }
}
