import type { Clock } from '../time/clock.ts';
import { Alarm, type TimerWheel } from '../time/timer-wheel.ts';

const WARN_BEFORE_MS = 60_000;
/** Tolerance for clocks that differ, the same as when a token is verified. */
const GRACE_MS = 5_000;

export interface TokenOwner {
  tokenExpiring(expiresInMs: number): void;
  tokenExpired(): void;
}

/** Warns before a token expires and reports when it has. Reads the wall clock anew at each timer: it may be stepped. */
export class TokenWatch extends Alarm {
  readonly #clock: Clock;
  readonly #owner: TokenOwner;
  #expiresAt = 0;
  #warned = false;

  constructor(wheel: TimerWheel, clock: Clock, owner: TokenOwner) {
    super(wheel);
    this.#clock = clock;
    this.#owner = owner;
  }

  /** Watches this expiry (Unix ms) instead of any before. */
  start(expiresAt: number): void {
    this.#expiresAt = expiresAt;
    this.#warned = false;
    this.unset();
    this.due();
  }

  stop(): void {
    this.unset();
  }

  protected override due(): void {
    const left = this.#expiresAt - this.#clock.now();
    if (left <= -GRACE_MS) {
      this.#owner.tokenExpired();
      return;
    }
    if (left <= WARN_BEFORE_MS && !this.#warned) {
      this.#warned = true;
      this.#owner.tokenExpiring(Math.max(0, left));
    }
    const wait = this.#warned ? left + GRACE_MS : left - WARN_BEFORE_MS;
    this.set(wait);
  }
}
