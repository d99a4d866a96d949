/** `dash-relay export`: all that is kept of a user, for whoever may ask for it. */

import type { KeptText } from '../answers/port.ts';
import { type ExportedAnswer, exportAnswers } from '../answers/postgres-answers.ts';
import { AnswerKeys } from '../answers/seal.ts';
import { CommandLineError, endWithReader, printLine, subcommand } from '../command-line/subcommand.ts';
import { answerKeys } from '../config/values.ts';
import { ledgerDirectories } from '../ledger/ledger-directories.ts';
import { ledgerFile } from '../ledger/schema.ts';
import { readUserRecords } from '../ledger/user-records.ts';
import { asOwner } from '../postgres/owner.ts';
import type { RunStatement } from '../postgres/pool.ts';
import { textOfWire, type WireText } from '../protocol/wire-text.ts';
import { openAllUsageRecords } from '../reports/all-usage-records.ts';
import { userIdOf } from './user-id.ts';

const HELP = `Usage: dash-relay export --user <id>

Prints all that is kept of a user, one JSON object a line: {"kind", "place", …}. Kinds are answer (with its text), usage, report,
quota and webhook_event; places are the ledgers of DATA_DIR (default ./.data) and, as the owner that DATABASE_MIGRATION_URL names, Postgres.
ANSWERS_KEY opens answers that are sealed; one whose key is not there is told as sealed, without its text.
Not here: answers of the last minutes in memory and in Redis, uploads (they end with UPLOAD_TTL_MS), and what the app keeps itself.

  --user <id>  the id of the user, as the sub of a token has it
  --help       this text
`;

export const exportCommand = subcommand({
  help: HELP,
  options: { user: { type: 'string' } },
  async run({ values: { user } }) {
    endWithReader();
    if (user === undefined) throw new CommandLineError('Whose? Say --user.');
    const userId = userIdOf(user);
    const {
      DATA_DIR: dataDir = './.data',
      DATABASE_URL: url = '',
      DATABASE_MIGRATION_URL: ownersUrl = '',
    } = process.env;
    if (ownersUrl === '' && url !== '')
      throw new Error(
        'DATABASE_URL is set, and its user cannot read all: set DATABASE_MIGRATION_URL to the owner',
      );
    const keys = keysOf(process.env['ANSWERS_KEY']);
    exportDisk(dataDir, userId, keys);
    if (ownersUrl !== '') await asOwner(ownersUrl, (query) => exportPostgres(query, userId, keys));
    return 0;
  },
});

function keysOf(text = ''): AnswerKeys {
  if (text.trim() === '') return new AnswerKeys();
  const { data, error } = answerKeys().safeParse(text);
  if (data === undefined) throw new Error(`ANSWERS_KEY ${error?.issues[0]?.message}`);
  return new AnswerKeys(data);
}

function exportDisk(dataDir: string, userId: string, keys: AnswerKeys): void {
  for (const directory of ledgerDirectories(dataDir)) {
    const place = ledgerFile(directory);
    const records = readUserRecords(directory, userId, keys);
    for (const answer of records.answers) tell('answer', place, answerOf(answer));
    for (const sealed of records.sealedAnswers)
      tell('answer', place, { ...sealed, text: null, sealed: true });
    for (const report of records.reports) tell('report', place, report);
    for (const event of records.webhookEvents) tell('webhook_event', place, event);
    for (const quota of records.quota) tell('quota', place, quota);
  }
  const usage = openAllUsageRecords(dataDir);
  try {
    const all = { from: 0, before: Number.MAX_SAFE_INTEGER, userId };
    for (const row of usage?.rows(all) ?? []) tell('usage', dataDir, row);
  } finally {
    usage?.close();
  }
}

/** Tables by what their rows are; an older schema has not all of them. */
const TABLES = {
  usage: 'SELECT * FROM dash_relay.usage WHERE user_id = $1 ORDER BY started_at',
  report: 'SELECT * FROM dash_relay.reports WHERE user_id = $1 ORDER BY reported_at',
  quota:
    "SELECT * FROM dash_relay.quota_counters WHERE key LIKE '%:user:' || $1::uuid::text ORDER BY key, period",
} as const;

async function exportPostgres(query: RunStatement, userId: string, keys: AnswerKeys): Promise<void> {
  for (const { text, ...answer } of await exportAnswers(query, userId, keys))
    tell('answer', 'Postgres', text === undefined ? sealedOf(answer) : answerOf(text));
  for (const [kind, sql] of Object.entries(TABLES))
    for (const row of (await query(sql, [userId])).rows) tell(kind, 'Postgres', row as object);
}

function sealedOf({ epoch, streamId }: Omit<ExportedAnswer, 'text'>) {
  return { epoch, streamId, text: null, sealed: true };
}

function answerOf({ deltas, startedAt, endedAt, isDead: _, ...answer }: KeptText) {
  return {
    ...answer,
    startedAt: new Date(startedAt).toISOString(),
    endedAt: endedAt === null ? null : new Date(endedAt).toISOString(),
    text: textOfWire(deltas.join('') as WireText),
  };
}

function tell(kind: string, place: string, what: object): void {
  printLine(JSON.stringify({ kind, place, ...what }));
}
