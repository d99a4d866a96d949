/**
 * Settled rows on their way to another store. Owns what of the ledger has left, what was refused there and how long
 * rows that left stay here. Does not own where they go, or when: that is `shipper.ts`.
 *
 *   settled ──► waiting ──markShipped──► shipped ──prune──► gone
 *                  └──quarantine──► quarantined ──markShipped──┘      nothing else ever deletes a row
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { committed, type Write } from './write-queue.ts';

export interface OutboxRow {
  /** Its number on this machine. */
  readonly run: number;
  /** A JSON object: the columns of the ledger by their names. Money in pico-dollars, times in Unix ms. */
  readonly json: string;
}

export interface Outbox {
  /** Waiting rows after that number, in order. Reads for less than a millisecond each 200 rows. */
  waiting(after: number, limit: number): readonly OutboxRow[];
  /** The same of those in quarantine. */
  quarantined(after: number, limit: number): readonly OutboxRow[];
  /** Resolves when it is on disk. */
  markShipped(rows: readonly OutboxRow[], at: number): Promise<void>;
  /** Sets rows aside, where they stay until they are shipped. Returns how many were not there before. */
  quarantine(rows: readonly OutboxRow[], reason: string, at: number): Promise<number>;
  /**
   * Deletes rows shipped before `before` (Unix ms), and those beyond the latest `keep` runs, in short transactions.
   * The file does not shrink: later rows use the space.
   */
  prune(before: number, keep: number): Promise<void>;
  /** Waiting rows. */
  readonly length: number;
  /** Rows in quarantine. */
  readonly refused: number;
  /** When the first waiting row ended, Unix ms; null without one. */
  oldest(): number | null;
  /** Called after each commit with a settlement in it. */
  onSettled: () => void;
}

const ROW = `run, json_object('epoch', epoch, 'stream_id', stream_id, 'user_id', user_id,
  'organization_id', organization_id, 'action', action, 'model', model, 'served_model', served_model, 'status', status, 'code', code,
  'source', source, 'input_tokens', input_tokens, 'output_tokens', output_tokens,
  'cache_read_tokens', cache_read_tokens, 'cache_write_tokens', cache_write_tokens,
  'cache_write_1h_tokens', cache_write_1h_tokens, 'thinking_tokens', thinking_tokens,
  'web_searches', web_searches, 'inference_geo', inference_geo, 'service_tier', service_tier, 'speed', speed,
  'uncharged', uncharged, 'cost_pico', cost_pico, 'output_cost_pico', output_cost_pico,
  'price_version', price_version, 'first_token_ms', first_token_ms, 'total_ms', total_ms,
  'request_id', request_id, 'started_at', started_at, 'ended_at', ended_at) AS json`;
/** As the index runs_unshipped has it. */
const UNSHIPPED = 'ended_at IS NOT NULL AND shipped_at IS NULL';
const WAITING = `${UNSHIPPED} AND run NOT IN (SELECT run FROM quarantine)`;
const RUNS = '(SELECT value FROM json_each(?))';

/** Rows a transaction marks or deletes: the event loop waits for about a millisecond. */
const AT_ONCE = 200;

export class SqliteOutbox implements Outbox {
  onSettled: () => void = () => {};
  readonly #write: (write: Write) => void;
  readonly #waiting: StatementSync;
  readonly #quarantined: StatementSync;
  readonly #oldest: StatementSync;
  readonly #mark: StatementSync;
  readonly #leaveQuarantine: StatementSync;
  readonly #enterQuarantine: StatementSync;
  readonly #windowEnd: StatementSync;
  readonly #prune: StatementSync;
  readonly #lastRun: StatementSync;
  #length: number;
  #refused: number;

  /** @param write queues a write of the ledger's one writer */
  constructor(database: DatabaseSync, write: (write: Write) => void) {
    this.#write = write;
    this.#waiting = database.prepare(
      `SELECT ${ROW} FROM runs WHERE ${WAITING} AND run > ? ORDER BY run LIMIT ?`,
    );
    this.#quarantined = database.prepare(
      `SELECT ${ROW} FROM runs WHERE run IN (SELECT run FROM quarantine WHERE run > ? ORDER BY run LIMIT ?) ORDER BY run`,
    );
    this.#oldest = database.prepare(`SELECT ended_at AS at FROM runs WHERE ${WAITING} ORDER BY run LIMIT 1`);
    this.#mark = database.prepare(
      `UPDATE runs SET shipped_at = ? WHERE run IN ${RUNS} AND shipped_at IS NULL`,
    );
    this.#leaveQuarantine = database.prepare(`DELETE FROM quarantine WHERE run IN ${RUNS}`);
    this.#enterQuarantine = database.prepare(
      `INSERT INTO quarantine (reason, since, run) SELECT ?, ?, value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`,
    );
    this.#windowEnd = database.prepare(
      `SELECT run, started_at AS startedAt FROM runs WHERE run > ? ORDER BY run LIMIT 1 OFFSET ${AT_ONCE - 1}`,
    );
    this.#prune = database.prepare(
      'DELETE FROM runs WHERE run > ? AND run <= ? AND shipped_at IS NOT NULL AND (shipped_at < ? OR run <= ?)',
    );
    this.#lastRun = database.prepare('SELECT max(run) AS run FROM runs');
    const count = (what: string) =>
      Number(database.prepare(`SELECT count(*) AS n FROM ${what}`).get()?.['n']);
    this.#refused = count('quarantine');
    this.#length = count(`runs WHERE ${UNSHIPPED}`) - this.#refused;
  }

  get length(): number {
    return this.#length;
  }

  get refused(): number {
    return this.#refused;
  }

  waiting(after: number, limit: number): readonly OutboxRow[] {
    return this.#waiting.all(after, limit) as unknown as OutboxRow[];
  }

  quarantined(after: number, limit: number): readonly OutboxRow[] {
    return this.#quarantined.all(after, limit) as unknown as OutboxRow[];
  }

  oldest(): number | null {
    const at = this.#oldest.get()?.['at'];
    return typeof at === 'number' ? at : null;
  }

  /** The ledger committed a settlement. */
  settled(): void {
    this.#length += 1;
    this.onSettled();
  }

  async markShipped(rows: readonly OutboxRow[], at: number): Promise<void> {
    for (const runs of portions(rows)) {
      const { marked, released } = await committed(this.#write, () => ({
        marked: Number(this.#mark.run(at, runs).changes),
        released: this.#refused === 0 ? 0 : Number(this.#leaveQuarantine.run(runs).changes),
      }));
      this.#length -= marked - released;
      this.#refused -= released;
    }
  }

  async quarantine(rows: readonly OutboxRow[], reason: string, at: number): Promise<number> {
    let entered = 0;
    for (const runs of portions(rows)) {
      entered += await committed(this.#write, () =>
        Number(this.#enterQuarantine.run(reason, at, runs).changes),
      );
    }
    this.#length -= entered;
    this.#refused += entered;
    return entered;
  }

  async prune(before: number, keep: number): Promise<void> {
    const beyond = Number(this.#lastRun.get()?.['run'] ?? 0) - keep;
    for (let after = 0; ; ) {
      const end = this.#windowEnd.get(after);
      // Fewer rows than a window: not worth a write.
      if (end === undefined) return;
      const until = Number(end['run']);
      await committed(this.#write, () => this.#prune.run(after, until, before, beyond));
      // Rows stand in the order they started: none after this one was shipped before that.
      if (until > beyond && Number(end['startedAt']) >= before) return;
      after = until;
    }
  }
}

/** The rows' numbers as JSON arrays, so many each. */
function* portions(rows: readonly OutboxRow[]): Generator<string> {
  for (let start = 0; start < rows.length; start += AT_ONCE) {
    yield JSON.stringify(rows.slice(start, start + AT_ONCE).map(({ run }) => run));
  }
}
