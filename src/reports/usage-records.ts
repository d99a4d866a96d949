/**
 * Reads the ledger's file for people and scripts, beside a running relay or without one.
 * Each query is short: a reader that sat on an old snapshot would let the write-ahead log grow.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { ledgerFile, SCHEMA_VERSION, schemaVersion } from '../ledger/schema.ts';
import { cacheSavedPico, usdOf } from '../pricing/cost.ts';
import { loadPrices, type PriceTable, SIMULATED_PRICES } from '../pricing/prices.ts';
import { type BilledTokens, NO_USAGE } from '../protocol/usage-reading.ts';

export interface UsageFilter {
  /** Runs that started at or after it, Unix ms. */
  readonly from: number;
  /** Runs that started before it, Unix ms. */
  readonly before: number;
  /** Runs of this user alone; null for all. */
  readonly userId: string | null;
  /** Without the answers of the simulated model; default false. */
  readonly billedOnly?: boolean;
}

/** One run, as `npm run usage -- --json` prints it. Times are ISO 8601 in UTC. */
export interface UsageRow {
  readonly streamId: string;
  readonly epoch: string;
  readonly userId: string;
  readonly organizationId: string | null;
  readonly action: string;
  /** As it was asked for. */
  readonly model: string;
  /** As the API named the one that answered, which is priced; null where none did. */
  readonly servedModel: string | null;
  readonly status: 'running' | 'done' | 'cancelled' | 'error';
  readonly code: string | null;
  readonly source: 'final' | 'estimated' | 'input_only' | 'none';
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** Of the output tokens. */
  readonly thinkingTokens: number;
  readonly webSearches: number;
  /** As the API named them; null: the standard ones. */
  readonly inferenceGeo: string | null;
  readonly serviceTier: string | null;
  readonly speed: string | null;
  /** Present: the model refused before a word, for nothing. */
  readonly uncharged?: true;
  /** Present: the simulated model answered, for nothing. */
  readonly simulated?: true;
  /** US dollars; null while it runs, and for a model without a price. */
  readonly costUsd: number | null;
  /** What the API's prompt cache saved, US dollars: less than 0 where it cost more. Null where `costUsd` is. */
  readonly cacheSavedUsd: number | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
}

/** What runs can be summed by, and where a run has it. A run without an organisation has an empty one. */
const DIMENSIONS = {
  day: "date(started_at / 1000, 'unixepoch')",
  user: 'user_id',
  organization: "coalesce(organization_id, '')",
  model: 'model',
  served: 'coalesce(served_model, model)',
  action: 'action',
  source: 'source',
} as const;

export type Dimension = keyof typeof DIMENSIONS;

export const ALL_DIMENSIONS = Object.keys(DIMENSIONS) as readonly Dimension[];

/** Runs that have the same day (UTC), user and so on. */
export interface UsageSummary {
  /** In the order they were asked for. */
  readonly group: readonly string[];
  readonly runs: number;
  readonly running: number;
  /** Settled runs whose model had no price: their cost is not in `costPico`. */
  readonly unpriced: number;
  /** Runs that the simulated model answered, for nothing. */
  readonly simulated: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly costPico: bigint;
  /** What the API's prompt cache saved: less than 0 where it cost more. */
  readonly cacheSavedPico: bigint;
}

/** Runs that Postgres refuses for the same reason. */
export interface RefusedRuns {
  /** The SQLSTATE and what it is about. */
  readonly reason: string;
  readonly runs: number;
}

export interface UsageRecords {
  refused(): readonly RefusedRuns[];
  rows(filter: UsageFilter): Generator<UsageRow>;
  summaries(filter: UsageFilter, by: readonly Dimension[]): Generator<UsageSummary>;
  close(): void;
}

/** As SQLite gives it: times in Unix ms, the cost as text (it may not fit a number). */
type StoredRow = Omit<
  UsageRow,
  'simulated' | 'uncharged' | 'costUsd' | 'cacheSavedUsd' | 'startedAt' | 'endedAt'
> & {
  readonly simulated: number;
  readonly uncharged: number;
  readonly run: number;
  readonly costPico: string | null;
  readonly cacheSavedPico: string | null;
  readonly startedAt: number;
  readonly endedAt: number | null;
};
type StoredSummary = Omit<UsageSummary, 'costPico' | 'cacheSavedPico' | 'group'> & {
  readonly costPico: string;
  readonly cacheSavedPico: string;
  /** JSON */
  readonly groups: string;
};

type CachedTokens = Partial<BilledTokens> & { readonly model: string; readonly startedAt: number };

const PAGE = 500;
const BUSY_TIMEOUT_MS = 2000;
const SIMULATED = `(price_version IS '${SIMULATED_PRICES.version}')`;
const MATCHES = `started_at >= $from AND started_at < $before AND ($userId IS NULL OR user_id = $userId)
  AND NOT ($billedOnly AND ${SIMULATED})`;

/** Of a run that is priced and has used the cache; otherwise as its cost, or 0. */
const CACHE_SAVED = `
  CASE WHEN cost_pico IS NULL OR ${SIMULATED} THEN cost_pico WHEN cache_read_tokens + cache_write_tokens = 0 THEN 0
    ELSE cache_saved(json_object('model', coalesce(served_model, model), 'startedAt', started_at,
      'inputTokens', input_tokens, 'outputTokens', output_tokens, 'cacheReadTokens', cache_read_tokens,
      'cacheWriteTokens', cache_write_tokens, 'cacheWrite1hTokens', cache_write_1h_tokens,
      'uncharged', json(iif(uncharged, 'true', 'false')),
      'terms', json_object('inferenceGeo', inference_geo, 'serviceTier', service_tier, 'speed', speed))) END`;

const ROWS = `
  SELECT run, stream_id AS streamId, epoch, user_id AS userId, organization_id AS organizationId, action, model,
    served_model AS servedModel, status, code, source, input_tokens AS inputTokens, output_tokens AS outputTokens,
    cache_read_tokens AS cacheReadTokens, cache_write_tokens AS cacheWriteTokens, thinking_tokens AS thinkingTokens,
    web_searches AS webSearches, inference_geo AS inferenceGeo, service_tier AS serviceTier, speed, uncharged,
    ${SIMULATED} AS simulated, CAST(cost_pico AS TEXT) AS costPico, CAST(${CACHE_SAVED} AS TEXT) AS cacheSavedPico, started_at AS startedAt, ended_at AS endedAt
  FROM runs WHERE run > $after AND run <= $last AND ${MATCHES} ORDER BY run LIMIT ${PAGE}`;

const REFUSED = 'SELECT reason, count(*) AS runs FROM quarantine GROUP BY reason ORDER BY runs DESC, reason';

/** Into a temporary table: it is read at leisure, when the snapshot of the ledger is long given back. */
const summarize = (by: readonly Dimension[]) => `
  CREATE TEMP TABLE summaries AS
  SELECT json_array(${by.map((dimension) => DIMENSIONS[dimension]).join(', ')}) AS groups, count(*) AS runs,
    count(*) FILTER (WHERE ended_at IS NULL) AS running,
    count(*) FILTER (WHERE ended_at IS NOT NULL AND cost_pico IS NULL) AS unpriced,
    count(*) FILTER (WHERE ${SIMULATED}) AS simulated,
    sum(input_tokens) AS inputTokens, sum(output_tokens) AS outputTokens,
    sum(cache_read_tokens) AS cacheReadTokens, sum(cache_write_tokens) AS cacheWriteTokens,
    CAST(coalesce(sum(cost_pico), 0) AS TEXT) AS costPico,
    CAST(coalesce(sum(${CACHE_SAVED}), 0) AS TEXT) AS cacheSavedPico
  FROM runs WHERE ${MATCHES} GROUP BY ${by.map((dimension) => DIMENSIONS[dimension]).join(', ')}
  ORDER BY ${by.map((dimension) => DIMENSIONS[dimension]).join(', ')}`;

/**
 * @param prices by which it is said what the prompt cache saved; default: those that ship with the relay
 * @returns undefined where there is no ledger yet
 * @throws Error naming the file when it cannot be read or has another format
 */
export function openUsageRecords(dataDir: string, prices = loadPrices()): UsageRecords | undefined {
  const file = ledgerFile(dataDir);
  if (!existsSync(file)) return undefined;
  try {
    const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    const version = schemaVersion(database);
    if (version === SCHEMA_VERSION) return new SqliteUsageRecords(database, prices);
    database.close();
    if (version === 0) return undefined;
    throw new Error(`its format is ${version}, this relay reads ${SCHEMA_VERSION}`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`unable to read the usage ledger ${file}: ${reason}`, { cause });
  }
}

class SqliteUsageRecords implements UsageRecords {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync, prices: PriceTable) {
    this.#database = database;
    database.function('cache_saved', { deterministic: true }, (json) => cacheSaved(prices, json));
  }

  *rows(filter: UsageFilter): Generator<UsageRow> {
    const { last } = this.#database.prepare('SELECT max(run) AS last FROM runs').get() ?? {};
    const page = this.#database.prepare(ROWS);
    let after = 0;
    for (;;) {
      const rows = page.all({ ...bound(filter), after, last: last ?? 0 }) as unknown as StoredRow[];
      for (const row of rows) yield toUsageRow(row);
      const end = rows.at(-1);
      if (end === undefined) return;
      after = end.run;
    }
  }

  *summaries(filter: UsageFilter, by: readonly Dimension[]): Generator<UsageSummary> {
    this.#database.prepare(summarize(by)).run(bound(filter));
    for (const row of this.#database.prepare('SELECT * FROM summaries').iterate()) {
      const { groups, costPico, cacheSavedPico, ...sums } = row as unknown as StoredSummary;
      const group = JSON.parse(groups) as string[];
      yield { ...sums, group, costPico: BigInt(costPico), cacheSavedPico: BigInt(cacheSavedPico) };
    }
    this.#database.exec('DROP TABLE summaries');
  }

  refused(): readonly RefusedRuns[] {
    return this.#database.prepare(REFUSED).all() as unknown as RefusedRuns[];
  }

  close(): void {
    this.#database.close();
  }
}

function bound({ billedOnly = false, ...filter }: UsageFilter) {
  return { ...filter, billedOnly: billedOnly ? 1 : 0 };
}

function toUsageRow({
  run: _,
  simulated,
  uncharged,
  costPico,
  cacheSavedPico,
  startedAt,
  endedAt,
  ...row
}: StoredRow): UsageRow {
  return {
    ...row,
    ...(simulated === 1 ? { simulated: true } : {}),
    ...(uncharged === 1 ? { uncharged: true } : {}),
    costUsd: usdOf(picoOf(costPico)),
    cacheSavedUsd: usdOf(picoOf(cacheSavedPico)),
    startedAt: new Date(startedAt).toISOString(),
    endedAt: endedAt === null ? null : new Date(endedAt).toISOString(),
  };
}

function picoOf(text: string | null): bigint | null {
  return text === null ? null : BigInt(text);
}

/** @param json what `CACHE_SAVED` says of a run */
function cacheSaved(prices: PriceTable, json: unknown): bigint | null {
  const { model, startedAt, ...tokens } = JSON.parse(String(json)) as CachedTokens;
  return cacheSavedPico(prices, model, { ...NO_USAGE, ...tokens }, startedAt);
}
