/**
 * What ended runs cost, remembered beside the ledger: a start reads three to six counters, and reading them from the file
 * was a tenth of its CPU. What is settled meanwhile is added here; each counter is read anew after a minute, so that the
 * ledger stays the judge.
 */
import type { Clock } from '../time/clock.ts';
import type { Charge, Counter } from './charges.ts';
import { nameOf, type UsedOf } from './local-counts.ts';

/** How long a counter is believed, ms. */
const BELIEVED_MS = 60_000;
/** Counters of some ten thousand users; beyond, all are forgotten and read anew. */
const MAX_COUNTERS = 50_000;

interface Remembered {
  used: number;
  readonly readAt: number;
}

export class RememberedUse {
  readonly #usedOf: UsedOf;
  readonly #clock: Clock;
  readonly #counters = new Map<string, Remembered>();

  /** @param usedOf what the ledger says, with all that it has committed */
  constructor(usedOf: UsedOf, clock: Clock) {
    this.#usedOf = usedOf;
    this.#clock = clock;
  }

  of(counter: Counter): number {
    const name = nameOf(counter);
    const now = this.#clock.elapsed();
    const known = this.#counters.get(name);
    if (known !== undefined && now - known.readAt < BELIEVED_MS) return known.used;
    const used = this.#usedOf(counter);
    if (this.#counters.size >= MAX_COUNTERS) this.#counters.clear();
    this.#counters.set(name, { used, readAt: now });
    return used;
  }

  /** The ledger has committed that. */
  add(charges: readonly Charge[]): void {
    for (const { counter, amount } of charges) {
      const known = this.#counters.get(nameOf(counter));
      if (known !== undefined) known.used += amount;
    }
  }
}
