/**
 * A phone's time, moved by hand. While the app is suspended nothing fires; what was due meanwhile fires at once when it
 * comes back, as on Android and iOS. Timers and `performance.now()` go by the same clock there.
 */
interface Pending {
  readonly at: number;
  readonly callback: () => void;
}

export class PhoneClock {
  /** How many timers have fired. */
  fired = 0;
  readonly #startedAt: number;
  readonly #sleeps: boolean;
  readonly #pending = new Map<number, Pending>();
  #wallMs = 0;
  #elapsedMs = 0;
  #suspended = false;
  #ids = 0;

  /** @param sleeps the clock of timers stands still in suspension, as Linux' monotonic one does in deep sleep */
  constructor(startedAt: number, sleeps: boolean) {
    this.#startedAt = startedAt;
    this.#sleeps = sleeps;
  }

  readonly now = (): number => this.#startedAt + this.#wallMs;

  readonly elapsed = (): number => this.#elapsedMs;

  readonly setTimeout = (callback: () => void, ms = 0): number => {
    this.#ids += 1;
    this.#pending.set(this.#ids, { at: this.#elapsedMs + ms, callback });
    if (ms <= 0) setImmediate(() => this.advance(0)); // React Native's fetch answers in such a timer
    return this.#ids;
  };

  readonly clearTimeout = (id: number): void => {
    this.#pending.delete(id);
  };

  advance(ms: number): void {
    this.#wallMs += ms;
    if (!this.#suspended || !this.#sleeps) this.#elapsedMs += ms;
    if (!this.#suspended) this.#fireDue();
  }

  suspend(): void {
    this.#suspended = true;
  }

  resume(): void {
    this.#suspended = false;
    this.#fireDue();
  }

  #fireDue(): void {
    const due = [...this.#pending].filter(([, { at }]) => at <= this.#elapsedMs);
    for (const [id, { callback }] of due.toSorted(([, a], [, b]) => a.at - b.at)) {
      // One that fired before it may have cleared it.
      if (!this.#pending.delete(id)) continue;
      this.fired += 1;
      callback();
    }
  }
}
