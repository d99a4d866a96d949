/** Runs as the ledger's file holds them, for settling quotas after a crash. Reads only. */
import { DatabaseSync } from 'node:sqlite';
import type { UsageSettlement } from '../ledger/port.ts';
import { ledgerFile } from '../ledger/schema.ts';
import type { UsageReading } from '../protocol/usage-reading.ts';
import type { QuotaHolder, QuotaOutcome } from './port.ts';

/** An ended run. */
export interface LedgerRun {
  readonly holder: QuotaHolder;
  readonly action: string;
  /** What counts for a budget, as the ledger has it, rounded up. */
  readonly costMicroUsd: number;
  readonly startedAt: number;
  readonly outcome: QuotaOutcome;
}

export interface LedgerRuns {
  /** Whether the ledger holds the run, ended or not. */
  find(epoch: string): LedgerRun | 'running' | undefined;
  /** Ended runs that were not known to be in Postgres when this was opened. */
  recovered(): Generator<LedgerRun>;
  close(): void;
}

interface StoredRun extends Omit<UsageReading, 'source' | 'model'> {
  readonly run: number;
  readonly epoch: string;
  readonly userId: string;
  readonly organizationId: string | null;
  readonly action: string;
  readonly costMicroUsd: number;
  readonly servedModel: string | null;
  readonly status: UsageSettlement['status'] | 'running';
  readonly code: UsageSettlement['code'];
  readonly source: UsageReading['source'];
  readonly startedAt: number;
}

const PAGE = 200;
const BUSY_TIMEOUT_MS = 2000;

const SELECT = `
  SELECT run, epoch, user_id AS userId, organization_id AS organizationId, action, status, code, source,
    served_model AS servedModel, (coalesce(cost_pico, budget_pico, 0) + 999999) / 1000000 AS costMicroUsd,
    input_tokens AS inputTokens, output_tokens AS outputTokens, cache_read_tokens AS cacheReadTokens,
    cache_write_tokens AS cacheWriteTokens, cache_write_1h_tokens AS cacheWrite1hTokens, started_at AS startedAt
  FROM runs`;

/** To be opened before anything is shipped, and closed before the ledger is. */
export function openLedgerRuns(dataDir: string): LedgerRuns {
  const database = new DatabaseSync(ledgerFile(dataDir), { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  const find = database.prepare(`${SELECT} WHERE epoch = ?`);
  const page = database.prepare(
    `${SELECT} WHERE run > ? AND run <= ? AND status <> 'running' ORDER BY run LIMIT ${PAGE}`,
  );
  const { first, last } = database
    .prepare(
      `SELECT (SELECT min(run) FROM runs WHERE ended_at IS NOT NULL AND shipped_at IS NULL
          AND run NOT IN (SELECT run FROM quarantine)) AS first,
        (SELECT max(run) FROM runs) AS last`,
    )
    .get() as { first: number | null; last: number | null };
  return {
    find(epoch) {
      const row = find.get(epoch) as unknown as StoredRun | undefined;
      if (row === undefined) return undefined;
      return row.status === 'running' ? 'running' : toRun(row, row.status);
    },
    *recovered() {
      if (first === null) return;
      let after = first - 1;
      for (;;) {
        const rows = page.all(after, last) as unknown as StoredRun[];
        for (const row of rows) if (row.status !== 'running') yield toRun(row, row.status);
        const end = rows.at(-1);
        if (end === undefined) return;
        after = end.run;
      }
    },
    close: () => database.close(),
  };
}

function toRun(row: StoredRun, status: UsageSettlement['status']): LedgerRun {
  const { epoch, userId, organizationId, action, costMicroUsd, servedModel, code, startedAt, ...usage } = row;
  return {
    // The plan no longer matters: what was used is counted whatever the limits are.
    holder: { userId, organizationId, tier: null, anonymous: false },
    action,
    costMicroUsd,
    startedAt,
    outcome: { epoch, status, code, usage: { ...usage, model: servedModel } },
  };
}
