/** What an operator reads where the app's table does not fit. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { MirrorFile } from '../../src/mirror/definition.ts';
import { installMirror } from '../../src/mirror/install.ts';
import { asOwner } from '../../src/postgres/owner.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { definitionOf } from './mirroring.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await server.query("CREATE ROLE operator LOGIN PASSWORD 'password' CREATEROLE");
  await server.query('CREATE SCHEMA app');
});
afterEach(() => server.query('DROP SCHEMA app CASCADE; CREATE SCHEMA app'));
afterAll(() => server.close());

/** The sentences for a table and a mirror file. */
async function problemsOf(table: string, file: Omit<MirrorFile, 'table'>): Promise<readonly string[]> {
  await server.query(table);
  const definition = definitionOf({ table: 'app.usage', ...file });
  const { problems } = await asOwner(server.url('owner'), (query) => installMirror(query, definition));
  return problems;
}

it.each<[string, string, Omit<MirrorFile, 'table'>, string]>([
  [
    'no table',
    'SELECT 1',
    { columns: { a: 'action' } },
    'there is no table app.usage: create it, or name another as "table" in the mirror file',
  ],
  [
    'no such column',
    'CREATE TABLE app.usage (a text)',
    { columns: { a: 'action', preschool_id: 'organization_id' } },
    'app.usage has no column preschool_id: add it, or take it out of the mirror file',
  ],
  [
    'NOT NULL and not mapped',
    'CREATE TABLE app.usage (a text, region text NOT NULL, id int GENERATED ALWAYS AS IDENTITY, b int NOT NULL DEFAULT 1)',
    { columns: { a: 'action' } },
    'app.usage.region is NOT NULL without a default, and the mirror file gives it nothing: map it to a field, give it a value under "defaults", or drop NOT NULL',
  ],
  [
    'NOT NULL and sometimes without a value',
    'CREATE TABLE app.usage (preschool_id uuid NOT NULL)',
    { columns: { preschool_id: 'organization_id' } },
    'app.usage.preschool_id is NOT NULL, and a run has no value for it where the user has no organisation, or one that is no UUID: give one under "defaults", or drop NOT NULL',
  ],
  [
    'a cost that may not fit',
    'CREATE TABLE app.usage (cost numeric(8,6) NOT NULL)',
    { columns: { cost: 'cost_usd' } },
    'app.usage.cost is NOT NULL, and a run has no value for it where the model has no price, or the run cost more than numeric(8,6) holds: give one under "defaults", or drop NOT NULL',
  ],
  [
    'another type',
    'CREATE TABLE app.usage (at bigint)',
    { columns: { at: 'started_at' } },
    'app.usage.at is bigint, and started_at is an instant: take timestamptz, timestamp or date',
  ],
  [
    'dollars in whole numbers',
    'CREATE TABLE app.usage (cost integer)',
    { columns: { cost: 'cost_usd' } },
    'app.usage.cost is integer, and cost_usd is US dollars with decimals: take numeric',
  ],
  [
    'an enum without words',
    "CREATE TYPE app.service AS ENUM ('chat', 'other'); CREATE TABLE app.usage (s app.service)",
    { columns: { s: 'action' } },
    'app.usage.s is an enum, and action is not: give its words by "map", and one for all others by "otherwise"',
  ],
  [
    'a word the enum has not',
    "CREATE TYPE app.service AS ENUM ('chat', 'other'); CREATE TABLE app.usage (s app.service)",
    { columns: { s: { field: 'action', map: { chat: 'chats' }, otherwise: 'other' } } },
    'app.usage.s has no "chats" among its words: chat, other',
  ],
  [
    'a value that is too long',
    'CREATE TABLE app.usage (a varchar(3))',
    { columns: { a: { value: 'relay' } } },
    'app.usage.a is character varying(3), and "relay" is longer: take a shorter value',
  ],
  [
    'a value of another type',
    'CREATE TABLE app.usage (a uuid)',
    { columns: { a: { value: 'no-school' } } },
    'app.usage.a is uuid, and "no-school" is none (SQLSTATE 22P02): give a value of that type',
  ],
  [
    'a column that is computed',
    'CREATE TABLE app.usage (a text, b int GENERATED ALWAYS AS (1) STORED)',
    { columns: { b: 'input_tokens' } },
    'app.usage.b is computed by Postgres: take it out of the mirror file',
  ],
  [
    'a check that refuses',
    "CREATE TABLE app.usage (s text CONSTRAINT known CHECK (s IN ('chat', 'homework_help')))",
    { columns: { s: 'action' } },
    'app.usage refuses runs (SQLSTATE 23514, constraint known), tried with: another_action done without organisation; another_action done with organisation; change the mapping of what it is about, or the table',
  ],
  [
    'no function that counts',
    'CREATE TABLE app.usage (a text)',
    { columns: { a: 'action' }, counters: 'app.count_run' },
    'counters: there is no function app.count_run(dash_relay.usage): create it, or take "counters" out of the mirror file',
  ],
])('names %s', async (_, table, file, sentence) => {
  expect(await problemsOf(table, file)).toEqual([sentence]);
  expect(await server.query('SELECT FROM dash_relay.mirror')).toEqual([]);
});

it('takes every field into every type it fits, domains and enums too', async () => {
  const problems = await problemsOf(
    `CREATE TYPE app.outcome AS ENUM ('good', 'bad');
     CREATE DOMAIN app.short AS varchar(64);
     CREATE TABLE app.usage (
       a text NOT NULL, b varchar(200), c app.short, d uuid NOT NULL, e app.outcome NOT NULL, f smallint, g bigint, h numeric(10, 2),
       i double precision, j real, k timestamptz NOT NULL, l timestamp, m date, n jsonb NOT NULL, o json, p boolean, q text, r text, s jsonb)`,
    {
      columns: {
        a: 'epoch',
        b: 'user_id',
        c: 'action',
        d: 'organization_id',
        e: { field: 'outcome', map: { success: 'good' }, otherwise: 'bad' },
        f: 'total_tokens',
        g: 'prompt_tokens',
        h: 'total_ms',
        i: 'first_token_ms',
        j: 'cost_usd',
        k: 'started_at',
        l: 'ended_at',
        m: 'ended_at',
        n: 'metadata',
        o: { value: { by: "the relay's\\ own" } },
        p: 'simulated',
        q: 'started_at',
        r: { field: 'simulated', map: { true: 'for nothing' }, otherwise: 'billed' },
        s: 'code',
      },
      defaults: { d: '00000000-0000-4000-8000-00000000000a' },
      simulated: { c: 'simulated' },
    },
  );
  expect(problems).toEqual([]);
  await server.query(`
    INSERT INTO dash_relay.usage (epoch, stream_id, user_id, action, model, status, code, source, input_tokens, output_tokens,
      cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, price_version, total_ms, instance, started_at, ended_at)
    VALUES ('run', 's', '8a6e0804-2bd0-4672-b79d-d97027f9071a', 'chat', 'm', 'error', 'interrupted', 'none', 40000, 1, 2, 3, 0,
      'simulated', 1e12, 'i', '2026-11-22T12:00:00Z', '2026-11-22T23:30:00Z')`);
  await server.query("SELECT dash_relay.mirror_write('{run}')");
  const [row] = await server.query('SELECT u.*, l::text, m::text FROM app.usage AS u');
  expect(row).toEqual({
    a: 'run',
    b: '8a6e0804-2bd0-4672-b79d-d97027f9071a',
    c: 'simulated',
    d: '00000000-0000-4000-8000-00000000000a',
    e: 'bad',
    f: 32_767,
    g: '40005',
    h: '99999999.99',
    i: null,
    j: null,
    k: new Date('2026-11-22T12:00:00Z'),
    l: '2026-11-22 23:30:00',
    m: '2026-11-22',
    n: expect.objectContaining({ epoch: 'run', source: 'dash_relay' }),
    o: { by: "the relay's\\ own" },
    p: true,
    q: '2026-11-22T12:00:00.000Z',
    r: 'for nothing',
    s: 'interrupted',
  });
  await server.query('DROP TRIGGER usage_to_mirror ON dash_relay.usage');
  await server.query('TRUNCATE dash_relay.usage, dash_relay.mirror, dash_relay.mirror_rows');
});

it('names rights that the owner lacks, and row-level security that lets nothing in', async () => {
  await server.query('CREATE SCHEMA theirs; CREATE TABLE theirs.usage (a text)');
  await server.query('ALTER TABLE theirs.usage ENABLE ROW LEVEL SECURITY');
  await server.query('ALTER FUNCTION dash_relay.mirror_copy OWNER TO operator');
  const definition = definitionOf({ table: 'theirs.usage', columns: { a: 'action' } });
  const problems = async () =>
    (await asOwner(server.url('owner'), (query) => installMirror(query, definition))).problems;
  try {
    expect(await problems()).toEqual([
      'the role operator may not use the schema theirs: GRANT USAGE ON SCHEMA theirs TO operator',
      'row-level security of theirs.usage lets the role operator insert nothing: CREATE POLICY runs_arrive ON theirs.usage FOR INSERT TO operator WITH CHECK (true), or give operator BYPASSRLS',
      'the role operator may not insert into theirs.usage.a: GRANT INSERT ON theirs.usage TO operator',
    ]);
  } finally {
    await server.query('ALTER FUNCTION dash_relay.mirror_copy OWNER TO postgres');
    await server.query('DROP SCHEMA theirs CASCADE');
  }
});

it.each([
  [{ table: 'usage', columns: { a: 'action' } }, /must be a table with its schema, such as public\.ai_usage/],
  [
    { table: 'app.usage', columns: { a: 'question' } },
    /one of the fields epoch, stream_id[\s\S]*→ at columns\.a/,
  ],
  [{ table: 'app.usage', columns: {} }, /must name at least one column/],
  [{ table: 'app.usage', columns: { 'a"; DROP': 'action' } }, /must be by names of columns/],
  [{ table: 'app.usage', columns: { a: 'action' }, extra: 1 }, /extra/],
])('a file that is wrong is refused by a sentence: %j', (file, words) => {
  expect(() => definitionOf(file as MirrorFile)).toThrow(words);
});
