/**
 * Quotas of several relays on one Postgres. While it answers, it decides; while it does not, no start waits for it, and
 * this machine's own counts hold the limits (or starts are refused). Owns which runs Postgres must still hear of, and
 * that it hears of each: reservations, settlements, and what a crash or an outage left open.
 *
 *   reserve ─► Postgres takes it ─► runs ─► settle ─► Postgres has its cost ─► forgotten
 *      │                             └ correct: own counts at once, Postgres as soon as it hears of it
 *      └ Postgres fails ─► own counts take it ─┘ (told to Postgres when it is back)
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RelayError } from '../protocol/relay-error.ts';
import type { Clock, Timer } from '../time/clock.ts';
import { Outage, type OutageEvents, within } from '../time/outage.ts';
import type { Charge, ChargePolicy, Counter, ReservedRun, Standing } from './charges.ts';
import { type ChargedRun, DeliveryQueue } from './delivery-queue.ts';
import { startHousekeeping } from './housekeeping.ts';
import type { LedgerRun, LedgerRuns } from './ledger-runs.ts';
import type { LocalCounts } from './local-counts.ts';
import { OtherRelaysUsage } from './other-relays.ts';
import type { Quota, QuotaHolder, QuotaOutcome, QuotaReport, QuotaRun, Reservation } from './port.ts';
import type { PostgresCounts, SharedVerdict } from './postgres-counts.ts';
import type { SpendingWatch } from './spending-watch.ts';
import { refusalOf, reportOf, reservationOf, shortageOf } from './verdict.ts';

export interface SharedQuotaParts {
  /** At this moment: a run keeps the counters and prices that it began with. */
  readonly policy: () => ChargePolicy;
  /** This machine's own. */
  readonly counts: LocalCounts;
  readonly postgres: PostgresCounts;
  readonly ledger: LedgerRuns;
  readonly clock: Clock;
  readonly actions: () => readonly string[];
  readonly spending: SpendingWatch;
  /** For the words of a refusal: how to have another plan than this one, where a developer asks. */
  readonly wayOut?: ((plan: string) => string) | undefined;
  readonly onOutage: OutageEvents['onOutage'];
  readonly onRecovered: OutageEvents['onRecovered'];
  /** Postgres has no function by which reservations are corrected: it was not migrated. Once. */
  readonly onUncorrectable: () => void;
  /** What starts get while Postgres does not answer (QUOTA_ON_OUTAGE). */
  readonly whileOut: 'allow' | 'deny';
  /** Gives back what the counts and the ledger read from. */
  readonly onClosed: () => Promise<void>;
}

/** The longest a start waits for Postgres, ms: then it counts as down. */
const RESERVE_WITHIN_MS = 1000;
/** For what nobody waits for. */
const CALL_WITHIN_MS = 5000;
/** The longest a relay waits for Postgres before it serves: what it must hear by then may be many runs. */
const START_WITHIN_MS = 5000;
/** Runs that Postgres is told of at the same time, once it is back. */
const TOLD_AT_ONCE = 3;
/** On one connection, so that starts have the others: all that ended while the last ones were under way. */
const SETTLEMENTS = { atOnce: 1, together: 100 } as const;
const CORRECTIONS = { atOnce: 3, together: 1 } as const;
/** What the last settlements may take when the relay closes. */
const CLOSE_WITHIN_MS = 2000;
/** Runs of a process before this one that one turn of the event loop reads: about 1 ms. */
const RECOVERED_PER_TURN = 100;

interface LiveRun extends ReservedRun {
  /** Name of its holder's. */
  readonly plan: string;
}

export class SharedQuota implements Quota {
  readonly #parts: SharedQuotaParts;
  readonly #outage: Outage;
  readonly #elsewhere = new OtherRelaysUsage();
  readonly #settlements: DeliveryQueue;
  readonly #corrections: DeliveryQueue;
  readonly #housekeeping: Timer;
  readonly #live = new Map<string, LiveRun>();
  #recovered = false;
  #isCorrectable = true;

  constructor(parts: SharedQuotaParts) {
    const { clock, postgres, onOutage, onRecovered } = parts;
    this.#parts = parts;
    this.#outage = new Outage({
      clock,
      onOutage,
      onRecovered,
      probe: () => this.#catchUp(),
      onOver: () => this.#resume(),
    });
    const held = () => !this.#outage.over;
    const failed = (cause: unknown) => this.#outage.trip(cause);
    this.#settlements = new DeliveryQueue({
      ...SETTLEMENTS,
      deliver: (runs) => this.#tellSettlements(runs),
      held,
      failed,
    });
    this.#corrections = new DeliveryQueue({
      ...CORRECTIONS,
      deliver: async ([run]) => {
        if (run !== undefined) await this.#tellCorrection(...run);
      },
      held,
      failed,
    });
    this.#housekeeping = startHousekeeping({ clock, postgres, held, failed });
  }

  /** Whether this machine's own counts hold the limits. */
  get alone(): boolean {
    return !this.#outage.over;
  }

  /** Settlements that Postgres has not heard of. */
  get undelivered(): number {
    return this.#settlements.size;
  }

  /** Asks Postgres for the first time; resolves also if it is down, or still has to hear of much. */
  async start(): Promise<void> {
    await within(this.#parts.clock, START_WITHIN_MS, this.#outage.probe()).catch(() => {});
  }

  async reserve(run: QuotaRun): Promise<Reservation> {
    const { policy, counts } = this.#parts;
    const { epoch } = run;
    const live = { ...policy().reservation(run), plan: policy().planOf(run.holder).name };
    const { charges } = live;
    this.#live.set(epoch, live);
    counts.take(epoch, charges);
    try {
      const verdict = this.#outage.over ? await this.#askPostgres(epoch, charges) : undefined;
      return verdict === undefined ? this.#decideAlone(epoch, live) : this.#obey(live, verdict);
    } catch (refusal) {
      this.#live.delete(epoch);
      counts.drop(epoch);
      throw refusal;
    }
  }

  correct(epoch: string, promptTokens: number): void {
    const { policy, counts } = this.#parts;
    const run = this.#live.get(epoch);
    if (run === undefined) return;
    const corrected = policy().corrected(run, promptTokens);
    this.#live.set(epoch, corrected);
    counts.take(epoch, corrected.charges);
    if (this.#isCorrectable) this.#corrections.add(epoch, corrected.charges);
  }

  settle(outcome: QuotaOutcome): void {
    const run = this.#live.get(outcome.epoch);
    if (run === undefined) return;
    this.#end(outcome.epoch, this.#parts.policy().cost(run, outcome));
  }

  release(epoch: string): void {
    if (this.#live.has(epoch)) this.#end(epoch, []);
  }

  async usageOf(holder: QuotaHolder): Promise<QuotaReport> {
    const { policy, clock, actions } = this.#parts;
    const counters = policy().counters(holder, actions(), clock.now());
    return reportOf(policy().planOf(holder), counters, await this.#standings(counters));
  }

  /** Delivers what it can in a short while; the next process finds the rest in the ledger. */
  async close(): Promise<void> {
    const { clock } = this.#parts;
    this.#housekeeping.cancel();
    if (this.#outage.over) await within(clock, CLOSE_WITHIN_MS, this.#settlements.idle()).catch(() => {});
    this.#outage.close();
    await this.#parts.onClosed();
  }

  #end(epoch: string, cost: readonly Charge[]): void {
    this.#live.delete(epoch);
    this.#parts.counts.drop(epoch);
    this.#corrections.drop(epoch);
    this.#settlements.add(epoch, cost);
  }

  /** What need not be known before Postgres is asked: it holds enough for those runs. */
  #resume(): void {
    this.#settlements.resume();
    this.#corrections.resume();
  }

  /** Each step has its own time: a database that takes few runs at once may need long for many. */
  async #tellSettlements(runs: readonly ChargedRun[]): Promise<void> {
    for (let rest = runs; rest.length > 0; ) rest = await this.#call(this.#parts.postgres.settle(rest));
  }

  async #tellCorrection(epoch: string, charges: readonly Charge[]): Promise<void> {
    if (await this.#call(this.#parts.postgres.correct(epoch, charges))) return;
    if (this.#isCorrectable) this.#parts.onUncorrectable();
    this.#isCorrectable = false;
  }

  /** Undefined where Postgres gave no answer: from then on nobody asks it until it is back. */
  async #askPostgres(epoch: string, charges: readonly Charge[]): Promise<SharedVerdict | undefined> {
    try {
      const verdict = await this.#ask(epoch, charges);
      // Runs of ours that ended or were corrected a moment ago may still hold what this one needs.
      const waiting = this.#settlements.size + this.#corrections.size;
      if (verdict.taken || waiting === 0 || !(await this.#delivered())) return verdict;
      return await this.#ask(epoch, charges);
    } catch (cause) {
      this.#outage.trip(cause);
      return undefined;
    }
  }

  /** Whether all settlements and corrections arrive soon. If they do not there are many of them: that is no outage. */
  #delivered(): Promise<boolean> {
    const idle = Promise.all([this.#settlements.idle(), this.#corrections.idle()]);
    return within(this.#parts.clock, RESERVE_WITHIN_MS, idle).then(
      () => true,
      () => false,
    );
  }

  async #ask(epoch: string, charges: readonly Charge[]): Promise<SharedVerdict> {
    const { clock, postgres } = this.#parts;
    return await within(clock, RESERVE_WITHIN_MS, postgres.reserve(epoch, charges, true));
  }

  #obey(live: LiveRun, { taken, standings }: SharedVerdict): Reservation {
    for (const [place, { counter, amount }] of live.charges.entries()) {
      const own = this.#parts.counts.standing(counter);
      this.#elsewhere.learn(counter, standings[place], { ...own, reserved: own.reserved - amount });
    }
    if (!taken) this.#refuse(live, standings);
    return reservationOf(live, standings);
  }

  /** No await between check and reservation: it is atomic by itself. */
  #decideAlone(epoch: string, live: LiveRun): Reservation {
    const { counts, whileOut } = this.#parts;
    const { charges } = live;
    try {
      if (whileOut === 'deny') throw new RelayError('unavailable', 'quotas cannot be checked now; try again');
      counts.drop(epoch);
      const standings = charges.map(({ counter }) => this.#elsewhere.with(counter, counts.standing(counter)));
      this.#refuse(live, standings);
      counts.take(epoch, charges);
      return reservationOf(live, standings);
    } catch (refusal) {
      // The reservation may have reached Postgres all the same.
      this.#settlements.add(epoch, []);
      throw refusal;
    }
  }

  #refuse({ charges, plan }: LiveRun, standings: readonly Standing[]): void {
    const { spending, wayOut } = this.#parts;
    const shortage = shortageOf(charges, standings);
    if (shortage === undefined) return;
    spending.refused(shortage);
    throw refusalOf(shortage, wayOut?.(plan));
  }

  async #standings(counters: readonly Counter[]): Promise<readonly Standing[]> {
    const { clock, counts, postgres } = this.#parts;
    const alone = () => counters.map((counter) => this.#elsewhere.with(counter, counts.standing(counter)));
    if (!this.#outage.over) return alone();
    try {
      return await within(clock, RESERVE_WITHIN_MS, postgres.standings(counters));
    } catch (cause) {
      this.#outage.trip(cause);
      return alone();
    }
  }

  /** Makes Postgres know all that this machine knows. Every step may be repeated. */
  async #catchUp(): Promise<void> {
    const { postgres } = this.#parts;
    await this.#call(postgres.warm());
    if (!this.#recovered) await this.#settleRecovered();
    this.#recovered = true;
    for (const epoch of await this.#call(postgres.unsettled())) this.#settleFromLedger(epoch);
    await this.#tellAll();
  }

  /**
   * Of live runs and of ended ones, and of those that start or end meanwhile: what Postgres does not know of yet would be
   * room for others there, so that limits are held here until nothing is left to tell.
   */
  async #tellAll(): Promise<void> {
    const told = new Set<string>();
    for (let before = -1; told.size > before; ) {
      before = told.size;
      const untold = this.#untold(told); // shared by all who tell: one that fails ends it for the others
      const tell = async () => {
        for (const epoch of untold) await this.#tell(epoch);
      };
      await Promise.all(Array.from({ length: TOLD_AT_ONCE }, tell));
    }
  }

  *#untold(told: Set<string>): Generator<string> {
    for (const epochs of [this.#live.keys(), this.#settlements.unheard()])
      for (const epoch of epochs) {
        if (told.has(epoch)) continue;
        told.add(epoch);
        yield epoch;
      }
  }

  async #tell(epoch: string): Promise<void> {
    const run = this.#live.get(epoch);
    if (run === undefined) return await this.#settlements.deliverHeld(epoch);
    await this.#call(this.#parts.postgres.reserve(epoch, run.charges, false));
    await this.#corrections.deliverHeld(epoch);
  }

  /**
   * Settles a run of a process before this one; nobody waits for it, its reservation stands until then. One without a
   * row was never called: intent before call.
   */
  #settleFromLedger(epoch: string): void {
    if (this.#live.has(epoch) || this.#settlements.has(epoch)) return;
    const run = this.#parts.ledger.find(epoch);
    if (run === undefined) this.#settlements.add(epoch, []);
    else if (run !== 'running') this.#settleEnded(run);
  }

  async #settleRecovered(): Promise<void> {
    for (const run of this.#parts.ledger.recovered()) {
      this.#settleEnded(run);
      // Streams are served in between.
      if (this.#settlements.size % RECOVERED_PER_TURN === 0) await nextTurn();
    }
  }

  #settleEnded(run: LedgerRun): void {
    this.#settlements.add(run.outcome.epoch, this.#parts.policy().costOfEnded(run));
  }

  async #call<T>(answer: Promise<T>): Promise<T> {
    return await within(this.#parts.clock, CALL_WITHIN_MS, answer);
  }
}
