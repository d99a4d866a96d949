/** `dash-relay migrate`: brings the database of DATABASE_MIGRATION_URL to the schema of this release, its mirror included. */
import { dayOf } from '../command-line/dates.ts';
import { printLine, subcommand } from '../command-line/subcommand.ts';
import { loadMirror, type MirrorDefinition } from '../mirror/definition.ts';
import { hasFormerMirror, installedMirror, installMirror } from '../mirror/install.ts';
import { chooseErasure, ERASURES, type Erasure } from './erasure.ts';
import { deleteUsageBefore, migrate } from './migrate.ts';
import { mirrorFile } from './mirror-command.ts';
import { asOwner, MigrationError, ownersUrl } from './owner.ts';
import type { RunStatement } from './pool.ts';

const HELP = `Usage: dash-relay migrate [options]

Applies the migrations that the database does not have yet, all or none, as the owner that DATABASE_MIGRATION_URL names.
MIRROR_FILE says into which table of the app runs are copied, ERASED_USERS what becomes of the runs of deleted users.

  --with <name>      as well: ai_usage_logs copies each run into the app's public.ai_usage_logs, by the shipped mapping;
                     identity puts tier and organisation from the app's tables into tokens
  --delete-before <date>
                     instead: deletes runs that started before that day, UTC: 2026-11-22
  --help             this text
`;
/** A word for the shipped mapping. The migration of this name is the trigger of a former release, which the mirror replaces. */
const AI_USAGE_LOGS = 'ai_usage_logs';
const OTHER_TABLE =
  'Of a table with other columns say what each one gets: change a copy of config/mirror.json, and name it in MIRROR_FILE.\n';

export const migrateCommand = subcommand({
  help: HELP,
  options: { with: { type: 'string', multiple: true }, 'delete-before': { type: 'string' } },
  async run({ values: { 'delete-before': before, with: optional = [] } }) {
    const url = ownersUrl();
    if (before !== undefined) {
      await deleteUsageBefore(url, new Date(dayOf('--delete-before', before)));
      printLine(`Runs that started before ${before} are deleted.`);
      return 0;
    }
    const file = mirrorFile();
    const asked = file === undefined && !optional.includes(AI_USAGE_LOGS) ? undefined : readMirror(file);
    const erasure = chosenErasure();
    await applyMigrations(
      url,
      optional.filter((name) => name !== AI_USAGE_LOGS),
    );
    return await asOwner(url, async (query) => {
      if (erasure !== undefined) await setErasure(query, erasure);
      const code = await bringMirror(query, asked);
      if (code !== 0 && file === undefined) process.stderr.write(OTHER_TABLE);
      return code;
    });
  },
});

async function applyMigrations(url: string, optional: readonly string[]): Promise<void> {
  const { applied, present, unknown } = await migrate(url, { optional });
  for (const { version, name } of applied) printLine(`applied ${version}_${name}`);
  if (applied.length === 0) printLine(`Nothing to do: ${present} migrations are applied.`);
  if (unknown.length > 0)
    printLine(`A newer release was here: ${unknown.join(', ')} are unknown to this one.`);
}

function readMirror(file: string | undefined): MirrorDefinition {
  try {
    return loadMirror(file);
  } catch (cause) {
    throw new MigrationError(`MIRROR_FILE: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

function chosenErasure(): Erasure | undefined {
  const word = process.env['ERASED_USERS']?.trim() ?? '';
  if (word === '') return undefined;
  const erasure = ERASURES.find((each) => each === word);
  if (erasure === undefined) throw new MigrationError(`ERASED_USERS: must be ${ERASURES.join(', ')}`);
  return erasure;
}

async function setErasure(query: RunStatement, erasure: Erasure): Promise<void> {
  await query("BEGIN; SET LOCAL lock_timeout = '10s'", []);
  const seen = await chooseErasure(query, erasure);
  await query('COMMIT', []);
  if (!seen && erasure !== 'keep')
    printLine('There is no table auth.users: call dash_relay.erase_user(id) where your users are deleted.');
}

/**
 * Makes the mirror that was asked for, or renews the one that is there: its statement is made for the app's table as it is.
 * What does not fit fails only where it was asked for.
 */
async function bringMirror(query: RunStatement, asked: MirrorDefinition | undefined): Promise<number> {
  const definition =
    asked ??
    (await installedMirror(query))?.definition ??
    ((await hasFormerMirror(query)) ? loadMirror() : undefined);
  if (definition === undefined) return 0;
  const { problems } = await installMirror(query, definition);
  for (const problem of problems) process.stderr.write(`mirror: ${problem}\n`);
  if (problems.length === 0) printLine(`Runs are mirrored into ${definition.table}.`);
  else process.stderr.write('The mirror was left as it is; everything else is migrated.\n');
  return problems.length > 0 && asked !== undefined ? 1 : 0;
}
