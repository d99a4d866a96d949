/** The timers of a connection: its heartbeat, a reader that takes nothing, a token that runs out. */
import type { Clock, Timer } from '../time/clock.ts';
import { Alarm, type TimerWheel } from '../time/timer-wheel.ts';

/** How long a pong may take, ms. */
const PONG_WITHIN_MS = 10_000;

export interface HeartbeatOwner {
  /** A ping is due. */
  pingDue(): void;
  pongMissed(): void;
}

/** Pings each interval; a pong that does not come in time is reported once. */
export class Heartbeat extends Alarm {
  readonly #intervalMs: number;
  readonly #owner: HeartbeatOwner;
  #deadline: Timer | undefined;

  constructor(wheel: TimerWheel, intervalMs: number, owner: HeartbeatOwner) {
    super(wheel);
    this.#intervalMs = intervalMs;
    this.#owner = owner;
    this.set(intervalMs);
  }

  pong(): void {
    this.#deadline?.cancel();
    this.#deadline = undefined;
  }

  stop(): void {
    this.unset();
    this.pong();
  }

  protected override due(): void {
    this.#deadline ??= this.wheel.after(PONG_WITHIN_MS, () => this.#owner.pongMissed());
    this.set(this.#intervalMs);
    this.#owner.pingDue();
  }
}

const CHECK_MS = 5_000;
/** Checks without progress until a reader counts as stalled: 30 s. */
const CHECKS = 6;

export interface StallOwner {
  /** Whether anything written has not been taken yet. */
  readonly outstanding: boolean;
  readerStalled(): void;
}

/** Notices a reader that takes nothing for 30 s while something is outstanding. Costs a timer only then. */
export class StallWatch extends Alarm {
  readonly #owner: StallOwner;
  #checks = 0;

  constructor(wheel: TimerWheel, owner: StallOwner) {
    super(wheel);
    this.#owner = owner;
  }

  /** Something was written: begins to watch unless it does already. */
  watch(): void {
    if (!this.isSet) this.set(CHECK_MS);
  }

  /** The reader took something. */
  progress(): void {
    this.#checks = 0;
  }

  stop(): void {
    this.unset();
  }

  protected override due(): void {
    this.#checks = this.#owner.outstanding ? this.#checks + 1 : 0;
    if (this.#checks >= CHECKS) this.#owner.readerStalled();
    else if (this.#checks > 0) this.watch();
  }
}

const WARN_BEFORE_MS = 60_000;
/** Tolerance for clocks that differ, the same as when a token is verified. */
const GRACE_MS = 5_000;

export interface TokenOwner {
  tokenExpiring(expiresInMs: number): void;
  tokenExpired(): void;
}

/**
 * Warns once per token before it expires, and reports when it has. A client answers a warning with a token: a token that
 * was handed in is never warned about at once, however short it is, or the two would go on for ever. Reads the wall
 * clock anew at each timer: it may be stepped.
 */
export class TokenWatch extends Alarm {
  readonly #clock: Clock;
  readonly #owner: TokenOwner;
  #expiresAt = 0;
  #warnBeforeMs = WARN_BEFORE_MS;
  #warned = false;

  constructor(wheel: TimerWheel, clock: Clock, owner: TokenOwner) {
    super(wheel);
    this.#clock = clock;
    this.#owner = owner;
  }

  /** The token the connection was opened with. `expiresAt` in Unix ms. */
  start(expiresAt: number): void {
    this.#watch(expiresAt);
  }

  /**
   * A token that takes the place of the one before. One that is short from the beginning is warned about when half of
   * its time is gone; one that lasts no longer than one that was warned about is no news.
   */
  renew(expiresAt: number): void {
    if (expiresAt > this.#expiresAt) this.#warned = false;
    if (expiresAt !== this.#expiresAt) {
      this.#warnBeforeMs = Math.min(WARN_BEFORE_MS, (expiresAt - this.#clock.now()) / 2);
    }
    this.#watch(expiresAt);
  }

  stop(): void {
    this.unset();
  }

  #watch(expiresAt: number): void {
    this.#expiresAt = expiresAt;
    this.unset();
    this.due();
  }

  protected override due(): void {
    const left = this.#expiresAt - this.#clock.now();
    if (left <= -GRACE_MS) {
      this.#owner.tokenExpired();
      return;
    }
    if (left <= this.#warnBeforeMs && !this.#warned) {
      this.#warned = true;
      this.#owner.tokenExpiring(Math.max(0, left));
    }
    const wait = this.#warned ? left + GRACE_MS : left - this.#warnBeforeMs;
    this.set(wait);
  }
}
