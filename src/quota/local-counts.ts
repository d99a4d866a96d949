/**
 * What this process has reserved, over what its ledger says was used. Reservations live in memory: they end with the
 * process, and the ledger settles what a crash left open. Decides nothing.
 */
import { RelayError } from '../protocol/relay-error.ts';
import type { HeldElsewhere } from '../workers/port.ts';
import type { Charge, Counter, Standing } from './charges.ts';

/** What ended runs cost, by counter. */
export type UsedOf = (counter: Counter) => number;

export class LocalCounts {
  readonly #usedOf: UsedOf;
  readonly #elsewhere: HeldElsewhere | undefined;
  readonly #reserved = new Map<string, number>();
  readonly #runs = new Map<string, readonly Charge[]>();

  /** @param elsewhere what is reserved as well, in other processes of this machine */
  constructor(usedOf: UsedOf, elsewhere?: HeldElsewhere) {
    this.#usedOf = usedOf;
    this.#elsewhere = elsewhere;
  }

  /** Runs with a reservation. */
  get size(): number {
    return this.#runs.size;
  }

  /** @throws RelayError unavailable where the ledgers cannot be read */
  standing(counter: Counter): Standing {
    const name = nameOf(counter);
    const here = this.#reserved.get(name) ?? 0;
    return { used: this.#used(counter), reserved: here + (this.#elsewhere?.of(name) ?? 0) };
  }

  /** In the place of what the epoch held before. */
  take(epoch: string, charges: readonly Charge[]): void {
    this.drop(epoch);
    this.#runs.set(epoch, charges);
    for (const { counter, amount } of charges) this.#add(counter, amount);
  }

  /** Nothing happens for an epoch that holds nothing. */
  drop(epoch: string): void {
    for (const { counter, amount } of this.#runs.get(epoch) ?? []) this.#add(counter, -amount);
    this.#runs.delete(epoch);
  }

  #used(counter: Counter): number {
    try {
      return this.#usedOf(counter);
    } catch (cause) {
      throw new RelayError('unavailable', 'quotas cannot be checked now; try again', { cause });
    }
  }

  #add(counter: Counter, amount: number): void {
    const name = nameOf(counter);
    const sum = (this.#reserved.get(name) ?? 0) + amount;
    if (sum === 0) this.#reserved.delete(name);
    else this.#reserved.set(name, sum);
    this.#elsewhere?.changed(name, sum);
  }
}

/** Of a counter, within its period. */
export function nameOf({ key, period }: Counter): string {
  return `${period.name} ${key}`;
}
