/**
 * Brings a database to the present schema. Owns which migrations are applied; the SQL is in `../migrations`.
 *
 * All that is due is applied in one transaction, under a lock that only one migrator holds: it happens as a whole or not
 * at all, through any pooler. No statement waits longer than LOCK_MS for a lock, so that rows never queue for it.
 *
 * Expand, then contract: relays of two releases share one schema during a deploy, so a migration may only add what the
 * older one does without (columns that are null or have a default). What nobody uses any more goes a release later.
 */
import type pg from 'pg';
import { messageOf } from '../command-line/subcommand.ts';
import { type Migration, optionalMigrations, shippedMigrations } from './migration-files.ts';
import { LOCK_MS, MigrationError, withOwner } from './owner.ts';

export interface MigrationOptions {
  /** Names of optional migrations to apply as well. */
  readonly optional?: readonly string[];
  /** Instead of the shipped ones. */
  readonly migrations?: readonly Migration[];
}

export interface MigrationReport {
  readonly applied: readonly Migration[];
  /** Applied before. */
  readonly present: number;
  /** Versions the database has and this release does not know: a newer one was here. */
  readonly unknown: readonly string[];
}

/** "dash", as a number. */
const LOCK_KEY = 0x64617368;

const PREPARE = `
  SET LOCAL lock_timeout = ${LOCK_MS};
  SELECT pg_advisory_xact_lock(${LOCK_KEY});
  CREATE SCHEMA IF NOT EXISTS dash_relay;
  CREATE TABLE IF NOT EXISTS dash_relay.migrations (
    version text PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  );
  ALTER TABLE dash_relay.migrations ENABLE ROW LEVEL SECURITY`;
const APPLIED = 'SELECT version, name, checksum FROM dash_relay.migrations';
const RECORD = 'INSERT INTO dash_relay.migrations (version, name, checksum) VALUES ($1, $2, $3)';

/**
 * @param connectionString of the owner
 * @throws MigrationError
 */
export async function migrate(
  connectionString: string,
  options: MigrationOptions = {},
): Promise<MigrationReport> {
  const wanted = [...(options.migrations ?? shippedMigrations()), ...chosen(options.optional ?? [])];
  return await withOwner(connectionString, async (client) => {
    await client.query('BEGIN');
    await client.query(PREPARE);
    const { rows } = await client.query<Pick<Migration, 'version' | 'name' | 'checksum'>>(APPLIED);
    const known = new Map(rows.map((row) => [row.version, row]));
    const due = wanted.filter((migration) => isDue(migration, known.get(migration.version)));
    for (const migration of due) await apply(client, migration);
    await client.query('COMMIT');
    const versions = new Set([...wanted, ...optionalMigrations()].map(({ version }) => version));
    return {
      applied: due,
      present: rows.length,
      unknown: [...known.keys()].filter((version) => !versions.has(version)),
    };
  });
}

/** Deletes runs that started before that day, in short transactions. */
export async function deleteUsageBefore(connectionString: string, before: Date): Promise<void> {
  await withOwner(connectionString, async (client) => {
    await client.query('CALL dash_relay.delete_usage_before($1)', [before]);
  });
}

function chosen(names: readonly string[]): Migration[] {
  const optional = optionalMigrations();
  return names.map((name) => {
    const migration = optional.find((each) => each.name === name);
    if (migration !== undefined) return migration;
    const known = optional.map((each) => each.name).join(', ');
    throw new MigrationError(`there is no optional migration ${name}; there is: ${known}`);
  });
}

function isDue(migration: Migration, applied: Pick<Migration, 'checksum'> | undefined): boolean {
  if (applied === undefined) return true;
  if (applied.checksum === migration.checksum) return false;
  throw new MigrationError(
    `migration ${migration.version}_${migration.name} was changed after it had been applied; restore the file as it was, and put the change into a new one`,
  );
}

async function apply(client: pg.Client, { version, name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query(sql);
    await client.query(RECORD, [version, name, checksum]);
  } catch (cause) {
    throw new MigrationError(
      `migration ${version}_${name} failed, nothing was changed: ${messageOf(cause)}`,
      { cause },
    );
  }
}
