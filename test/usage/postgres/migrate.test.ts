import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../../src/postgres/migrate.ts';
import { migrateCommand } from '../../../src/postgres/migrate-command.ts';
import { optionalMigrations, shippedMigrations } from '../../../src/postgres/migration-files.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { relayProgram } from '../../support/relay-program.ts';
import { type Finished, runCommand } from '../../support/run-command.ts';
import { describeSchema } from './describe-schema.ts';

const CLI = await relayProgram('cli');
const EXPECTED_SCHEMA = new URL('./expected-schema.txt', import.meta.url);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

let server: PostgresServer;
let databases = 0;

beforeAll(async () => {
  server = await startPostgres({ migrated: false });
});
afterAll(() => server.close());

/** The owner's URL of a fresh database. */
async function newDatabase(): Promise<string> {
  databases += 1;
  await server.query(`CREATE DATABASE d${databases}`);
  return server.url('owner').replace(/postgres$/, `d${databases}`);
}

async function on<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const versions = (migrations: readonly { readonly version: string }[]) =>
  migrations.map(({ version }) => version);

/** As an operator runs it. */
async function runProcess(url: string) {
  const env = { PATH: process.env['PATH'], DATABASE_MIGRATION_URL: url };
  const run = promisify(execFile)(process.execPath, [CLI, 'migrate'], { cwd: ROOT, env });
  return await run.then(
    (done) => ({ code: 0, ...done }),
    (failed: Finished) => failed,
  );
}

async function run(url: string | undefined, ...args: string[]) {
  return await runCommand(migrateCommand, args, url === undefined ? {} : { DATABASE_MIGRATION_URL: url });
}

describe('the schema', () => {
  it('is the one that is written down', async () => {
    const url = await newDatabase();
    await migrate(url);
    expect(await on(url, describeSchema)).toBe(readFileSync(EXPECTED_SCHEMA, 'utf8'));
  });

  it('stays the same when every file runs twice, as `supabase db push` may have done before', async () => {
    const url = await newDatabase();
    await on(url, async (client) => {
      for (const { sql } of shippedMigrations()) await client.query(sql);
      await client.query("INSERT INTO dash_relay.quota_counters (key, period) VALUES ('kept', '2026-11')");
    });
    const { applied } = await migrate(url);
    expect(applied).toHaveLength(shippedMigrations().length);
    expect(await on(url, describeSchema)).toBe(readFileSync(EXPECTED_SCHEMA, 'utf8'));
    const { rows } = await on(url, (client) => client.query('SELECT key FROM dash_relay.quota_counters'));
    expect(rows).toEqual([{ key: 'kept' }]);
  });
});

describe('migrating', () => {
  it('twice changes nothing the second time', async () => {
    const url = await newDatabase();
    expect(versions((await migrate(url)).applied)).toEqual(versions(shippedMigrations()));
    expect(await migrate(url)).toMatchObject({
      applied: [],
      present: shippedMigrations().length,
      unknown: [],
    });
  });

  it('by several at once applies each file once', async () => {
    const url = await newDatabase();
    const reports = await Promise.all([migrate(url), migrate(url), migrate(url)]);
    expect(reports.map(({ applied }) => applied.length).toSorted()).toEqual([
      0,
      0,
      shippedMigrations().length,
    ]);
  });

  it.each([
    ['nonsense', /begins with postgres:\/\//],
    ['postgres://127.0.0.1:99999/app', /begins with postgres:\/\//],
    ['postgres://127.0.0.1:1/app?sslmode=verify_full', /sslmode must be one of/],
    ['postgres://127.0.0.1:1/app?sslmode=verify-full&sslrootcert=/absent.pem', /sslrootcert.*ENOENT/],
  ])('says what is wrong with the URL %s', async (url, reason) => {
    await expect(migrate(url)).rejects.toThrow(reason);
    await expect(migrate(url)).rejects.toThrow(/^the URL of the database: /);
  });

  it('refuses a file that was changed after it was applied', async () => {
    const url = await newDatabase();
    await migrate(url);
    const migrations = shippedMigrations().with(1, { ...shippedMigrations()[1], checksum: 'other' } as never);
    await expect(migrate(url, { migrations })).rejects.toThrow(
      /_usage was changed after it had been applied/,
    );
  });

  it('that fails in its last file leaves nothing behind, and names the file', async () => {
    const url = await newDatabase();
    const bad = {
      version: '20991231000000',
      name: 'bad',
      sql: 'CREATE TABLE dash_relay.x (); SELEC',
      checksum: 'c',
    };
    await expect(migrate(url, { migrations: [...shippedMigrations(), bad] })).rejects.toThrow(
      /migration 20991231000000_bad failed, nothing was changed: syntax error/,
    );
    const { rows } = await on(url, (client) =>
      client.query("SELECT 1 FROM pg_namespace WHERE nspname = 'dash_relay'"),
    );
    expect(rows).toEqual([]);
  });

  it('an older release finds what a newer one applied, and leaves it', async () => {
    const url = await newDatabase();
    const newer = { version: '20991231000000', name: 'newer', sql: 'SELECT 1', checksum: 'c' };
    await migrate(url, { migrations: [...shippedMigrations(), newer] });
    expect(await migrate(url)).toMatchObject({ applied: [], unknown: ['20991231000000'] });
  });
});

describe('the files', () => {
  it('have the names that Supabase takes, in one order', () => {
    const all = [...shippedMigrations(), ...optionalMigrations()];
    expect(all.length).toBeGreaterThan(3);
    expect(new Set(versions(all)).size).toBe(all.length);
  });

  it('leave transactions to whoever runs them', () => {
    for (const { sql } of [...shippedMigrations(), ...optionalMigrations()]) {
      expect(sql).not.toMatch(/^(BEGIN|COMMIT);/m);
      expect(sql).not.toMatch(/CONCURRENTLY/i);
    }
  });
});

describe('npm run migrate', () => {
  it('says what it applied, and then that there is nothing to do', async () => {
    const url = await newDatabase();
    expect(await runProcess(url)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^applied \d{14}_schema\n/),
    });
    expect(await runProcess(url)).toMatchObject({
      code: 0,
      stdout: `Nothing to do: ${shippedMigrations().length} migrations are applied.\n`,
    });
  });

  it.each([
    ['no URL', undefined, [], 1, /DATABASE_MIGRATION_URL is not set/],
    [
      'a server that is not there',
      'postgres://a:secret@127.0.0.1:1/x',
      [],
      1,
      /unable to migrate: connect ECONNREFUSED/,
    ],
    ['an unknown option', 'postgres://127.0.0.1/x', ['--nonsense'], 2, /Unknown option '--nonsense'/],
    [
      'an unknown optional migration',
      'postgres://127.0.0.1/x',
      ['--with', 'other'],
      1,
      /there is: ai_usage_logs/,
    ],
    ['no date', 'postgres://127.0.0.1/x', ['--delete-before', '2026-02-30'], 2, /not a date/],
  ])('fails with words on %s', async (_, url, args, exit, words) => {
    const { code, stderr } = await run(url, ...args);
    expect(code).toBe(exit);
    expect(stderr).toMatch(words);
    expect(stderr).not.toContain('secret');
  });

  it('fails with words for a user who may not', async () => {
    const url = await newDatabase();
    await server.query('DROP ROLE IF EXISTS nobody');
    await server.query("CREATE ROLE nobody LOGIN PASSWORD 'password'");
    const { code, stderr } = await runProcess(url.replace('postgres:password', 'nobody:password'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/use the owner of the database/);
  });

  it('--delete-before deletes older runs only', async () => {
    const url = await newDatabase();
    await migrate(url);
    const epochs = await on(url, async (client) => {
      await client.query(`
        INSERT INTO dash_relay.usage (epoch, stream_id, user_id, action, model, status, source, input_tokens,
          output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, instance, started_at, ended_at)
        SELECT 'e' || day, 's', gen_random_uuid(), 'chat', 'm', 'done', 'final', 1, 1, 0, 0, 0, 'i',
          '2026-11-01Z'::timestamptz + day * interval '1 day', now()
        FROM generate_series(0, 20000) AS day`);
      expect(await run(url, '--delete-before', '2026-11-02')).toMatchObject({ code: 0 });
      return (await client.query('SELECT count(*)::int AS n, min(started_at) AS first FROM dash_relay.usage'))
        .rows;
    });
    expect(epochs).toEqual([{ n: 20_000, first: new Date('2026-11-02T00:00:00Z') }]);
    // More than one transaction's worth.
    expect(await run(url, '--delete-before', '2100-01-01')).toMatchObject({ code: 0 });
    const { rows } = await on(url, (client) => client.query('SELECT 1 FROM dash_relay.usage'));
    expect(rows).toEqual([]);
  });
});
