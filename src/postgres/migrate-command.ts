/** `dash-relay migrate`: brings the database of DATABASE_MIGRATION_URL to the schema of this release. */
import { parseArgs } from 'node:util';
import { deleteUsageBefore, MigrationError, migrate } from './migrate.ts';

const HELP = `Usage: dash-relay migrate [options]

Applies the migrations that the database does not have yet, all or none, as the owner that DATABASE_MIGRATION_URL names.

  --with <name>      an optional migration as well: ai_usage_logs copies each run into the app's public.ai_usage_logs;
                     identity puts tier and organisation from the app's tables into tokens
  --delete-before <date>
                     instead: deletes runs that started before that day, UTC: 2026-11-22
  --help             this text
`;
/** The words on the command line are wrong: the message says which. */
class CommandLineError extends Error {}

const DAY = /^\d{4}-\d{2}-\d{2}$/;

const print = (text: string) => process.stdout.write(`${text}\n`);

async function apply(options: ReturnType<typeof readOptions>): Promise<void> {
  if (options.help) return void process.stdout.write(HELP);
  const { DATABASE_MIGRATION_URL: url = '' } = process.env;
  if (url.trim() === '')
    throw new MigrationError('DATABASE_MIGRATION_URL is not set: the owner of the database, in session mode');
  const before = options['delete-before'];
  if (before !== undefined) {
    await deleteUsageBefore(url, dayOf(before));
    print(`Runs that started before ${before} are deleted.`);
    return;
  }
  const { applied, present, unknown } = await migrate(url, { optional: options.with ?? [] });
  for (const { version, name } of applied) print(`applied ${version}_${name}`);
  if (applied.length === 0) print(`Nothing to do: ${present} migrations are applied.`);
  if (unknown.length > 0) print(`A newer release was here: ${unknown.join(', ')} are unknown to this one.`);
}

function readOptions(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h' },
        with: { type: 'string', multiple: true },
        'delete-before': { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new CommandLineError(error instanceof Error ? error.message : String(error));
  }
}

function dayOf(text: string): Date {
  const day = new Date(`${text}T00:00:00Z`);
  if (DAY.test(text) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)) return day;
  throw new CommandLineError(`--delete-before is not a date such as 2026-11-22: ${text}`);
}

/** @param args what stands after `migrate` @returns the exit code: 2 for wrong words, 1 where it failed */
export async function migrateCommand(args: readonly string[]): Promise<number> {
  try {
    await apply(readOptions(args));
    return 0;
  } catch (error) {
    const wrongWords = error instanceof CommandLineError;
    const message = wrongWords || error instanceof MigrationError ? error.message : String(error);
    process.stderr.write(wrongWords ? `${message}\n\n${HELP}` : `${message}\n`);
    return wrongWords ? 2 : 1;
  }
}
