/**
 * Quotas of one machine: reservations in memory over what the ledger counted. Nothing here waits, so a reservation is
 * atomic by itself and adds no latency. Owns the order of check and reservation; several machines need `shared-quota.ts`.
 */
import type { Clock } from '../time/clock.ts';
import type { Charge, ChargePolicy, ReservedRun } from './charges.ts';
import type { LocalCounts } from './local-counts.ts';
import type { Quota, QuotaHolder, QuotaOutcome, QuotaReport, QuotaRun, Reservation } from './port.ts';
import type { SpendingWatch } from './spending-watch.ts';
import { refusalOf, reportOf, reservationOf, shortageOf } from './verdict.ts';

export interface LocalQuotaParts {
  /** At this moment: a run keeps the counters and prices that it began with. */
  readonly policy: () => ChargePolicy;
  readonly counts: LocalCounts;
  /** What a settled run did cost: the ledger has counted it by now. */
  readonly onSettled: (cost: readonly Charge[]) => void;
  readonly clock: Clock;
  /** Actions a report lists. */
  readonly actions: () => readonly string[];
  readonly spending: SpendingWatch;
  /** For the words of a refusal: how to have another plan than this one, where a developer asks. */
  readonly wayOut?: ((plan: string) => string) | undefined;
  /** Gives back what the counts read from. */
  readonly onClosed: () => void;
}

export class LocalQuota implements Quota {
  readonly #parts: LocalQuotaParts;
  readonly #live = new Map<string, ReservedRun>();

  constructor(parts: LocalQuotaParts) {
    this.#parts = parts;
  }

  /** There is no Postgres to be without. */
  readonly alone = false;
  readonly undelivered = 0;

  async start(): Promise<void> {
    // Nothing to connect to.
  }

  async close(): Promise<void> {
    this.#parts.onClosed();
  }

  async reserve(run: QuotaRun): Promise<Reservation> {
    const { policy, counts, spending, wayOut } = this.#parts;
    const reserved = policy().reservation(run);
    const { charges } = reserved;
    const standings = charges.map(({ counter }) => counts.standing(counter));
    const shortage = shortageOf(charges, standings);
    if (shortage !== undefined) {
      spending.refused(shortage);
      throw refusalOf(shortage, wayOut?.(policy().planOf(run.holder).name));
    }
    this.#hold(run.epoch, reserved);
    return reservationOf(reserved, standings);
  }

  correct(epoch: string, promptTokens: number): void {
    const run = this.#live.get(epoch);
    if (run !== undefined) this.#hold(epoch, this.#parts.policy().corrected(run, promptTokens));
  }

  settle(outcome: QuotaOutcome): void {
    const run = this.#live.get(outcome.epoch);
    if (run !== undefined) this.#parts.onSettled(this.#parts.policy().cost(run, outcome));
    this.release(outcome.epoch);
  }

  release(epoch: string): void {
    this.#live.delete(epoch);
    this.#parts.counts.drop(epoch);
  }

  async usageOf(holder: QuotaHolder): Promise<QuotaReport> {
    const { policy, counts, clock, actions } = this.#parts;
    const counters = policy().counters(holder, actions(), clock.now());
    return reportOf(
      policy().planOf(holder),
      counters,
      counters.map((counter) => counts.standing(counter)),
    );
  }

  #hold(epoch: string, run: ReservedRun): void {
    this.#live.set(epoch, run);
    this.#parts.counts.take(epoch, run.charges);
  }
}
