/** Quotas as a relay has them: over a ledger on disk, alone or on Postgres. */

import { type LocalUsageLedger, openUsageLedger } from '../../../src/ledger/ledger.ts';
import { ModelTable } from '../../../src/models/model-table.ts';
import { loadPrices } from '../../../src/pricing/prices.ts';
import { NO_USAGE, type UsageReading } from '../../../src/protocol/usage-reading.ts';
import { ChargePolicy } from '../../../src/quota/charges.ts';
import { createQuota, type OpenQuota, type QuotaOptions, relayId } from '../../../src/quota/create-quota.ts';
import type { Plans } from '../../../src/quota/plans.ts';
import type { QuotaHolder, QuotaRun, Reservation } from '../../../src/quota/port.ts';
import type { BudgetEvents } from '../../../src/quota/spending-watch.ts';
import type { Clock } from '../../../src/time/clock.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { eventually } from '../../support/test-run.ts';
import { newDataDir, readingOf, settlementOf } from '../runs.ts';
import { runOf } from './plan-files.ts';

export const prices = loadPrices();
const models = ModelTable.load();

export interface Ending {
  readonly status: 'done' | 'cancelled' | 'error';
  readonly code: 'abandoned' | 'upstream_overloaded' | null;
}

/** What the contract is tested through. */
export interface QuotaSubject {
  readonly clock: ManualClock;
  /** Reserves, then opens the row, as a run does. */
  begin(run?: Partial<QuotaRun>): Promise<Reservation & { readonly epoch: string }>;
  /** Settles the row, then the reservation. */
  end(epoch: string, usage?: Partial<UsageReading>, ending?: Partial<Ending>): Promise<void>;
  release(epoch: string): void;
  correct(epoch: string, promptTokens: number): void;
  /** `[used, reserved]` of the holder's quotas by `<of> <scope> <period>`; of the action `chat`. */
  standing(holder: QuotaHolder): Promise<Readonly<Record<string, readonly [number, number]>>>;
  remove(): Promise<void>;
}

export interface SubjectOptions extends Partial<BudgetEvents> {
  readonly plans: Plans;
}

/** A relay's quotas with their ledger. `crash` leaves the directory as a killed process would. */
export class DiskSubject implements QuotaSubject {
  readonly clock = new ManualClock();
  readonly quota: OpenQuota;
  crashed = false;
  readonly outages: unknown[] = [];
  /** How often it was told. */
  uncorrectable = 0;
  /** Statements that Postgres has not answered yet. */
  asking = 0;
  readonly #dataDir: ReturnType<typeof newDataDir>;
  readonly #ledger: LocalUsageLedger;
  readonly #reading = new Map<string, UsageReading>();

  constructor(
    options: SubjectOptions & Partial<QuotaOptions>,
    { dataDir = newDataDir() }: { readonly dataDir?: ReturnType<typeof newDataDir> } = {},
  ) {
    this.#dataDir = dataDir;
    const clock: Clock = options.clock ?? this.clock;
    this.#ledger = openUsageLedger({ dataDir: dataDir.path, prices: () => prices, clock, onError() {} });
    this.quota = createQuota({
      dataDir: dataDir.path,
      policy: () => new ChargePolicy(options.plans, prices, models),
      clock,
      actions: () => ['chat'],
      whileOut: 'allow',
      longestRunMs: 600_000,
      onBudgetSpent() {},
      onBudgetReserved() {},
      onOutage: (cause) => void this.outages.push(cause),
      onRecovered() {},
      onUncorrectable: () => void this.uncorrectable++,
      ...options,
      postgres: options.postgres && this.#counted(options.postgres),
    });
  }

  async begin(given: Partial<QuotaRun> = {}) {
    const run = runOf({ startedAt: this.clock.now(), ...given });
    const reservation = await this.quota.reserve(run);
    const { epoch, holder, action, model, startedAt } = run;
    const { userId, organizationId } = holder;
    const intent = { epoch, streamId: 's', userId, organizationId, action, model, startedAt };
    await this.#ledger.open(intent, () => this.#reading.get(epoch) ?? NO_USAGE);
    return { ...reservation, epoch };
  }

  async end(epoch: string, usage: Partial<UsageReading> = {}, ending: Partial<Ending> = {}): Promise<void> {
    const settlement = settlementOf(epoch, { usage: readingOf(usage), ...ending });
    await this.#ledger.settle(settlement);
    this.quota.settle(settlement);
  }

  /** What the model has billed of a live run; saved by the ledger each second. */
  bill(epoch: string, usage: Partial<UsageReading>): void {
    this.#reading.set(epoch, readingOf(usage));
  }

  release(epoch: string): void {
    this.quota.release(epoch);
  }

  correct(epoch: string, promptTokens: number): void {
    this.quota.correct(epoch, promptTokens);
  }

  async standing(holder: QuotaHolder) {
    return standingOf(await this.quota.usageOf(holder));
  }

  /** Under which name Postgres knows this relay. */
  get owner(): string {
    return relayId(this.#dataDir.path);
  }

  /** The process ends here; its ledger keeps what was on disk. */
  async crash(): Promise<ReturnType<typeof newDataDir>> {
    this.crashed = true;
    // Closing writes what waits, which a crash would lose; rows that are open stay open.
    await this.quota.close();
    await this.#ledger.close();
    return this.#dataDir;
  }

  async remove(): Promise<void> {
    (await this.crash()).remove();
  }

  #counted({ query, close }: NonNullable<QuotaOptions['postgres']>): QuotaOptions['postgres'] {
    const counted: typeof query = async (...statement) => {
      this.asking += 1;
      return await query(...statement).finally(() => {
        this.asking -= 1;
      });
    };
    return { query: counted, close };
  }
}

export function standingOf({ quotas }: Awaited<ReturnType<OpenQuota['usageOf']>>) {
  return Object.fromEntries(
    quotas.map(({ of, scope, period, used, reserved }) => [
      `${of} ${scope} ${period}`,
      [used, reserved] as const,
    ]),
  );
}

/** With its methods free of their object. A standing is what there is once Postgres has heard of all. */
export function subjectOf(disk: DiskSubject): QuotaSubject {
  return {
    clock: disk.clock,
    begin: (run) => disk.begin(run),
    end: (...ending) => disk.end(...ending),
    release: (epoch) => disk.release(epoch),
    correct: (...counted) => disk.correct(...counted),
    async standing(holder) {
      await eventually('all has arrived', () => disk.quota.undelivered === 0 && disk.asking === 0);
      return await disk.standing(holder);
    },
    remove: () => disk.remove(),
  };
}
