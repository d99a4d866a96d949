/** What a ledger's file holds of one user, beside its usage rows: read beside whoever writes it. */
import { DatabaseSync } from 'node:sqlite';
import type { KeptText } from '../answers/port.ts';
import type { AnswerKeys } from '../answers/seal.ts';
import { AnswerTable, keptText } from './answer-table.ts';
import { ledgerFile, SCHEMA_VERSION, schemaVersion } from './schema.ts';

export interface UserRecords {
  readonly answers: readonly KeptText[];
  /** Of answers whose key is not there. */
  readonly sealedAnswers: readonly { readonly epoch: string; readonly streamId: string }[];
  /** Rows of these tables, as they are. */
  readonly reports: readonly object[];
  readonly webhookEvents: readonly object[];
  readonly quota: readonly object[];
}

const BUSY_MS = 2000;
const PAGE = 200;

/** @throws Error where the file has another format than this release's */
export function readUserRecords(directory: string, userId: string, keys: AnswerKeys): UserRecords {
  const file = ledgerFile(directory);
  using database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS });
  if (schemaVersion(database) !== SCHEMA_VERSION)
    throw new Error(`${file} is of another release: use the dash-relay that writes it`);
  const rows = (sql: string, value = userId) => database.prepare(sql).all(value);
  return {
    ...answersOf(database, userId, keys),
    reports: rows('SELECT * FROM answer_reports WHERE user_id = ?'),
    webhookEvents: rows('SELECT id, type, stream_id, body, added_at FROM webhook_events WHERE user_id = ?'),
    quota: rows('SELECT * FROM quota_used WHERE substr(key, -length(?1)) = ?1', `:user:${userId}`),
  };
}

function answersOf(database: DatabaseSync, userId: string, keys: AnswerKeys) {
  const table = new AnswerTable(database, keys);
  const answers: KeptText[] = [];
  const sealedAnswers: { epoch: string; streamId: string }[] = [];
  for (let page = table.page(userId, undefined, PAGE, 0); page.length > 0; ) {
    for (const row of page) {
      const text = keptText(row, table.deltas(row));
      if (text === undefined) sealedAnswers.push({ epoch: row.epoch, streamId: row.streamId });
      else answers.push(text);
    }
    page = table.page(userId, page.at(-1), PAGE, 0);
  }
  return { answers, sealedAnswers };
}
