/** What the commands of the database's owner have in common: their words, their environment, their exit codes. */
import { MigrationError, messageOf } from './owner.ts';

/** The words on the command line are wrong: the message says which. */
export class CommandLineError extends Error {}

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** @throws MigrationError where DATABASE_MIGRATION_URL is not set */
export function ownersUrl(): string {
  const { DATABASE_MIGRATION_URL: url = '' } = process.env;
  if (url.trim() !== '') return url;
  throw new MigrationError('DATABASE_MIGRATION_URL is not set: the owner of the database, in session mode');
}

/** The start of that day, UTC. @throws CommandLineError */
export function dayOf(option: string, text: string): Date {
  const day = new Date(`${text}T00:00:00Z`);
  if (DAY.test(text) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)) return day;
  throw new CommandLineError(`${option} is not a date such as 2026-11-22: ${text}`);
}

/** One line of what a command answers. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** For `--help`. @returns the exit code */
export function printHelp(help: string): number {
  process.stdout.write(help);
  return 0;
}

/** @returns what the work returns; 2 for wrong words, with the help, and 1 where it failed */
export async function runCommand(help: string, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const wrongWords = error instanceof CommandLineError || isOfParseArgs(error);
    const message = wrongWords || error instanceof MigrationError ? error.message : messageOf(error);
    process.stderr.write(wrongWords ? `${message}\n\n${help}` : `${message}\n`);
    return wrongWords ? 2 : 1;
  }
}

function isOfParseArgs(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
