import type { Clock } from '../../time/clock.ts';

/** How often each key may within a window of the clock. The counts of all keys end with the window, so that none is kept. */
export class Rate {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #clock: Clock;
  readonly #counts = new Map<string, number>();
  #window = 0;

  constructor(limit: number, windowMs: number, clock: Clock) {
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  /** Counts one. 0, or how many milliseconds to wait where the key has used its share up: then it counts nothing. */
  take(key: string): number {
    const waitMs = this.wait(key);
    if (waitMs === 0) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    return waitMs;
  }

  /** What `take` would say, uncounted. */
  wait(key: string): number {
    if (this.#counts.size === 0 && this.#limit > 0) return 0;
    const elapsed = this.#clock.elapsed();
    const window = Math.trunc(elapsed / this.#windowMs);
    if (window !== this.#window) this.#counts.clear();
    this.#window = window;
    if ((this.#counts.get(key) ?? 0) < this.#limit) return 0;
    return Math.max(1, Math.ceil((window + 1) * this.#windowMs - elapsed));
  }
}
