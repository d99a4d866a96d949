/**
 * Stops hopeless connection attempts. Closed: all pass. After `threshold` failures in a row it opens for `openMs`:
 * none passes. Then half open: one passes as a probe; its success closes the breaker, its failure opens it again.
 */
import type { Clock } from '../../time/clock.ts';

export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #threshold: number;
  readonly #openMs: number;
  #failures = 0;
  #openUntil = 0;
  #probing = false;

  constructor(clock: Clock, threshold: number, openMs: number) {
    this.#clock = clock;
    this.#threshold = threshold;
    this.#openMs = openMs;
  }

  /** Milliseconds to wait before an attempt, 0 if it may be made now. A 0 must be followed by `succeeded` or `failed`. */
  tryAcquire(): number {
    if (this.#failures < this.#threshold) return 0;
    const wait = this.#openUntil - this.#clock.elapsed();
    if (wait > 0) return Math.ceil(wait);
    if (this.#probing) return this.#openMs;
    this.#probing = true;
    return 0;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#probing = false;
  }

  failed(): void {
    this.#failures += 1;
    this.#probing = false;
    if (this.#failures >= this.#threshold) this.#openUntil = this.#clock.elapsed() + this.#openMs;
  }

  /** The attempt was given up before it could tell anything. */
  abandoned(): void {
    this.#probing = false;
  }
}
