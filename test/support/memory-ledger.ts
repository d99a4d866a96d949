/** The usage ledger without a disk: the same promises, kept in a Map. For tests of whoever uses a ledger. */

import type { UsageIntent, UsageLedger, UsageSettlement } from '../../src/ledger/port.ts';
import { runCacheSavedPico, runCost, usdOf } from '../../src/pricing/cost.ts';
import type { PriceTable } from '../../src/pricing/prices.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';
import type { UsageReading } from '../../src/protocol/usage-reading.ts';
import { noteActivity } from './quiet.ts';

export interface MemoryRow {
  readonly intent: UsageIntent;
  /** The reading of this instant; the settlement's once there is one. */
  readonly usage: () => UsageReading;
  settlement: UsageSettlement | undefined;
  costUsd: number | null;
  cacheSavedUsd: number | null;
}

export interface MemoryLedger extends UsageLedger {
  /** By epoch, in the order of their opening. */
  readonly rows: ReadonlyMap<string, MemoryRow>;
  /** From now on the "disk" refuses (true) or takes (false) writes. */
  refuse(refusing: boolean): void;
}

export function createMemoryLedger(prices?: PriceTable): MemoryLedger {
  const rows = new Map<string, MemoryRow>();
  let refusing = false;
  let closed = false;
  return {
    rows,
    get degraded() {
      return refusing;
    },
    refuse(refuse) {
      refusing = refuse;
    },
    async open(intent, reading) {
      noteActivity();
      if (refusing || closed)
        throw new RelayError('unavailable', 'the run cannot be recorded now; try again');
      if (rows.has(intent.epoch)) throw new RelayError('internal', 'the run is recorded already');
      const usage = () => rows.get(intent.epoch)?.settlement?.usage ?? reading();
      rows.set(intent.epoch, { intent, usage, settlement: undefined, costUsd: null, cacheSavedUsd: null });
    },
    touch() {},
    async settle(settlement) {
      noteActivity();
      const row = rows.get(settlement.epoch);
      if (row === undefined || closed) return { costUsd: null, cacheSavedUsd: null };
      if (row.settlement === undefined) {
        row.settlement = settlement;
        const { model, startedAt } = row.intent;
        const cost = prices && runCost(prices, model, settlement.usage, startedAt);
        row.costUsd = usdOf(cost?.totalPico ?? null);
        const saved = prices && runCacheSavedPico(prices, model, settlement.usage, startedAt);
        row.cacheSavedUsd = usdOf(saved ?? null);
      }
      return { costUsd: row.costUsd, cacheSavedUsd: row.cacheSavedUsd };
    },
    async close() {
      closed = true;
    },
  };
}
