import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../../src/postgres/migrate.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { eventually } from '../../support/test-run.ts';
import { startShipping } from './shipping.ts';

const [ALICE, BOB] = [randomUUID(), randomUUID()];
const DENIED = { code: '42501' };

let server: PostgresServer;
let relay: pg.Client;

beforeAll(async () => {
  server = await startPostgres({ migrated: false });
  // As Supabase has them, before the migration.
  await server.query('CREATE ROLE anon NOLOGIN; CREATE ROLE authenticated NOLOGIN');
  await server.query(
    "CREATE ROLE authenticator LOGIN NOINHERIT PASSWORD 'password' IN ROLE anon, authenticated",
  );
  await migrate(server.url('owner'));
  await server.query("CREATE ROLE relay LOGIN PASSWORD 'password' IN ROLE dash_relay_writer");
  await server.query(
    'CREATE TABLE public.students (name text); CREATE SCHEMA auth; CREATE TABLE auth.users (id uuid)',
  );
  const shipping = startShipping({ url: server.url('relay') });
  await shipping.settle({ userId: ALICE }, { userId: ALICE }, { userId: BOB });
  await eventually('shipped', () => shipping.ledger.outbox.length === 0);
  await shipping.close();
  relay = new pg.Client({ connectionString: server.url('relay') });
  await relay.connect();
});
afterAll(async () => {
  await relay.end();
  await server.close();
});

/** As PostgREST runs a request: a role and the claims of its verified token, for one transaction. */
async function asApi(role: string, claims: object | undefined, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.url('relay').replace('relay:', 'authenticator:') });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(`SET LOCAL ROLE ${role}`);
    if (claims !== undefined) {
      await client.query("SELECT set_config('request.jwt.claims', $1, true)", [JSON.stringify(claims)]);
    }
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('users', () => {
  const users = 'SELECT user_id FROM dash_relay.usage';

  it('read their own runs and no others', async () => {
    expect(await asApi('authenticated', { sub: ALICE }, users)).toEqual([
      { user_id: ALICE },
      { user_id: ALICE },
    ]);
    expect(await asApi('authenticated', { sub: BOB }, users)).toEqual([{ user_id: BOB }]);
    expect(await asApi('authenticated', { sub: randomUUID() }, users)).toEqual([]);
    expect(await asApi('authenticated', { sub: BOB }, `${users} WHERE user_id = '${ALICE}'`)).toEqual([]);
  });

  it("read their own kept answers by their claims, and neither another's, nor what opens or answers a start, nor write any", async () => {
    for (const [userId, text] of [
      [ALICE, 'of Alice'],
      [BOB, 'of Bob'],
    ])
      await server.query(
        `INSERT INTO dash_relay.answers (epoch, stream_id, user_id, action, model, request_hash, head, text_length, text, lengths,
           started_at, ended_at, keep_until)
         VALUES ($1, 'stream', $2, 'chat', 'm', 'hash', 1, 8, to_json($1::text), '\\x0108', now(), now(), now() + interval '1 hour') ON CONFLICT DO NOTHING`,
        [text, userId],
      );
    const answers = 'SELECT user_id, text FROM dash_relay.answers';
    expect(await asApi('authenticated', { sub: ALICE }, answers)).toEqual([
      { user_id: ALICE, text: 'of Alice' },
    ]);
    expect(await asApi('authenticated', { sub: BOB }, `${answers} WHERE user_id = '${ALICE}'`)).toEqual([]);
    expect(await asApi('authenticated', { sub: randomUUID() }, answers)).toEqual([]);
    for (const claims of [undefined, {}]) expect(await asApi('authenticated', claims, answers)).toEqual([]);
    const denied = [
      ...['request_hash', 'lengths', 'sealed', 'seen_at', '*'].map(
        (name) => `SELECT ${name} FROM dash_relay.answers`,
      ),
      'SELECT epoch FROM dash_relay.answer_pieces',
      'SELECT until FROM dash_relay.forgotten_answers',
      'DELETE FROM dash_relay.answers',
      'UPDATE dash_relay.answers SET text = \'"forged"\'',
      `SELECT * FROM dash_relay.find_answer('${BOB}', 'stream')`,
      `SELECT dash_relay.forget_answers('${BOB}', NULL, interval '1 hour')`,
    ];
    for (const sql of denied)
      await expect(asApi('authenticated', { sub: ALICE }, sql), sql).rejects.toMatchObject(DENIED);
    await expect(asApi('anon', undefined, answers)).rejects.toMatchObject(DENIED);
  });

  it.each(['cost_usd', 'output_cost_usd', 'price_version', 'instance', '*'])(
    'do not read what an answer cost the operator, nor where it ran: %s',
    async (column) => {
      const sql = `SELECT ${column} FROM dash_relay.usage`;
      await expect(asApi('authenticated', { sub: ALICE }, sql)).rejects.toMatchObject(DENIED);
      const sorted = `SELECT epoch FROM dash_relay.usage ORDER BY ${column === '*' ? 'cost_usd' : column}`;
      await expect(asApi('authenticated', { sub: ALICE }, sorted)).rejects.toMatchObject(DENIED);
    },
  );

  it('read all else of theirs', async () => {
    const rows = await server.query(
      `SELECT column_name FROM information_schema.columns WHERE table_schema = 'dash_relay' AND table_name = 'usage'`,
    );
    const columns = rows.map((row) => String(row['column_name']));
    const theirs = columns.filter(
      (name) => !/cost|price|instance|geo|service_tier|speed|uncharged/.test(name),
    );
    expect(theirs).toHaveLength(columns.length - 8);
    const read = await asApi(
      'authenticated',
      { sub: BOB },
      `SELECT ${theirs.join(', ')} FROM dash_relay.usage`,
    );
    expect(read).toHaveLength(1);
  });

  it('read their costs where the operator says so', async () => {
    const columns = 'cost_usd, output_cost_usd, price_version';
    await server.query(`GRANT SELECT (${columns}) ON dash_relay.usage TO authenticated`);
    const sql = `SELECT ${columns} FROM dash_relay.usage`;
    expect(await asApi('authenticated', { sub: BOB }, sql)).toHaveLength(1);
    await server.query(`REVOKE SELECT (${columns}) ON dash_relay.usage FROM authenticated`);
  });

  it('without a token read nothing', async () => {
    expect(await asApi('authenticated', undefined, users)).toEqual([]);
    expect(await asApi('authenticated', {}, users)).toEqual([]);
    await expect(asApi('anon', { sub: ALICE }, users)).rejects.toMatchObject(DENIED);
  });

  it.each([
    ['add', "INSERT INTO dash_relay.usage (epoch) VALUES ('x')"],
    ['change', 'UPDATE dash_relay.usage SET cost_usd = 0'],
    ['delete', 'DELETE FROM dash_relay.usage'],
    ['read the quotas of all in place of', 'SELECT * FROM dash_relay.quota_counters'],
    ['settle the quotas of', "SELECT dash_relay.quota_settle('e', 'o', '{}', '{}', '{}')"],
    ['settle together the quotas of', "SELECT dash_relay.quota_settle_all('o', '[]')"],
    ['correct the quotas of', "SELECT dash_relay.quota_correct('e', '{}', '{}', '{}')"],
    ['by retention delete', 'CALL dash_relay.delete_usage_before(now())'],
    ['by their age delete', "CALL dash_relay.delete_usage_older_than('1 day')"],
    ['forget the quotas of', 'SELECT dash_relay.quota_forget(now())'],
  ])('cannot %s runs', async (_, sql) => {
    await expect(asApi('authenticated', { sub: ALICE }, sql)).rejects.toMatchObject(DENIED);
  });
});

describe("the relay's role", () => {
  it.each([
    ['read runs', 'SELECT * FROM dash_relay.usage'],
    ['change runs', 'UPDATE dash_relay.usage SET cost_usd = 0'],
    ['delete runs', 'DELETE FROM dash_relay.usage'],
    ['empty the table', 'TRUNCATE dash_relay.usage'],
    ['read the app', 'SELECT * FROM public.students'],
    ['read accounts', 'SELECT * FROM auth.users'],
    ['make tables', 'CREATE TABLE dash_relay.x (a int)'],
    ['drop tables', 'DROP TABLE dash_relay.usage'],
    ['pretend migrations', "INSERT INTO dash_relay.migrations VALUES ('1', 'x', 'y')"],
    ['become the owner', 'SET ROLE postgres'],
  ])('cannot %s', async (_, sql) => {
    await expect(relay.query(sql)).rejects.toMatchObject({ code: '42501' });
  });

  it('keeps the quotas', async () => {
    const { rows } = await relay.query("SELECT dash_relay.quota_settle('e', 'o', '{k}', '{2026-11}', '{5}')");
    expect(rows).toHaveLength(1);
    expect((await relay.query('SELECT used FROM dash_relay.quota_counters')).rows).toEqual([{ used: '5' }]);
  });
});
