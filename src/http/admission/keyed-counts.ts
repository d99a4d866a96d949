/** What is kept by key: how many of something there are, how often something happens, and what has just happened. */
import type { Clock } from '../../time/clock.ts';
import type { HeldElsewhere, TakenElsewhere } from '../../workers/port.ts';

/** Counts by key up to a limit; a key at zero takes no memory. */
export class KeyedCounter {
  readonly #limit: number;
  readonly #elsewhere: HeldElsewhere | undefined;
  readonly #counts = new Map<string, number>();

  /** @param elsewhere what counts as well, in other processes of this machine */
  constructor(limit: number, elsewhere?: HeldElsewhere) {
    this.#limit = limit;
    this.#elsewhere = elsewhere;
  }

  /** False, and nothing is counted, where the key has reached the limit. */
  add(key: string): boolean {
    if (this.isFull(key)) return false;
    const count = this.of(key) + 1;
    this.#counts.set(key, count);
    this.#elsewhere?.changed(key, count);
    return true;
  }

  isFull(key: string): boolean {
    return this.of(key) + (this.#elsewhere?.of(key) ?? 0) >= this.#limit;
  }

  remove(key: string): void {
    const count = Math.max(0, this.of(key) - 1);
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
    this.#elsewhere?.changed(key, count);
  }

  /** In this process. */
  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Keys with a count above zero. */
  get size(): number {
    return this.#counts.size;
  }
}

/** How often each key may within a window of the clock. The counts of all keys end with the window, so that none is kept. */
export class Rate<Key = string> {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #clock: Clock;
  readonly #elsewhere: TakenElsewhere<Key> | undefined;
  readonly #counts = new Map<Key, number>();
  #window = 0;

  /** @param elsewhere what counts as well, in other processes of this machine */
  constructor(limit: number, windowMs: number, clock: Clock, elsewhere?: TakenElsewhere<Key>) {
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#clock = clock;
    this.#elsewhere = elsewhere;
    elsewhere?.onTaken((key, count) => {
      this.wait(key); // a window that is over ends first
      this.#count(key, count);
    });
  }

  /** Counts one. 0, or how many milliseconds to wait where the key has used its share up: then it counts nothing. */
  take(key: Key): number {
    const waitMs = this.wait(key);
    if (waitMs > 0) return waitMs;
    this.#count(key, 1);
    this.#elsewhere?.took(key);
    return 0;
  }

  /** What `take` would say, uncounted. */
  wait(key: Key): number {
    if (this.#counts.size === 0 && this.#limit > 0) return 0;
    const elapsed = this.#clock.elapsed();
    const window = Math.trunc(elapsed / this.#windowMs);
    if (window !== this.#window) this.#counts.clear();
    this.#window = window;
    if ((this.#counts.get(key) ?? 0) < this.#limit) return 0;
    return Math.max(1, Math.ceil((window + 1) * this.#windowMs - elapsed));
  }

  #count(key: Key, by: number): void {
    // The first of them begins the window: `wait` has not looked at the clock.
    if (this.#counts.size === 0) this.#window = Math.trunc(this.#clock.elapsed() / this.#windowMs);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
  }
}

/** The latest value of each key, for at least `ms` and less than twice as long. */
export class Recent<Value> {
  readonly #ms: number;
  readonly #clock: Clock;
  #latest = new Map<string, Value>();
  #before = new Map<string, Value>();
  #since = 0;

  constructor(ms: number, clock: Clock) {
    this.#ms = ms;
    this.#clock = clock;
  }

  set(key: string, value: Value): void {
    this.#expire();
    this.#latest.set(key, value);
  }

  get(key: string): Value | undefined {
    this.#expire();
    return this.#latest.get(key) ?? this.#before.get(key);
  }

  delete(key: string): void {
    this.#latest.delete(key);
    this.#before.delete(key);
  }

  #expire(): void {
    const age = this.#clock.elapsed() - this.#since;
    if (age < this.#ms) return;
    this.#before = age < 2 * this.#ms ? this.#latest : new Map();
    this.#latest = new Map();
    this.#since += age;
  }
}
