/** A connection as the owner of the database, for the commands of operators: opened, used and closed. */
import pg from 'pg';
import { messageOf } from '../command-line/subcommand.ts';
import { postgresUrlFault, requireCertificates } from './connection-url.ts';
import type { RunStatement } from './pool.ts';

/** The database cannot be brought to where it should be: the message says why and what to do. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** The URL of the owner. @throws MigrationError where DATABASE_MIGRATION_URL is not set */
export function ownersUrl(): string {
  const { DATABASE_MIGRATION_URL: url = '' } = process.env;
  if (url.trim() !== '') return url;
  throw new MigrationError('DATABASE_MIGRATION_URL is not set: the owner of the database, in session mode');
}

/** What a statement may wait for a lock, ms. */
export const LOCK_MS = 10_000;
const CONNECT_MS = 10_000;

/**
 * Does its work on one connection of the owner.
 * @throws MigrationError
 */
export async function withOwner<Result>(
  connectionString: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  requireUsable(connectionString);
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: CONNECT_MS });
  // A statement under way hears of it as well.
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } catch (cause) {
    if (cause instanceof MigrationError) throw cause;
    throw new MigrationError(explain(cause), { cause });
  } finally {
    // Ends the transaction too, where it was left open.
    await client.end().catch(() => {});
  }
}

/** The same, by statements alone. @throws MigrationError */
export function asOwner<Result>(
  connectionString: string,
  work: (query: RunStatement) => Promise<Result>,
): Promise<Result> {
  return withOwner(connectionString, (client) => work((text, values) => client.query(text, [...values])));
}

/** The driver would say that some file or host is absent. */
function requireUsable(connectionString: string): void {
  const unusable = (why: string, cause?: unknown) =>
    new MigrationError(`the URL of the database: ${why}`, { cause });
  const fault = postgresUrlFault(connectionString);
  if (fault !== undefined) throw unusable(fault);
  try {
    requireCertificates(connectionString);
  } catch (cause) {
    throw unusable(messageOf(cause), cause);
  }
}

function explain(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === '55P03')
    return `another migration, or a long statement, holds a lock for more than ${LOCK_MS / 1000} s; try again`;
  if (code === '42501')
    return `the user may not do this (${messageOf(cause)}); use the owner of the database`;
  return `unable to migrate: ${messageOf(cause)}`;
}
