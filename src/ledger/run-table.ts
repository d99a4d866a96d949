/**
 * The statements on table `runs`. Owns the mapping of a run to its row.
 * Does not own when they run, batches or retries: that is `ledger.ts`.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { type RunCost, runCost } from '../pricing/cost.ts';
import { type PriceTable, SIMULATED_PRICES } from '../pricing/prices.ts';
import { type BilledTokens, NO_USAGE, type UsageReading } from '../protocol/usage-reading.ts';
import type { UsageIntent, UsageSettlement } from './port.ts';
import { SCHEMA_VERSION } from './schema.ts';
import type { SettledUsage } from './webhook-events.ts';

/** More tokens than any model can say or read: with it every cost fits SQLite's 64-bit integers. */
const MAX_TOKENS = 1_000_000_000;

/** Rows settled per query at boot: bounds memory after a crash with many live runs. */
const RECOVERY_PAGE = 500;

const INSERT = `
  INSERT INTO runs (run, epoch, stream_id, user_id, organization_id, action, model, status, source, price_version,
    started_at, saved_at, notify)
  VALUES (?, ?, ?, ?, ?, ?, ?, 'running', 'none', ?, ?, ?, ?) ON CONFLICT (epoch) DO NOTHING`;

/** As `valuesOf` gives them. */
const SET_READING = `input_tokens = ?, output_tokens = ?, cache_read_tokens = ?, cache_write_tokens = ?,
    cache_write_1h_tokens = ?, thinking_tokens = ?, web_searches = ?, inference_geo = ?, service_tier = ?, speed = ?,
    uncharged = ?, source = ?, served_model = ?`;

const SAVE = `
  UPDATE runs SET ${SET_READING}, saved_at = ?
  WHERE run = ? AND status = 'running'`;

const SETTLE = `
  UPDATE runs SET ${SET_READING}, saved_at = ?, status = ?, code = ?, cost_pico = ?, output_cost_pico = ?,
    budget_pico = ?, price_version = ?, first_token_ms = ?, total_ms = ?, request_id = ?, ended_at = ?
  WHERE run = ? AND status = 'running'`;

const INTERRUPT = `
  UPDATE runs SET status = 'error', code = 'interrupted', cost_pico = ?, output_cost_pico = ?, budget_pico = ?, price_version = ?,
    total_ms = max(0, saved_at - started_at), ended_at = saved_at
  WHERE run = ? AND status = 'running'`;

const RUNNING = `
  SELECT run, epoch, stream_id AS streamId, user_id AS userId, organization_id AS organizationId, action, notify, source,
    saved_at AS savedAt, model, started_at AS startedAt, price_version AS priceVersion, input_tokens AS inputTokens, output_tokens AS outputTokens,
    cache_read_tokens AS cacheReadTokens, cache_write_tokens AS cacheWriteTokens,
    cache_write_1h_tokens AS cacheWrite1hTokens, thinking_tokens AS thinkingTokens, web_searches AS webSearches,
    inference_geo AS inferenceGeo, service_tier AS serviceTier, speed, uncharged, served_model AS servedModel
  FROM runs WHERE ended_at IS NULL ORDER BY run LIMIT ${RECOVERY_PAGE}`;

/** Rows of both leave in their own time, and a number is never used again while either has it. */
const LAST_RUN =
  'SELECT max(run) AS last FROM (SELECT max(run) AS run FROM runs UNION SELECT max(run) FROM answers)';

export interface SettledRow {
  readonly costPico: bigint | null;
}

export class RunTable {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #insert: StatementSync;
  readonly #save: StatementSync;
  readonly #settle: StatementSync;
  #nextRun: number;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#insert = database.prepare(INSERT);
    this.#save = database.prepare(SAVE);
    this.#settle = database.prepare(SETTLE);
    const { last } = database.prepare(LAST_RUN).get() ?? {};
    this.#nextRun = Number(last ?? 0) + 1;
  }

  /** A row number for a new run: this process is the only writer. */
  reserve(): number {
    return this.#nextRun++;
  }

  /** Runs `work` in one transaction: all of it is committed when this returns, none of it if it throws. */
  transaction(work: () => void): void {
    this.#begin.run();
    try {
      work();
      this.#commit.run();
    } catch (error) {
      // Some failures (a full disk) roll back by themselves.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Whether the row was written: false if its epoch has one already. */
  insert(run: number, intent: UsageIntent, prices: PriceTable): boolean {
    const { changes } = this.#insert.run(
      run,
      storable(intent.epoch),
      storable(intent.streamId),
      storable(intent.userId),
      storableOrNull(intent.organizationId),
      storable(intent.action),
      storable(intent.model),
      prices.version,
      intent.startedAt,
      intent.startedAt,
      intent.notify === true ? 1 : 0,
    );
    return changes === 1;
  }

  save(run: number, reading: UsageReading, at: number): void {
    this.#save.run(...valuesOf(reading), at, run);
  }

  /** Changes nothing on a row that is settled. */
  settle(run: number, settlement: UsageSettlement, cost: RunCost, prices: PriceTable): void {
    this.#settle.run(
      ...valuesOf(settlement.usage),
      settlement.endedAt,
      settlement.status,
      settlement.code,
      cost.totalPico,
      cost.outputPico,
      insteadOfTotal(cost),
      prices.version,
      settlement.firstTokenMs,
      settlement.totalMs,
      storableOrNull(settlement.requestId),
      settlement.endedAt,
      run,
    );
  }

  /** The row of an epoch that is no longer live, if there is one. */
  find(epoch: string): SettledRow | undefined {
    const statement = this.#database.prepare('SELECT cost_pico AS cost FROM runs WHERE epoch = ?');
    statement.setReadBigInts(true);
    const row = statement.get(storable(epoch));
    if (row === undefined) return undefined;
    const { cost } = row;
    return { costPico: typeof cost === 'bigint' ? cost : null };
  }

  /** A write that changes nothing: shows whether the disk takes writes again. */
  probe(): void {
    this.#database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  }

  /**
   * Settles what a crash left open, with what was last saved of it. Returns how many rows that were.
   * @param billed prices of the runs that were not simulated
   * @param onSettled called for each by its number, in the transaction that settles it
   */
  settleInterrupted(billed: PriceTable, onSettled: (settled: SettledUsage, run: number) => void): number {
    const running = this.#database.prepare(RUNNING);
    const interrupt = this.#database.prepare(INTERRUPT);
    let settled = 0;
    for (let rows = running.all(); rows.length > 0; rows = running.all()) {
      this.transaction(() => {
        for (const row of rows) {
          const { run, model, startedAt, priceVersion } = row;
          const prices = priceVersion === SIMULATED_PRICES.version ? SIMULATED_PRICES : billed;
          const reading = readingOf(row);
          const cost = runCost(prices, String(model), reading, Number(startedAt));
          const { totalPico, outputPico } = cost;
          interrupt.run(totalPico, outputPico, insteadOfTotal(cost), prices.version, Number(run));
          onSettled(interruptedRun(row, reading), Number(run));
        }
      });
      settled += rows.length;
    }
    return settled;
  }
}

/** The reading with every count a whole number the database and the price arithmetic can hold. */
export function boundedReading(reading: UsageReading): UsageReading {
  const tokens = boundedTokens(reading);
  const { source, messages } = reading;
  // Where the sum had to be bounded, nothing is known of its parts.
  const apart = messages !== undefined && KINDS.every((kind) => tokens[kind] === reading[kind]);
  return { ...tokens, source, ...(apart ? { messages: messages.map(boundedTokens) } : {}) };
}

const KINDS = [
  'inputTokens',
  'outputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'cacheWrite1hTokens',
] as const;

const OTHER_COUNTS = ['thinkingTokens', 'webSearches'] as const;

function boundedTokens(tokens: BilledTokens): BilledTokens {
  return {
    inputTokens: bounded(tokens.inputTokens),
    outputTokens: bounded(tokens.outputTokens),
    cacheReadTokens: bounded(tokens.cacheReadTokens),
    cacheWriteTokens: bounded(tokens.cacheWriteTokens),
    cacheWrite1hTokens: bounded(tokens.cacheWrite1hTokens),
    thinkingTokens: bounded(tokens.thinkingTokens),
    webSearches: bounded(tokens.webSearches),
    terms: tokens.terms,
    uncharged: tokens.uncharged,
    model: tokens.model,
  };
}

/** For the column that stands in for a cost that is not known. */
function insteadOfTotal({ totalPico, budgetPico }: RunCost): bigint | null {
  return totalPico === null ? budgetPico : null;
}

function bounded(count: number): number {
  return Number.isFinite(count) ? Math.min(Math.max(0, Math.trunc(count)), MAX_TOKENS) : 0;
}

/** In the order of `SET_READING`. */
function valuesOf({ terms, ...reading }: UsageReading): SQLInputValue[] {
  return [
    reading.inputTokens,
    reading.outputTokens,
    reading.cacheReadTokens,
    reading.cacheWriteTokens,
    reading.cacheWrite1hTokens,
    reading.thinkingTokens,
    reading.webSearches,
    storableOrNull(terms?.inferenceGeo ?? null),
    storableOrNull(terms?.serviceTier ?? null),
    storableOrNull(terms?.speed ?? null),
    reading.uncharged ? 1 : 0,
    reading.source,
    storableOrNull(reading.model),
  ];
}

/** What a row of `RUNNING` was last saved with. */
function readingOf(row: Readonly<Record<string, unknown>>): UsageReading {
  const text = (name: string) => (row[name] === null ? null : String(row[name]));
  return {
    ...NO_USAGE,
    ...Object.fromEntries([...KINDS, ...OTHER_COUNTS].map((name) => [name, Number(row[name])])),
    terms: { inferenceGeo: text('inferenceGeo'), serviceTier: text('serviceTier'), speed: text('speed') },
    uncharged: row['uncharged'] === 1,
    model: text('servedModel'),
  };
}

/** As `INTERRUPT` leaves a row of `RUNNING`. */
function interruptedRun(row: Readonly<Record<string, unknown>>, usage: UsageReading): SettledUsage {
  const text = (name: string) => String(row[name]);
  const [epoch, startedAt, endedAt] = [text('epoch'), Number(row['startedAt']), Number(row['savedAt'])];
  return {
    intent: {
      epoch,
      streamId: text('streamId'),
      userId: text('userId'),
      organizationId: row['organizationId'] === null ? null : text('organizationId'),
      action: text('action'),
      model: text('model'),
      startedAt,
      notify: row['notify'] === 1,
    },
    settlement: {
      epoch,
      status: 'error',
      code: 'interrupted',
      usage: { ...usage, source: text('source') as UsageReading['source'] },
      firstTokenMs: null,
      totalMs: Math.max(0, endedAt - startedAt),
      requestId: null,
      endedAt,
    },
  };
}

function storableOrNull(text: string | null): string | null {
  return text === null ? null : storable(text);
}

/** Text that every later reader can hold: Postgres refuses U+0000, UTF-8 has no lone surrogates. */
function storable(text: string): string {
  return text.includes('\0') || !text.isWellFormed() ? text.replaceAll('\0', '\ufffd').toWellFormed() : text;
}
