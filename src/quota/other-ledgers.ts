/**
 * What quotas have used by the other ledgers of the same machine: those of the processes that serve beside this one, and of
 * any that are no more. Reads only, and what is there at that moment.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { ledgerFile, schemaVersion } from '../ledger/schema.ts';
import type { Clock } from '../time/clock.ts';
import type { UsedCounts } from './used-counts.ts';

const BUSY_TIMEOUT_MS = 2000;
/** How soon a ledger that is new counts, ms. */
const SCAN_EACH_MS = 1000;
/** Since then the file counts what is used. */
const FIRST_WITH_COUNTS = 2;

interface OpenLedger {
  readonly database: DatabaseSync;
  readonly find: StatementSync;
}

/** @param directories of the other ledgers, at that moment */
export function openOtherLedgers(directories: () => readonly string[], clock: Clock): UsedCounts {
  const open = new Map<string, OpenLedger>();
  let scanAt = clock.elapsed();
  const scan = (): void => {
    if (clock.elapsed() < scanAt) return;
    scanAt = clock.elapsed() + SCAN_EACH_MS;
    for (const directory of directories()) {
      const ledger = open.get(directory) ?? openLedger(directory);
      if (ledger !== undefined) open.set(directory, ledger);
    }
  };
  return {
    usedOf({ key, period }) {
      scan();
      let used = 0;
      for (const { find } of open.values()) used += Number(find.get(key, period.name)?.['used'] ?? 0);
      return used;
    },
    close() {
      for (const { database } of open.values()) database.close();
    },
  };
}

/** Undefined of one that is just being made, or of a release that counted nothing there. */
function openLedger(directory: string): OpenLedger | undefined {
  const database = new DatabaseSync(ledgerFile(directory), { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  if (schemaVersion(database) < FIRST_WITH_COUNTS) {
    database.close();
    return undefined;
  }
  const find = database.prepare('SELECT used FROM quota_used WHERE key = ? AND period = ?');
  return { database, find };
}
