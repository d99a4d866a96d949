/**
 * Reads what ended runs cost from the ledger's file: a trigger there counts each run in the transaction that settles
 * it, also the ones a crash left open, so the sums are right to the row. Writes nothing but the purge of old periods.
 */
import { DatabaseSync } from 'node:sqlite';
import { ledgerFile } from '../ledger/schema.ts';
import type { UsedOf } from './local-counts.ts';
import { periodAt } from './period.ts';

export interface UsedCounts {
  readonly usedOf: UsedOf;
  close(): void;
}

const BUSY_TIMEOUT_MS = 2000;

/** A clock alone may be wrong, for one boot: runs must have been counted in three months from that one on as well. */
const FORGET = `
  DELETE FROM quota_used WHERE period < ? AND substr(period, 1, 7) < (
    SELECT DISTINCT substr(period, 1, 7) AS month FROM quota_used ORDER BY month DESC LIMIT 1 OFFSET 2)`;

/**
 * Opens a second connection to the ledger that `dataDir` holds; to be closed before the ledger is.
 * @param now Unix ms: counters of the months before are deleted, but for the latest three months with runs
 */
export function openUsedCounts(dataDir: string, now: number): UsedCounts {
  const database = new DatabaseSync(ledgerFile(dataDir), { timeout: BUSY_TIMEOUT_MS });
  database.exec('PRAGMA wal_autocheckpoint = 0');
  database.prepare(FORGET).run(periodAt('month', now).name);
  database.exec('PRAGMA query_only = ON; PRAGMA cache_size = -512');
  const find = database.prepare('SELECT used FROM quota_used WHERE key = ? AND period = ?');
  return {
    usedOf: ({ key, period }) => Number(find.get(key, period.name)?.['used'] ?? 0),
    close: () => database.close(),
  };
}
