import type { Clock, Timer } from '../../src/time/clock.ts';
import { noteActivity } from './quiet.ts';

interface Pending {
  at: number;
  readonly every: number | undefined;
  readonly callback: () => void;
}

/** A clock that stands still until `advance` moves it; due timers fire in order, at their own instants. */
export class ManualClock implements Clock {
  #elapsed = 0;
  #wallOffset: number;
  readonly #pending = new Set<Pending>();

  constructor(startAt = Date.UTC(2026, 10, 22, 12)) {
    this.#wallOffset = startAt;
  }

  now(): number {
    return this.#wallOffset + this.#elapsed;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  after(ms: number, callback: () => void): Timer {
    return this.#schedule(ms, undefined, callback);
  }

  every(ms: number, callback: () => void): Timer {
    return this.#schedule(ms, ms, callback);
  }

  /** Timers not yet fired or cancelled: a leak check. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Moves only the wall clock, as an NTP step would. */
  stepWallClock(ms: number): void {
    this.#wallOffset += ms;
  }

  advance(ms: number): void {
    const target = this.#elapsed + ms;
    for (let next = this.#next(target); next !== undefined; next = this.#next(target)) {
      this.#elapsed = Math.max(this.#elapsed, next.at);
      if (next.every === undefined) this.#pending.delete(next);
      else next.at += next.every;
      next.callback();
    }
    this.#elapsed = target;
  }

  #schedule(ms: number, every: number | undefined, callback: () => void): Timer {
    const pending: Pending = { at: this.#elapsed + ms, every, callback };
    this.#pending.add(pending);
    noteActivity();
    return {
      cancel: () => {
        this.#pending.delete(pending);
        noteActivity();
      },
    };
  }

  #next(target: number): Pending | undefined {
    let earliest: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.at <= target && (earliest === undefined || pending.at < earliest.at)) earliest = pending;
    }
    return earliest;
  }
}
