/** The clock of one process: it shows the time of all, and stops for good when the process is killed. */
import type { Clock, Timer } from '../../src/time/clock.ts';

export class MachineClock implements Clock {
  readonly #clock: Clock;
  readonly #timers = new Set<Timer>();
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Timers not yet fired or cancelled: a leak check. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#clock.now();
  }

  elapsed(): number {
    return this.#clock.elapsed();
  }

  after(ms: number, callback: () => void): Timer {
    const timer = this.#clock.after(ms, () => {
      this.#timers.delete(timer);
      callback();
    });
    return this.#hold(timer);
  }

  every(ms: number, callback: () => void): Timer {
    return this.#hold(this.#clock.every(ms, callback));
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #hold(timer: Timer): Timer {
    if (this.#stopped) timer.cancel();
    else this.#timers.add(timer);
    return {
      cancel: () => {
        timer.cancel();
        this.#timers.delete(timer);
      },
    };
  }
}
