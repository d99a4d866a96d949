/** `dash-relay migrate`: brings the database of DATABASE_MIGRATION_URL to the schema of this release, its mirror included. */
import { parseArgs } from 'node:util';
import { loadMirror, type MirrorDefinition } from '../mirror/definition.ts';
import { hasFormerMirror, installedMirror, installMirror } from '../mirror/install.ts';
import { dayOf, ownersUrl, print, printHelp, runCommand } from './command-line.ts';
import { chooseErasure, ERASURES, type Erasure } from './erasure.ts';
import { deleteUsageBefore, migrate } from './migrate.ts';
import { mirrorFile } from './mirror-command.ts';
import { asOwner, MigrationError } from './owner.ts';
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

function readOptions(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h' },
      with: { type: 'string', multiple: true },
      'delete-before': { type: 'string' },
    },
  }).values;
}

/** @param args what stands after `migrate` @returns the exit code: 2 for wrong words, 1 where it failed */
export function migrateCommand(args: readonly string[]): Promise<number> {
  return runCommand(HELP, async () => {
    const { help, 'delete-before': before, with: optional = [] } = readOptions(args);
    if (help) return printHelp(HELP);
    const url = ownersUrl();
    if (before !== undefined) {
      await deleteUsageBefore(url, dayOf('--delete-before', before));
      print(`Runs that started before ${before} are deleted.`);
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
  });
}

async function applyMigrations(url: string, optional: readonly string[]): Promise<void> {
  const { applied, present, unknown } = await migrate(url, { optional });
  for (const { version, name } of applied) print(`applied ${version}_${name}`);
  if (applied.length === 0) print(`Nothing to do: ${present} migrations are applied.`);
  if (unknown.length > 0) print(`A newer release was here: ${unknown.join(', ')} are unknown to this one.`);
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
    print('There is no table auth.users: call dash_relay.erase_user(id) where your users are deleted.');
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
  if (problems.length === 0) print(`Runs are mirrored into ${definition.table}.`);
  else process.stderr.write('The mirror was left as it is; everything else is migrated.\n');
  return problems.length > 0 && asked !== undefined ? 1 : 0;
}
