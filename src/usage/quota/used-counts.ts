/**
 * Reads what ended runs cost from the ledger's file: a trigger there counts each run in the transaction that settles
 * it, also the ones a crash left open, so the sums are right to the row. Writes nothing but the purge of old periods.
 */
import { DatabaseSync } from 'node:sqlite';
import { ledgerFile } from '../schema.ts';
import type { UsedOf } from './local-counts.ts';
import { periodAt } from './period.ts';

export interface UsedCounts {
  readonly usedOf: UsedOf;
  close(): void;
}

const BUSY_TIMEOUT_MS = 2000;

/**
 * Opens a second connection to the ledger that `dataDir` holds; to be closed before the ledger is.
 * @param now Unix ms: counters of the months before are deleted
 */
export function openUsedCounts(dataDir: string, now: number): UsedCounts {
  const database = new DatabaseSync(ledgerFile(dataDir), { timeout: BUSY_TIMEOUT_MS });
  database.exec('PRAGMA wal_autocheckpoint = 0');
  database.prepare('DELETE FROM quota_used WHERE period < ?').run(periodAt('month', now).name);
  database.exec('PRAGMA query_only = ON; PRAGMA cache_size = -512');
  const find = database.prepare('SELECT used FROM quota_used WHERE key = ? AND period = ?');
  return {
    usedOf: ({ key, period }) => Number(find.get(key, period.name)?.['used'] ?? 0),
    close: () => database.close(),
  };
}
