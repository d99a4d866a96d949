/**
 * The ledger's file: its place, its tables and how older ones become the present one.
 * Owns pragmas and migrations. Does not own what is written: that is `run-table.ts`.
 *
 * Durability: `synchronous=NORMAL` in WAL mode. Whatever was committed survives the death of the process (kill -9, a
 * crash, an out-of-memory kill). A power cut or a kernel panic may lose the commits since the log was last synced,
 * about one second (`wal-checkpointer.ts`); it cannot damage the file.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What opening a file waits for others who read it, or who settle what a crash left in its log, ms. */
const OPEN_TIMEOUT_MS = 2000;

/** Each entry moves `PRAGMA user_version` up by one. Entries that were released never change. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE runs (
    run INTEGER PRIMARY KEY,             -- order of acceptance on this machine: rows are written where the last ones were
    epoch TEXT NOT NULL UNIQUE,          -- the run's name everywhere else; the shipper is idempotent by it
    stream_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    organization_id TEXT,
    action TEXT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL,                -- running, done, cancelled, error (a CHECK with IN would double the cost of a write)
    code TEXT,
    source TEXT NOT NULL,                -- final, estimated, input_only, none
    input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    cache_read_tokens INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,     -- of both lifetimes
    cache_write_1h_tokens INTEGER NOT NULL DEFAULT 0,  -- of those, the ones of one hour
    cost_pico INTEGER,                   -- 10^-12 US dollars, exact; null: running, or no price for the model
    price_version TEXT,                  -- the price table that was asked, also where it had no price
    first_token_ms REAL,
    total_ms REAL,
    request_id TEXT,
    started_at INTEGER NOT NULL,         -- Unix ms, as all below
    saved_at INTEGER NOT NULL,
    ended_at INTEGER,
    shipped_at INTEGER,
    CHECK ((status = 'running') = (ended_at IS NULL))
  ) STRICT;
  CREATE INDEX runs_running ON runs (run) WHERE ended_at IS NULL;
  CREATE INDEX runs_unshipped ON runs (run) WHERE ended_at IS NOT NULL AND shipped_at IS NULL;
  `,
  // What quotas have used, counted in the transaction that settles the run: once, whatever crashes.
  // Keys and amounts as in quota/charges.ts.
  `
  CREATE TABLE quota_used (
    key TEXT NOT NULL,                   -- what is counted of whom
    period TEXT NOT NULL,                -- 2026-11-22 or 2026-11, UTC: when the run started
    used INTEGER NOT NULL,               -- requests, tokens, or 10^-6 US dollars
    PRIMARY KEY (key, period)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER runs_count_quota AFTER UPDATE OF status ON runs
  WHEN OLD.status = 'running' AND NEW.status <> 'running'
  BEGIN
    INSERT INTO quota_used (key, period, used)
    SELECT key, period, amount FROM (
      WITH run (day, month, owner, tokens) AS (VALUES (
        date(NEW.started_at / 1000, 'unixepoch'),
        strftime('%Y-%m', NEW.started_at / 1000, 'unixepoch'),
        coalesce('organization:' || NEW.organization_id, 'user:' || NEW.user_id),
        NEW.input_tokens + NEW.output_tokens + NEW.cache_read_tokens + NEW.cache_write_tokens))
      SELECT 'requests:' || NEW.action || ':' || owner AS key, month AS period,
        NEW.status <> 'error' OR NEW.code IS 'abandoned' OR NEW.source <> 'none' AS amount FROM run
      UNION ALL SELECT 'tokens:user:' || NEW.user_id, day, tokens FROM run
      UNION ALL SELECT 'tokens:user:' || NEW.user_id, month, tokens FROM run
      UNION ALL SELECT 'tokens:organization:' || NEW.organization_id, day, tokens FROM run
      UNION ALL SELECT 'tokens:organization:' || NEW.organization_id, month, tokens FROM run
      UNION ALL SELECT 'spending', day, (coalesce(NEW.cost_pico, 0) + 999999) / 1000000 FROM run)
    WHERE amount > 0 AND key IS NOT NULL
    ON CONFLICT (key, period) DO UPDATE SET used = used + excluded.used;
  END;
  `,
  // What Postgres needs beyond that, and the rows it will not take (outbox.ts).
  `
  ALTER TABLE runs ADD COLUMN output_cost_pico INTEGER;  -- of cost_pico, the answer
  CREATE TABLE quarantine (
    run INTEGER PRIMARY KEY,
    reason TEXT NOT NULL,                -- SQLSTATE and what it was about, never a value
    since INTEGER NOT NULL               -- Unix ms
  ) STRICT;
  `,
  // `model` is what was asked for; another may answer.
  `
  ALTER TABLE runs ADD COLUMN served_model TEXT;         -- as the API named it, and what is priced; null: none answered
  `,
  // Requests are counted of the user also within an organisation. A run whose answer never began is none.
  `
  DROP TRIGGER runs_count_quota;
  CREATE TRIGGER runs_count_quota AFTER UPDATE OF status ON runs
  WHEN OLD.status = 'running' AND NEW.status <> 'running'
  BEGIN
    INSERT INTO quota_used (key, period, used)
    SELECT key, period, amount FROM (
      WITH run (day, month, request, tokens) AS (VALUES (
        date(NEW.started_at / 1000, 'unixepoch'),
        strftime('%Y-%m', NEW.started_at / 1000, 'unixepoch'),
        NEW.status = 'done' OR NEW.source = 'final' OR NEW.source = 'estimated',
        NEW.input_tokens + NEW.output_tokens + NEW.cache_read_tokens + NEW.cache_write_tokens))
      SELECT 'requests:' || NEW.action || ':user:' || NEW.user_id AS key, month AS period, request AS amount FROM run
      UNION ALL SELECT 'requests:' || NEW.action || ':organization:' || NEW.organization_id, month, request FROM run
      UNION ALL SELECT 'tokens:user:' || NEW.user_id, day, tokens FROM run
      UNION ALL SELECT 'tokens:user:' || NEW.user_id, month, tokens FROM run
      UNION ALL SELECT 'tokens:organization:' || NEW.organization_id, day, tokens FROM run
      UNION ALL SELECT 'tokens:organization:' || NEW.organization_id, month, tokens FROM run
      UNION ALL SELECT 'spending', day, (coalesce(NEW.cost_pico, 0) + 999999) / 1000000 FROM run)
    WHERE amount > 0 AND key IS NOT NULL
    ON CONFLICT (key, period) DO UPDATE SET used = used + excluded.used;
  END;
  `,
  // A budget holds also where what answered has no price: the trigger above counts nothing for those.
  `
  ALTER TABLE runs ADD COLUMN budget_pico INTEGER;       -- what counts for the daily budget in place of a cost_pico that is null
  CREATE TRIGGER runs_count_unpriced AFTER UPDATE OF status ON runs
  WHEN OLD.status = 'running' AND NEW.status <> 'running' AND NEW.cost_pico IS NULL AND NEW.budget_pico > 0
  BEGIN
    INSERT INTO quota_used (key, period, used)
    VALUES ('spending', date(NEW.started_at / 1000, 'unixepoch'), (NEW.budget_pico + 999999) / 1000000)
    ON CONFLICT (key, period) DO UPDATE SET used = used + excluded.used;
  END;
  `,
  // What besides tokens sets a bill, as the API said it.
  `
  ALTER TABLE runs ADD COLUMN thinking_tokens INTEGER NOT NULL DEFAULT 0;  -- of output_tokens
  ALTER TABLE runs ADD COLUMN web_searches INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE runs ADD COLUMN inference_geo TEXT;        -- null, as below: the standard one
  ALTER TABLE runs ADD COLUMN service_tier TEXT;
  ALTER TABLE runs ADD COLUMN speed TEXT;
  ALTER TABLE runs ADD COLUMN uncharged INTEGER NOT NULL DEFAULT 0;        -- 1: refused before a word of the answer
  `,
  // What people reported of answers (answer-reports.ts).
  `
  CREATE TABLE answer_reports (
    user_id TEXT NOT NULL,               -- who reports
    id TEXT NOT NULL,                    -- as the client calls the report
    organization_id TEXT,
    stream_id TEXT NOT NULL,
    epoch TEXT,                          -- of the run; null: the client did not know it
    category TEXT NOT NULL,
    answer TEXT,                         -- null: not sent
    note TEXT,                           -- the same
    reported_at INTEGER NOT NULL,        -- Unix ms
    refused TEXT,                        -- why Postgres would not take it: SQLSTATE and what it was about
    PRIMARY KEY (user_id, id)
  ) STRICT;
  `,
  // Events for the operator's webhook (webhook-events.ts), and the runs whose users asked to be told.
  `
  ALTER TABLE runs ADD COLUMN notify INTEGER NOT NULL DEFAULT 0;          -- 1: of an ending that nobody reads
  CREATE TABLE webhook_events (
    event INTEGER PRIMARY KEY,           -- order of writing: those of a stream leave in it
    id TEXT NOT NULL UNIQUE,             -- as its receiver knows it
    type TEXT NOT NULL,
    user_id TEXT NOT NULL,
    stream_id TEXT NOT NULL,
    body TEXT NOT NULL,                  -- as it is sent
    held_ms INTEGER NOT NULL,            -- how long its ending could be read before it became one
    added_at INTEGER NOT NULL,           -- Unix ms, as all below
    due_at INTEGER NOT NULL,             -- the next delivery is not before that
    attempts INTEGER NOT NULL DEFAULT 0, -- deliveries that failed
    failure TEXT,                        -- why the last one did, in a word
    dead_since INTEGER                   -- null: it is still tried
  ) STRICT;
  CREATE INDEX webhook_events_due ON webhook_events (due_at) WHERE dead_since IS NULL;
  CREATE INDEX webhook_events_of_stream ON webhook_events (user_id, stream_id, event) WHERE dead_since IS NULL;
  `,
  // Answers that are kept (answer-table.ts): those that are written, and those that ended and are nowhere else.
  `
  CREATE TABLE answers (
    run INTEGER PRIMARY KEY,             -- as in runs
    epoch TEXT NOT NULL,
    stream_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    action TEXT NOT NULL,
    model TEXT NOT NULL,                 -- the one that was asked
    slot INTEGER NOT NULL,               -- of its secret
    request_hash BLOB NOT NULL,          -- sealed
    head INTEGER NOT NULL DEFAULT 0,     -- deltas that are saved
    text_length INTEGER NOT NULL DEFAULT 0,            -- of those, UTF-16 units
    ending TEXT,                         -- as it was told, JSON
    started_at INTEGER NOT NULL,         -- Unix ms, as all below
    ended_at INTEGER,
    keep_until INTEGER NOT NULL,
    refused TEXT                         -- why Postgres would not take it: SQLSTATE and what it was about
  ) STRICT;
  CREATE INDEX answers_user ON answers (user_id, started_at, epoch, stream_id);
  CREATE INDEX answers_ended ON answers (keep_until) WHERE ended_at IS NOT NULL;
  CREATE INDEX answers_refused ON answers (run) WHERE refused IS NOT NULL;
  CREATE TABLE answer_secrets (
    slot INTEGER PRIMARY KEY,            -- never deleted: written over
    secret BLOB NOT NULL                 -- 32 bytes, zeros where no answer has it
  ) STRICT;
  CREATE TABLE answer_pieces (
    piece INTEGER PRIMARY KEY,           -- run * 1,000,000 + its number
    after INTEGER NOT NULL,              -- seq before its first delta
    sealed BLOB NOT NULL
  ) STRICT;
  `,
];

/** `PRAGMA user_version` of a file in the present format. */
export const SCHEMA_VERSION = MIGRATIONS.length;

export function ledgerFile(dataDir: string): string {
  return join(dataDir, 'usage.db');
}

/**
 * Opens the ledger's file for its one writer, creating or migrating it.
 * @throws Error naming the file when it cannot be written, is no database, or was made by a newer relay.
 */
export function openLedgerFile(dataDir: string): DatabaseSync {
  const file = ledgerFile(dataDir);
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const database = new DatabaseSync(file, { timeout: OPEN_TIMEOUT_MS });
    try {
      // The log is copied into the file by `wal-checkpointer.ts` alone: a checkpoint here would stall every stream.
      database.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -2000',
      );
      // Whose runs were deleted is not to be read in the free space of the file either.
      database.exec('PRAGMA secure_delete = ON');
      migrate(database);
      // No waiting for locks from now on: it would stop the event loop. Who meets one tries again by the clock.
      database.exec('PRAGMA busy_timeout = 0');
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (cause) {
    throw new Error(
      `unable to open the usage ledger ${file}: ${messageOf(cause)}; check that the directory is writable and has space, or move the file away to begin an empty ledger`,
      { cause },
    );
  }
}

/** The format of an open file: 0 for one without tables. */
export function schemaVersion(database: DatabaseSync): number {
  const { version } = database.prepare('SELECT user_version AS version FROM pragma_user_version').get() ?? {};
  return Number(version);
}

function migrate(database: DatabaseSync): void {
  const version = schemaVersion(database);
  if (version > SCHEMA_VERSION) {
    throw new Error(`its format is ${version}, newer than the ${SCHEMA_VERSION} this relay knows`);
  }
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < version) continue;
    database.exec(`BEGIN IMMEDIATE; ${sql} PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
