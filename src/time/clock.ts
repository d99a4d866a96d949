/** Time as a port, so that tests move it by hand instead of sleeping. */

export interface Timer {
  /** Idempotent; after it the callback never runs. */
  cancel(): void;
}

export interface Clock {
  /** Wall time in Unix ms: only for what tokens, rows and people read. */
  now(): number;
  /** Monotonic ms with a fraction: every duration, deadline and rate. Unmoved by changes of the wall clock. */
  elapsed(): number;
  /** Runs the callback once, `ms` later. */
  after(ms: number, callback: () => void): Timer;
  /** Runs the callback each `ms`. */
  every(ms: number, callback: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, callback) {
    const timeout = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(timeout) };
  },
  every(ms, callback) {
    const interval = setInterval(callback, ms);
    return { cancel: () => clearInterval(interval) };
  },
};
