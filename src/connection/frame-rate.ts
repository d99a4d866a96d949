/** Counts events in a sliding window, estimated from this window and the one before: no timer, no list of instants. */
import type { Clock } from '../time/clock.ts';

export class FrameRate {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #windowMs: number;
  #windowStart: number;
  #count = 0;
  #previous = 0;

  /** `limit` events in `windowMs` are fine. */
  constructor(limit: number, windowMs: number, clock: Clock) {
    this.#clock = clock;
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#windowStart = clock.elapsed();
  }

  /** Counts one; false once the limit is passed. */
  take(): boolean {
    const passed = (this.#clock.elapsed() - this.#windowStart) / this.#windowMs;
    if (passed >= 1) {
      this.#previous = passed < 2 ? this.#count : 0;
      this.#count = 0;
      this.#windowStart += Math.floor(passed) * this.#windowMs;
    }
    this.#count += 1;
    const share = 1 - Math.min(1, (this.#clock.elapsed() - this.#windowStart) / this.#windowMs);
    return this.#count + this.#previous * share <= this.#limit;
  }
}
