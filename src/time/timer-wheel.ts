/**
 * One interval for all coarse timers (heartbeats, abandonment, retention, token expiry): a hashed timing wheel.
 * It counts the time this process was awake: where it was suspended or blocked for longer than MAX_JUMP_MS, the
 * whole gap counts as one tick, so that nobody is timed out for a silence that was ours (SIGSTOP, a blocked loop).
 */
import type { Clock, Timer } from './clock.ts';

const TICK_MS = 50;
const SLOTS = 512;
const MAX_JUMP_MS = 1000;

/**
 * Something with one timer of its own. It lies in the wheel itself instead of a timer and a closure for it: each of ten
 * thousand connections has three, of 140 bytes then.
 */
export abstract class Alarm {
  protected readonly wheel: TimerWheel;
  /** Where it lies while it is set. */
  #slot: Set<Alarm> | undefined;
  /** Owned by the wheel. */
  dueTick = 0;

  constructor(wheel: TimerWheel) {
    this.wheel = wheel;
  }

  /** What happens when it is due; it is no longer set then. */
  protected abstract due(): void;

  protected get isSet(): boolean {
    return this.#slot !== undefined;
  }

  /** Due once, `ms` of awake time later (rounded up to a tick of 50 ms), instead of at any time before. */
  set(ms: number): void {
    this.unset();
    this.#slot = this.wheel.place(this, ms);
  }

  /** Idempotent. */
  unset(): void {
    this.#slot?.delete(this);
    this.#slot = undefined;
  }

  fire(): void {
    this.unset();
    this.due();
  }
}

class Callback extends Alarm implements Timer {
  readonly #callback: () => void;

  constructor(wheel: TimerWheel, ms: number, callback: () => void) {
    super(wheel);
    this.#callback = callback;
    this.set(ms);
  }

  cancel(): void {
    this.unset();
  }

  protected override due(): void {
    this.#callback();
  }
}

export class TimerWheel {
  readonly #clock: Clock;
  readonly #slots: Set<Alarm>[] = Array.from({ length: SLOTS }, () => new Set());
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
    return new Callback(this, ms, callback);
  }

  /** For an alarm that is being set. Returns where it lies from now on. */
  place(alarm: Alarm, ms: number): Set<Alarm> {
    alarm.dueTick = this.#tick + Math.max(1, Math.ceil(ms / TICK_MS));
    return this.#slotOf(alarm.dueTick).add(alarm);
  }

  close(): void {
    this.#interval.cancel();
    for (const slot of this.#slots) slot.clear();
  }

  #slotOf(tick: number): Set<Alarm> {
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
      for (const alarm of this.#slotOf(this.#tick)) if (alarm.dueTick <= this.#tick) alarm.fire();
    }
  }
}
