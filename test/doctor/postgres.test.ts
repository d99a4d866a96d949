/** What the doctor says of a real Postgres that is as it should be, or broken in one way after the other. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { checkPostgres } from '../../src/doctor/checks/postgres.ts';
import { findings } from '../../src/doctor/run-checks.ts';
import { encryptionOf } from '../../src/postgres/standing.ts';
import { freePort } from '../support/free-port.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { eventually } from '../support/test-run.ts';
import { NEVER, said, settingsOf } from './said.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

async function lines(DATABASE_URL: string, more: Record<string, string> = {}): Promise<string[]> {
  const { config, files } = settingsOf({ DATABASE_URL, ...more });
  const found = said(await checkPostgres(config, files, NEVER));
  expect(found.join('\n')).not.toContain('password@');
  return found;
}

/** As the owner, and taken back at the end of the test. */
async function changed(statement: string, back: string): Promise<void> {
  onTestFinished(async () => {
    await server.query(back);
  });
  await server.query(statement);
}

it('a database as it should be is ok in every line, read by a user who can write nothing', async () => {
  await changed(
    'ALTER ROLE relay SET default_transaction_read_only = on',
    'ALTER ROLE relay RESET default_transaction_read_only',
  );
  expect(await lines(server.url('relay'))).toEqual([
    expect.stringMatching(/^ok DATABASE_URL: Postgres \d+\.\d+ is reached without TLS$/),
    'ok DATABASE_URL: the user relay is of dash_relay_writer, and may do no more than the relay needs',
    expect.stringMatching(/^ok DATABASE_POOL: Postgres has \d+ connections left, and 5 are used at most$/),
    'ok migrations: all of this release are applied',
  ]);
});

it('is asked once and let go once, as the doctor runs it: its time ends after the answer too', async () => {
  const { config, files } = settingsOf({ DATABASE_URL: server.url('relay') });
  const check = { name: 'Postgres', run: (signal: AbortSignal) => checkPostgres(config, files, signal) };
  const marks: string[] = [];
  for await (const { mark } of findings([check])) marks.push(mark);
  expect(marks).toEqual(['ok', 'ok', 'ok', 'ok']);
  await eventually('no connection is left', async () => {
    const left = await server.query("SELECT FROM pg_stat_activity WHERE usename = 'relay'");
    return left.length === 0;
  });
});

it('without DATABASE_URL says where rows stay', async () => {
  const { config, files } = settingsOf({});
  expect(said(await checkPostgres(config, files, NEVER))).toEqual([
    expect.stringMatching(/^note DATABASE_URL: is not set/),
  ]);
});

describe('the user', () => {
  it('who is a superuser is warned of', async () => {
    expect((await lines(server.url('owner')))[1]).toMatch(
      /^note DATABASE_URL: the user postgres is a superuser/,
    );
  });

  it('who owns the tables is warned of', async () => {
    await changed(
      "CREATE ROLE owning LOGIN PASSWORD 'password' IN ROLE dash_relay_writer; ALTER TABLE dash_relay.usage OWNER TO owning",
      'ALTER TABLE dash_relay.usage OWNER TO postgres; DROP ROLE owning',
    );
    const [, role] = await lines(server.url('relay').replace('relay:', 'owning:'));
    expect(role).toMatch(/^note DATABASE_URL: the user owning owns the tables of the relay/);
  });

  it('who is not of dash_relay_writer is to be made so', async () => {
    await changed("CREATE ROLE stranger LOGIN PASSWORD 'password'", 'DROP ROLE stranger');
    const found = await lines(server.url('relay').replace('relay:', 'stranger:'));
    expect(found).toContain(
      'fix DATABASE_URL: the user stranger may not write usage rows; as the owner: GRANT dash_relay_writer TO stranger',
    );
    expect(found).toContain('fix migrations: the user may not see them: see to its role first');
  });

  it('whose password is wrong is told apart from a server that is not there', async () => {
    const [wrong] = await lines(server.url('relay').replace('password', 'secret-canary'));
    expect(wrong).toMatch(/^fix DATABASE_URL: password authentication failed for user "relay"/);
    expect(wrong).not.toContain('canary');
    const [absent] = await lines(server.url('relay', await freePort()));
    expect(absent).toMatch(/^fix DATABASE_URL: .*ECONNREFUSED/);
  });
});

it('counts the connections that are left for this user', async () => {
  await changed('ALTER ROLE relay CONNECTION LIMIT 3', 'ALTER ROLE relay CONNECTION LIMIT -1');
  const found = await lines(server.url('relay'));
  expect(found[2]).toMatch(/^note DATABASE_POOL: Postgres has 2 connections left, and 5 are wanted/);
});

describe('migrations', () => {
  it('that are missing are named', async () => {
    const [last] = await server.query<{ version: string; name: string; checksum: string }>(
      'SELECT version, name, checksum FROM dash_relay.migrations ORDER BY version DESC LIMIT 1',
    );
    const { version = '', name = '', checksum = '' } = last ?? {};
    await changed(
      `DELETE FROM dash_relay.migrations WHERE version = '${version}'`,
      `INSERT INTO dash_relay.migrations VALUES ('${version}', '${name}', '${checksum}')`,
    );
    expect(await lines(server.url('relay'))).toContain(
      `fix migrations: the database lacks ${version}_${name}: run \`dash-relay migrate\``,
    );
  });

  it('that were applied in another form are named', async () => {
    const [first] = await server.query<{ version: string; name: string; checksum: string }>(
      'SELECT version, name, checksum FROM dash_relay.migrations ORDER BY version LIMIT 1',
    );
    const { version = '', name = '', checksum = '' } = first ?? {};
    const set = (to: string) =>
      `UPDATE dash_relay.migrations SET checksum = '${to}' WHERE version = '${version}'`;
    await changed(set('other'), set(checksum));
    expect(await lines(server.url('relay'))).toContainEqual(
      expect.stringMatching(`^fix migrations: ${version}_${name}: applied in another form`),
    );
  });

  it('that another tool applied are not known', async () => {
    await changed(
      'ALTER TABLE dash_relay.migrations RENAME TO elsewhere',
      'ALTER TABLE dash_relay.elsewhere RENAME TO migrations',
    );
    expect(await lines(server.url('relay'))).toContain(
      'note migrations: another tool than `dash-relay migrate` applied them, and knows which are missing',
    );
  });

  it('of a database that has none at all', async () => {
    await changed('CREATE DATABASE empty', 'DROP DATABASE empty WITH (FORCE)');
    expect(await lines(server.url('relay').replace(/postgres$/, 'empty'))).toContain(
      'fix migrations: the database is not migrated to this release: run `dash-relay migrate`',
    );
  });
});

describe('what else is in it', () => {
  it('a view of identities: absent, empty, readable', async () => {
    const view = { IDENTITY_VIEW: 'public.identities' };
    const user = { SUPABASE_URL: 'https://project.supabase.test' };
    const identity = async () => (await lines(server.url('relay'), { ...view, ...user })).at(-1);
    expect(await identity()).toMatch(/^fix IDENTITY_VIEW: there is no view public\.identities/);
    await changed(
      'CREATE TABLE public.identities (user_id uuid, tier text, organization_id text); GRANT SELECT ON public.identities TO relay',
      'DROP TABLE public.identities',
    );
    expect(await identity()).toMatch(/^note IDENTITY_VIEW: public\.identities has no row/);
    await server.query('INSERT INTO public.identities VALUES (gen_random_uuid())');
    expect(await identity()).toBe('ok IDENTITY_VIEW: public.identities can be read');
  });

  it('a mirror that was asked for and is not there', async () => {
    const { config } = settingsOf({});
    const MIRROR_FILE = join(config.DATA_DIR, 'mirror.json');
    writeFileSync(
      MIRROR_FILE,
      JSON.stringify({ table: 'public.ai_usage_logs', columns: { id: { value: 'epoch' } } }),
    );
    expect(await lines(server.url('relay'), { MIRROR_FILE })).toContainEqual(
      expect.stringMatching(/^fix mirror: there is no mirror in the database, but MIRROR_FILE is set/),
    );
  });
});

it.each([
  ['', 'none'],
  ['?sslmode=disable', 'none'],
  ['?sslmode=no-verify', 'unverified'],
  ['?sslmode=verify-full', 'verified'],
  ['?sslmode=require', 'verified'],
])('a URL that ends with %j is encrypted so: %s', (options, encryption) => {
  expect(encryptionOf(`postgres://relay:password@db.example.com/app${options}`)).toBe(encryption);
});
