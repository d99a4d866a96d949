/**
 * One timer for all paced streams: a wheel of 1 ms slots, turned only while something waits.
 * Owns when a stream's turn comes, not what it then does.
 */
import type { Clock, Timer } from '../time/clock.ts';

/** A range drawn from evenly, or one fixed number. */
export type Range = number | readonly [min: number, max: number];

export interface Pace {
  /** From the request to the first delta, ms. */
  readonly firstTokenMs: Range;
  /** `Infinity`: everything at once. */
  readonly deltasPerSecond: Range;
}

/** As a real model feels. */
export const LIFELIKE: Pace = { firstTokenMs: [400, 900], deltasPerSecond: [20, 40] };
/** No waiting anywhere: for tests. */
export const UNPACED: Pace = { firstTokenMs: 0, deltasPerSecond: Number.POSITIVE_INFINITY };

export interface Paced {
  /** When `step` is to be called, in the clock's `elapsed()` ms. */
  dueAt: number;
  /** Does what is due and moves `dueAt`. False when nothing is left to wait for. */
  step(): boolean;
}

const SLOTS = 1024;
/** Half the wakeups of 1 ms, and still far below what a delta's age is measured by. */
const TURN_MS = 2;

export class Pacer {
  readonly #clock: Clock;
  readonly #slots: Paced[][] = Array.from({ length: SLOTS }, () => []);
  #waiting = 0;
  #turned = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(paced: Paced): void {
    if (this.#timer === undefined) {
      this.#turned = Math.floor(this.#clock.elapsed());
      this.#timer = this.#clock.every(TURN_MS, () => this.#turn());
    }
    this.#waiting += 1;
    this.#place(paced);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#waiting = 0;
    for (const slot of this.#slots) slot.length = 0;
  }

  #place(paced: Paced): void {
    const slot = Math.max(this.#turned + 1, Math.ceil(paced.dueAt)) % SLOTS;
    this.#slots[slot]?.push(paced);
  }

  /** Visits every slot since the last turn, so that a late timer loses no stream; at most once round. */
  #turn(): void {
    const now = Math.floor(this.#clock.elapsed());
    const first = Math.max(this.#turned + 1, now - SLOTS + 1);
    for (let tick = first; tick <= now; tick++) {
      this.#turned = tick;
      this.#visit(tick % SLOTS, now);
    }
    if (this.#waiting === 0) this.close();
  }

  #visit(index: number, now: number): void {
    const slot = this.#slots[index];
    if (slot === undefined || slot.length === 0) return;
    this.#slots[index] = [];
    for (const paced of slot) {
      // A wait longer than the wheel stays for another round.
      if (paced.dueAt > now || paced.step()) this.#place(paced);
      else this.#waiting -= 1;
    }
  }
}
