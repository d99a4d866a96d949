/**
 * Makes ended runs of a ledger nobody's, beside the relay that writes it or without one. The ids of user, stream and request go;
 * action, organisation, counts and costs stay, so that sums do. Reports of answers by that user, or of that time, are deleted, and events for the webhook. Postgres does the same to its own rows
 * (`postgres/migrations/*_erased_users.sql`).
 */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { eraseAnswers } from './answers-beside.ts';
import { ledgerFile, SCHEMA_VERSION, schemaVersion } from './schema.ts';

export interface RunsToErase {
  /** Of this user alone, with what counts for their quotas; null: of everybody. */
  readonly userId: string | null;
  /** That started before it, Unix ms. */
  readonly before: number;
}

export interface ErasedRuns {
  readonly erased: number;
  /** Runs of those that have not ended: they are as they were. */
  readonly running: number;
}

/** Whose runs are nobody's, in Postgres too. */
const NOBODY = '00000000-0000-0000-0000-000000000000';
/** Rows of one transaction, a millisecond or two: the relay meets no lock that it would notice. */
const AT_ONCE = 200;
/** How long a lock of the relay's is waited for, ms. */
const BUSY_MS = 5000;

const CHOSEN = `($userId IS NULL OR user_id = $userId) AND started_at < $before AND user_id <> '${NOBODY}'`;
/** What was there stays in no free space of the file. */
const OVERWRITE = 'PRAGMA secure_delete = ON';
const ERASE = `
  UPDATE runs SET user_id = '${NOBODY}', stream_id = 'erased', request_id = NULL
  WHERE run IN (SELECT value FROM json_each(?)) AND ended_at IS NOT NULL`;
/** They are the user's own words, and go as a whole. */
const FORGET_REPORTS =
  'DELETE FROM answer_reports WHERE ($userId IS NULL OR user_id = $userId) AND reported_at < $before';
/** So are answers' texts in them, where the operator has those sent; and nobody is told any more whose run it was. */
const FORGET_EVENTS =
  'DELETE FROM webhook_events WHERE ($userId IS NULL OR user_id = $userId) AND added_at < $before';
const FORGET_QUOTA = 'DELETE FROM quota_used WHERE substr(key, -length($owner)) = $owner';

/**
 * @param dataDir of one ledger, which is there
 * @throws Error where the file has another format than this release's, or stays locked
 */
export function eraseRuns(dataDir: string, { userId, before }: RunsToErase): ErasedRuns {
  const database = openBeside(dataDir);
  try {
    const chosen = { userId, before };
    const runs = numbersOf(database, `SELECT run FROM runs WHERE ${CHOSEN} AND ended_at IS NOT NULL`, chosen);
    const erase = database.prepare(ERASE);
    for (let at = 0; at < runs.length; at += AT_ONCE) erase.run(JSON.stringify(runs.slice(at, at + AT_ONCE)));
    if (userId !== null) database.prepare(FORGET_QUOTA).run({ owner: `:user:${userId}` });
    eraseAnswers(database, userId, null, before); // those of live runs too: their writers notice
    database.prepare(FORGET_REPORTS).run(chosen);
    database.prepare(FORGET_EVENTS).run(chosen);
    const running = numbersOf(database, `SELECT run FROM runs WHERE ${CHOSEN} AND ended_at IS NULL`, chosen);
    // Pages of before are in the write-ahead log until it is emptied.
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return { erased: runs.length, running: running.length };
  } finally {
    database.close();
  }
}

function openBeside(dataDir: string): DatabaseSync {
  const file = ledgerFile(dataDir);
  const database = new DatabaseSync(file, { timeout: BUSY_MS });
  const version = schemaVersion(database);
  if (version === SCHEMA_VERSION) {
    database.exec(OVERWRITE);
    return database;
  }
  database.close();
  throw new Error(
    version < SCHEMA_VERSION
      ? `${file} is of an older release (format ${version}): start this release once, which brings it to format ${SCHEMA_VERSION}`
      : `${file} is of a newer release (format ${version}): use the dash-relay that writes it`,
  );
}

function numbersOf(database: DatabaseSync, sql: string, values: Record<string, SQLInputValue>): number[] {
  return database
    .prepare(sql)
    .all(values)
    .map(({ run }) => Number(run));
}
