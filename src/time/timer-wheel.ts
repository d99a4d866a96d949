/**
 * One interval for all coarse timers (heartbeats, abandonment, retention, token expiry): a hashed timing wheel.
 * It counts the time this process was awake: where it was suspended or blocked for longer than MAX_JUMP_MS, the
 * whole gap counts as one tick, so that nobody is timed out for a silence that was ours (SIGSTOP, a blocked loop).
 */
import type { Clock, Timer } from './clock.ts';

const TICK_MS = 50;
const SLOTS = 512;
const MAX_JUMP_MS = 1000;

interface Entry extends Timer {
  dueTick: number;
  callback: (() => void) | undefined;
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
    const slot = this.#slots[dueTick % SLOTS];
    const entry: Entry = {
      dueTick,
      callback,
      cancel() {
        entry.callback = undefined;
        slot?.delete(entry);
      },
    };
    slot?.add(entry);
    return entry;
  }

  close(): void {
    this.#interval.cancel();
    for (const slot of this.#slots) slot.clear();
  }

  #advance(): void {
    const now = this.#clock.elapsed();
    const passed = now - this.#lastElapsed;
    this.#lastElapsed = now;
    this.#owedMs += passed > MAX_JUMP_MS ? TICK_MS : passed;
    while (this.#owedMs >= TICK_MS) {
      this.#owedMs -= TICK_MS;
      this.#tick += 1;
      this.#fire(this.#slots[this.#tick % SLOTS]);
    }
  }

  #fire(slot: Set<Entry> | undefined): void {
    for (const entry of slot ?? []) {
      if (entry.dueTick > this.#tick) continue;
      slot?.delete(entry);
      entry.callback?.();
    }
  }
}
