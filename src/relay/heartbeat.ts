import type { Timer } from '../time/clock.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';

/** How long a pong may take, ms. */
const PONG_WITHIN_MS = 10_000;

export interface HeartbeatOwner {
  /** A ping is due. */
  pingDue(): void;
  pongMissed(): void;
}

/** Pings each interval; a pong that does not come in time is reported once. */
export class Heartbeat {
  readonly #wheel: TimerWheel;
  readonly #intervalMs: number;
  readonly #owner: HeartbeatOwner;
  #next: Timer;
  #deadline: Timer | undefined;

  constructor(wheel: TimerWheel, intervalMs: number, owner: HeartbeatOwner) {
    this.#wheel = wheel;
    this.#intervalMs = intervalMs;
    this.#owner = owner;
    this.#next = wheel.after(intervalMs, () => this.#beat());
  }

  pong(): void {
    this.#deadline?.cancel();
    this.#deadline = undefined;
  }

  stop(): void {
    this.#next.cancel();
    this.pong();
  }

  #beat(): void {
    this.#deadline ??= this.#wheel.after(PONG_WITHIN_MS, () => this.#owner.pongMissed());
    this.#next = this.#wheel.after(this.#intervalMs, () => this.#beat());
    this.#owner.pingDue();
  }
}
