/** `dash-relay webhooks`: which events the webhook has not taken, and those that were given up, sent again. */
import { DatabaseSync } from 'node:sqlite';
import { CommandLineError, endWithReader, printLine, subcommand } from '../command-line/subcommand.ts';
import { isDirectoryLocked } from '../ledger/directory-lock.ts';
import { ledgerDirectories } from '../ledger/ledger-directories.ts';
import { ledgerFile, SCHEMA_VERSION, schemaVersion } from '../ledger/schema.ts';

const HELP = `Usage: dash-relay webhooks list|resend [options] [id ...]

Events for WEBHOOK_URL in the ledgers of DATA_DIR (default ./.data), while the relay runs or after it has stopped.

  list           those that were given up: id, type, user, stream, since when, attempts and why
  resend         sends those again whose ids are named; a relay that runs does so within a second

  --waiting      with list: those that are still tried, instead
  --all          with resend: all that were given up
  --json         with list: one JSON object a line, instead of columns
  --help         this text

Nothing of what an event says is shown. Exits with 1 where an id is none that was given up.
`;
const OPTIONS = {
  waiting: { type: 'boolean' },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

/** How long a lock of the relay's is waited for, ms. */
const BUSY_MS = 5000;

const LIST = `SELECT id, type, user_id AS userId, stream_id AS streamId, attempts, failure, added_at AS addedAt,
    coalesce(dead_since, due_at) AS at FROM webhook_events WHERE (dead_since IS NULL) = $waiting ORDER BY event`;
/** They begin anew, as if they had never been tried. */
const RESEND = `UPDATE webhook_events SET dead_since = NULL, attempts = 0, due_at = $now, held_ms = 0
  WHERE dead_since IS NOT NULL AND ($id IS NULL OR id = $id)`;

interface ListedEvent {
  readonly id: string;
  readonly type: string;
  readonly userId: string;
  readonly streamId: string;
  readonly attempts: number;
  readonly failure: string | null;
  /** Unix ms, as the next. */
  readonly addedAt: number;
  /** Since when it is given up, or when it is tried next. */
  readonly at: number;
}

export const webhooks = subcommand({
  help: HELP,
  options: OPTIONS,
  allowPositionals: true,
  async run({ values: { waiting = false, all = false, json = false }, positionals: [what, ...ids] }) {
    endWithReader();
    if (what === 'list') return list(waiting, json);
    if (what !== 'resend') throw new CommandLineError('Say list or resend.');
    if (all === ids.length > 0) throw new CommandLineError('Which? Name their ids, or say --all.');
    return resend(all ? [null] : ids);
  },
});

function list(waiting: boolean, json: boolean): number {
  const events = inEach(
    (database) => database.prepare(LIST).all({ waiting: Number(waiting) }) as unknown as ListedEvent[],
  );
  for (const event of events.flat()) printLine(json ? jsonOf(event) : lineOf(event));
  if (events.flat().length === 0 && !json) printLine(waiting ? 'No event waits.' : 'No event was given up.');
  return 0;
}

/** @param ids null: all */
function resend(ids: readonly (string | null)[]): number {
  const now = Date.now();
  const missing = ids.filter((id) => {
    const changed = inEach((database) => Number(database.prepare(RESEND).run({ id, now }).changes), ids);
    const sum = changed.reduce((all, each) => all + each, 0);
    if (id === null) printLine(`${sum} ${sum === 1 ? 'event' : 'events'} to be sent again.`);
    else printLine(sum === 0 ? `${id}: no event that was given up` : `${id}: to be sent again`);
    return id !== null && sum === 0;
  });
  const idle = directories().filter((directory) => !isDirectoryLocked(directory));
  if (missing.length < ids.length && idle.length > 0)
    printLine(`No relay writes ${idle.join(' and ')} at the moment: what lies there leaves when one does.`);
  return missing.length === 0 ? 0 : 1;
}

function directories(): readonly string[] {
  const dataDir = process.env['DATA_DIR'] || './.data';
  const found = ledgerDirectories(dataDir);
  if (found.length === 0) throw new Error(`${dataDir} holds no ledger. Set DATA_DIR to name another place.`);
  return found;
}

/** @param written present where something is changed */
function inEach<Result>(work: (database: DatabaseSync) => Result, written?: readonly unknown[]): Result[] {
  return directories().flatMap((directory) => {
    const file = ledgerFile(directory);
    const database = new DatabaseSync(file, { readOnly: written === undefined, timeout: BUSY_MS });
    try {
      const version = schemaVersion(database);
      if (version === SCHEMA_VERSION) return [work(database)];
      if (version < SCHEMA_VERSION) return []; // the relay makes the table when it starts
      throw new Error(`${file} is of a newer release (format ${version}): use the dash-relay that writes it`);
    } finally {
      database.close();
    }
  });
}

function jsonOf({ addedAt, at, ...event }: ListedEvent): string {
  return JSON.stringify({ ...event, addedAt: instant(addedAt), at: instant(at) });
}

function lineOf({ id, type, userId, streamId, attempts, failure, at }: ListedEvent): string {
  return [instant(at), id, type, userId, streamId, attempts, failure ?? '-'].join('  ');
}

function instant(at: number): string {
  return new Date(at).toISOString();
}
