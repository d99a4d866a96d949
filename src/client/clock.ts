/** Time as a port, so that tests move it by hand. */

export interface ClientTimer {
  cancel(): void;
}

export interface ClientClock {
  /** Unix ms. */
  now(): number;
  /** Monotonic ms: every duration. */
  elapsed(): number;
  after(ms: number, callback: () => void): ClientTimer;
}

export const deviceClock: ClientClock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, callback) {
    const timeout = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(timeout) };
  },
};
