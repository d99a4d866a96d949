/**
 * What quotas have used by the other ledgers of the same machine: those of the processes that serve beside this one, and of
 * any that are no more. Reads only, and what is there at that moment. One that cannot be read is told of and left out: it is
 * no reason to answer nobody.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { ledgerFile, schemaVersion } from '../ledger/schema.ts';
import type { Clock } from '../time/clock.ts';
import type { Counter } from './charges.ts';
import type { UsedCounts } from './used-counts.ts';

/** All streams of this process wait meanwhile; a writer keeps no reader waiting. */
const BUSY_TIMEOUT_MS = 250;
/** How soon a ledger that is new counts, ms. */
const SCAN_EACH_MS = 1000;
/** Since then the file counts what is used. */
const FIRST_WITH_COUNTS = 2;

export interface OtherLedgersParts {
  /** Of the other ledgers, at that moment. */
  readonly directories: () => readonly string[];
  /** Once of each reason. */
  readonly onUnreadable: (event: { readonly directory: string; readonly why: string }) => void;
}

interface OpenLedger {
  readonly database: DatabaseSync;
  readonly find: StatementSync;
}

export function openOtherLedgers(parts: OtherLedgersParts, clock: Clock): UsedCounts {
  const ledgers = new OtherLedgers(parts, clock);
  return { usedOf: (counter) => ledgers.usedOf(counter), close: () => ledgers.close() };
}

class OtherLedgers {
  readonly #parts: OtherLedgersParts;
  readonly #clock: Clock;
  readonly #open = new Map<string, OpenLedger>();
  /** Why one cannot be read: told once. */
  readonly #faults = new Map<string, string>();
  #scanAt: number;

  constructor(parts: OtherLedgersParts, clock: Clock) {
    this.#parts = parts;
    this.#clock = clock;
    this.#scanAt = clock.elapsed();
  }

  usedOf({ key, period }: Counter): number {
    this.#scan();
    let used = 0;
    for (const [directory, { find }] of this.#open)
      this.#attempt(directory, () => {
        used += Number(find.get(key, period.name)?.['used'] ?? 0);
        if (this.#faults.size > 0) this.#faults.delete(directory);
      });
    return used;
  }

  close(): void {
    for (const { database } of this.#open.values()) database.close();
    this.#open.clear();
  }

  #scan(): void {
    const now = this.#clock.elapsed();
    if (now < this.#scanAt) return;
    this.#scanAt = now + SCAN_EACH_MS;
    for (const directory of this.#parts.directories())
      if (!this.#open.has(directory))
        this.#attempt(directory, () => {
          const ledger = openLedger(directory);
          if (ledger !== undefined) this.#open.set(directory, ledger);
        });
  }

  /** One that fails is opened anew with the next scan. */
  #attempt(directory: string, read: () => void): void {
    try {
      read();
    } catch (error) {
      this.#open.get(directory)?.database.close();
      this.#open.delete(directory);
      const why = error instanceof Error ? error.message : String(error);
      if (this.#faults.get(directory) !== why) this.#parts.onUnreadable({ directory, why });
      this.#faults.set(directory, why);
    }
  }
}

/** Undefined of one that is just being made, or of a release that counted nothing there. */
function openLedger(directory: string): OpenLedger | undefined {
  const database = new DatabaseSync(ledgerFile(directory), { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    if (schemaVersion(database) >= FIRST_WITH_COUNTS) {
      const find = database.prepare('SELECT used FROM quota_used WHERE key = ? AND period = ?');
      return { database, find };
    }
  } catch (error) {
    database.close();
    throw error;
  }
  database.close();
  return undefined;
}
