import { Alarm, type TimerWheel } from '../time/timer-wheel.ts';

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
