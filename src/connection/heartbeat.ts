import type { Timer } from '../time/clock.ts';
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
