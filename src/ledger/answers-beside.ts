/**
 * Kept answers in ledgers of other processes on this machine (WORKERS), read and erased beside whoever writes them. A writer that
 * finds its answer erased writes no more of it.
 */

import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { type KeptAnswer, type KeptAnswers, type KeptText, newestFirst } from '../answers/port.ts';
import type { AnswerKeys } from '../answers/seal.ts';
import type { AnswerPlace } from '../answers/stored-answers.ts';
import { AnswerTable, keptAnswer, keptText } from './answer-table.ts';
import { ledgerFile, SCHEMA_VERSION, schemaVersion } from './schema.ts';

export interface AnswersBesideParts {
  /** Of the other ledgers, at this moment. */
  readonly directories: () => readonly string[];
  /** Whether a process has that directory. */
  readonly isTaken: (directory: string) => boolean;
  readonly keys: AnswerKeys;
  /** Unix ms. */
  readonly now: () => number;
  readonly onSealed: (event: { readonly epoch: string }) => void;
}

/** A writer holds its lock for a millisecond or two. */
const BUSY_MS = 250;
/** Answers of one transaction, about a millisecond. */
const AT_ONCE = 50;
const EMPTY_TRIES = 20;
const EMPTY_AGAIN_MS = 50;

export class AnswersBeside implements AnswerPlace {
  readonly #parts: AnswersBesideParts;

  constructor(parts: AnswersBesideParts) {
    this.#parts = parts;
  }

  find(userId: string, streamId: string): KeptText | undefined {
    const { now, onSealed } = this.#parts;
    const found = this.#each((table, isDead) => {
      const row = table.latest(userId, streamId, now());
      if (row === undefined) return [];
      const text = keptText(row, table.deltas(row));
      if (text === undefined) onSealed({ epoch: row.epoch });
      return text === undefined ? [] : [{ ...text, isDead: row.endedAt === null && isDead }];
    });
    return found.toSorted(newestFirst)[0];
  }

  list(userId: string, { before, limit }: Parameters<KeptAnswers['list']>[1]): readonly KeptAnswer[] {
    return this.#each((table, isDead) =>
      table
        .page(userId, before, limit, this.#parts.now())
        .map((row) => ({ ...keptAnswer(row), isDead: row.endedAt === null && isDead })),
    );
  }

  async forget(userId: string, streamId?: string): Promise<void> {
    for (const directory of this.#parts.directories()) {
      using database = open(directory, false);
      if (database === undefined) continue;
      eraseAnswers(database, userId, streamId);
      await emptyLog(database);
    }
  }

  /** What has no ending where no process writes any more is dead: the next one will say so. */
  #each<Found>(read: (table: AnswerTable, isDead: boolean) => readonly Found[]): Found[] {
    const { directories, isTaken, keys } = this.#parts;
    return directories().flatMap((directory) => {
      using database = open(directory, true);
      return database === undefined ? [] : read(new AnswerTable(database, keys), !isTaken(directory));
    });
  }
}

/** Undefined of another format: its own process brings it to this one, or is newer than this. */
function open(directory: string, readOnly: boolean): DatabaseSync | undefined {
  const database = new DatabaseSync(ledgerFile(directory), { readOnly, timeout: BUSY_MS });
  if (schemaVersion(database) === SCHEMA_VERSION) {
    if (!readOnly) database.exec('PRAGMA secure_delete = ON');
    return database;
  }
  database.close();
  return undefined;
}

/**
 * Erases the answers of a user, those of one stream, or those that ended before a time; how many it were. Whoever wants no byte left
 * empties the write-ahead log then.
 */
export function eraseAnswers(
  database: DatabaseSync,
  userId: string | null,
  streamId: string | null = null,
  before = Number.MAX_SAFE_INTEGER,
): number {
  const chosen = database.prepare(
    `SELECT run FROM answers WHERE ($userId IS NULL OR user_id = $userId) AND ($streamId IS NULL OR stream_id = $streamId)
     AND started_at < $before LIMIT ${AT_ONCE}`,
  );
  const table = new AnswerTable(database);
  for (let erased = 0; ; ) {
    database.exec('BEGIN IMMEDIATE');
    try {
      const runs = chosen
        .all({ $userId: userId, $streamId: streamId, $before: before })
        .map(({ run }) => Number(run));
      table.delete(runs);
      database.exec('COMMIT');
      erased += runs.length;
      if (runs.length < AT_ONCE) return erased;
    } catch (cause) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw cause;
    }
  }
}

/** @throws Error where somebody reads an old snapshot for so long that it stays */
async function emptyLog(database: DatabaseSync): Promise<void> {
  for (let tries = 0; tries < EMPTY_TRIES; tries += 1) {
    const { busy } = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() ?? {};
    if (busy === 0) return;
    await pause(EMPTY_AGAIN_MS);
  }
  throw new Error('the log of a ledger of this machine could not be emptied');
}
