/** Builds the quotas of this relay from its plans, its prices and its ledger; with Postgres they are shared by all relays. */

import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PostgresPool } from '../postgres/pool.ts';
import type { Clock } from '../time/clock.ts';
import type { OutageEvents } from '../time/outage.ts';
import type { SharedLimits } from '../workers/port.ts';
import type { ChargePolicy, Counter } from './charges.ts';
import { openLedgerRuns } from './ledger-runs.ts';
import { LocalCounts } from './local-counts.ts';
import { LocalQuota, type LocalQuotaParts } from './local-quota.ts';
import { type OtherLedgersParts, openOtherLedgers } from './other-ledgers.ts';
import type { Quota } from './port.ts';
import { PostgresCounts } from './postgres-counts.ts';
import { RememberedUse } from './remembered-use.ts';
import { SharedQuota } from './shared-quota.ts';
import { type BudgetEvents, SpendingWatch } from './spending-watch.ts';
import { openUsedCounts, type UsedCounts } from './used-counts.ts';

export interface QuotaOptions extends OutageEvents, BudgetEvents {
  /** Holds the ledger, which is open already and has shipped nothing yet. */
  readonly dataDir: string;
  /** The other ledgers of this machine: without Postgres they count together. */
  readonly otherLedgers?: OtherLedgersParts | undefined;
  /** Of a process that is one of several: without Postgres, what they have reserved counts together. */
  readonly shared?: SharedLimits | undefined;
  /** Plans and prices, at this moment. */
  readonly policy: () => ChargePolicy;
  readonly clock: Clock;
  /** Actions a report lists. */
  readonly actions: () => readonly string[];
  /** Is closed with the quotas. Absent: this machine is the only one. */
  readonly postgres?: Pick<PostgresPool, 'query' | 'close'> | undefined;
  /** Postgres has no function by which reservations are corrected: it was not migrated. Once. */
  readonly onUncorrectable: () => void;
  /** What starts get while Postgres does not answer (QUOTA_ON_OUTAGE). */
  readonly whileOut: 'allow' | 'deny';
  /** For the words of a refusal: how to have another plan than this one, where a developer asks. */
  readonly wayOut?: ((plan: string) => string) | undefined;
  /** The longest a run may take, ms. */
  readonly longestRunMs: number;
}

export interface OpenQuota extends Quota {
  /** Asks Postgres for the first time, if there is one. Never rejects. */
  start(): Promise<void>;
  /** Whether Postgres is configured and this machine's own counts hold the limits meanwhile. */
  readonly alone: boolean;
  /** Settlements that Postgres has not heard of. */
  readonly undelivered: number;
  /** To be called after the last run, before the ledger and the pool are closed. */
  close(): Promise<void>;
}

/** How long after its latest possible end a run may stay unsettled before others charge it, ms. */
const LEASE_SLACK_MS = 300_000;

/** @throws Error of the file system or the ledger's file */
export function createQuota(options: QuotaOptions): OpenQuota {
  const { dataDir, clock, policy, actions, postgres } = options;
  const relay = postgres === undefined ? '' : relayId(dataDir);
  const used = openUsedCounts(dataDir, clock.now());
  const parts = {
    policy,
    spending: new SpendingWatch(options),
    clock,
    actions,
    wayOut: options.wayOut,
  };
  if (postgres === undefined) return localQuota(options, used, parts);
  const ledger = openLedgerRuns(dataDir);
  const leaseMs = options.longestRunMs + LEASE_SLACK_MS;
  const { onOutage, onRecovered, onUncorrectable, whileOut } = options;
  return new SharedQuota({
    ...parts,
    counts: new LocalCounts(used.usedOf),
    postgres: new PostgresCounts(postgres.query, relay, leaseMs),
    ledger,
    onOutage,
    onRecovered,
    onUncorrectable,
    whileOut,
    async onClosed() {
      ledger.close();
      used.close();
      await postgres.close();
    },
  });
}

const NO_OTHERS: OtherLedgersParts = { directories: () => [], onUnreadable() {} };

/** Of all ledgers of this machine together. */
function localQuota(
  { otherLedgers = NO_OTHERS, shared, clock }: QuotaOptions,
  used: UsedCounts,
  parts: Omit<LocalQuotaParts, 'counts' | 'onSettled' | 'onClosed'>,
): LocalQuota {
  const remembered = new RememberedUse(used.usedOf, clock);
  const elsewhere = openOtherLedgers(otherLedgers, clock);
  const usedOf = (counter: Counter) => remembered.of(counter) + elsewhere.usedOf(counter);
  return new LocalQuota({
    ...parts,
    counts: new LocalCounts(usedOf, shared?.held('reserved')),
    onSettled: (cost) => remembered.add(cost),
    onClosed() {
      elsewhere.close();
      used.close();
    },
  });
}

/**
 * The name of a data directory, made at first use: whoever finds reservations under it knows that only its own ledger can
 * settle them.
 * @throws Error of the file system
 */
export function relayId(dataDir: string): string {
  const file = join(dataDir, 'relay-id');
  try {
    writeFileSync(file, randomUUID(), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return readFileSync(file, 'utf8').trim();
}
