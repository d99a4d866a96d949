/** What stays of users who are deleted, as the operator chose. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { chooseErasure, type Erasure } from '../../../src/postgres/erasure.ts';
import { asOwner } from '../../../src/postgres/owner.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { eventually } from '../../support/test-run.ts';
import { manyRuns, type Shipping, startShipping } from './shipping.ts';

const ZEROS = '00000000-0000-0000-0000-000000000000';
/** As Supabase has it: the table is another's, and whoever deletes there may do nothing here. */
const AUTH = `
  CREATE SCHEMA auth;
  CREATE TABLE auth.users (id uuid PRIMARY KEY, deleted_at timestamptz);
  GRANT USAGE ON SCHEMA auth TO auth_admin;
  GRANT SELECT, UPDATE, DELETE ON auth.users TO auth_admin`;

let server: PostgresServer;
let shipping: Shipping;

beforeAll(async () => {
  server = await startPostgres();
  await server.query('CREATE ROLE auth_admin NOLOGIN');
});
beforeEach(async () => {
  await server.query(AUTH);
  shipping = startShipping({ url: server.url('relay') });
});
afterEach(async () => {
  await shipping.close();
  await choose('keep');
  await server.query(
    'DROP SCHEMA auth CASCADE; TRUNCATE dash_relay.usage, dash_relay.erased_users, dash_relay.erasure, dash_relay.quota_counters, dash_relay.mirror_rows',
  );
});
afterAll(() => server.close());

const choose = (erasure: Erasure) => asOwner(server.url('owner'), (query) => chooseErasure(query, erasure));

async function newUser(): Promise<string> {
  const id = randomUUID();
  await server.query('INSERT INTO auth.users (id) VALUES ($1)', [id]);
  return id;
}

const asAdmin = (statement: string, id: string) =>
  server.query(`SET ROLE auth_admin; ${statement.replace('$1', `'${id}'`)}`);
const shipped = () => eventually('shipped', () => shipping.ledger.outbox.length === 0);

/** By school, what no deletion may change. */
const sums = () =>
  server.query(`
    SELECT organization_id, action, count(*)::int AS runs, sum(input_tokens + output_tokens)::int AS tokens, sum(cost_usd) AS cost
    FROM dash_relay.usage GROUP BY 1, 2 ORDER BY 1, 2`);
const owners = () =>
  server.query<{ user_id: string; runs: number; named: boolean }>(`
    SELECT user_id, count(*)::int AS runs, bool_or(request_id IS NOT NULL OR stream_id <> 'erased') AS named
    FROM dash_relay.usage GROUP BY 1 ORDER BY 2`);

async function runsOf(users: readonly string[]): Promise<void> {
  await shipping.settle(
    ...users.flatMap((userId, n) =>
      manyRuns(3 + n).map(() => ({ userId, organizationId: `school-${n % 2}` })),
    ),
  );
  await shipped();
}

it.each<['clear' | 'pseudonymise', number]>([
  ['clear', 2],
  ['pseudonymise', 3],
])('%s: runs of deleted users are nobody’s, and sums by school stay', async (erasure, ids) => {
  expect(await choose(erasure)).toBe(true);
  const [first, second, other] = [await newUser(), await newUser(), await newUser()];
  await runsOf([first, second, other]);
  const before = await sums();
  await asAdmin('DELETE FROM auth.users WHERE id = $1', first);
  await asAdmin('UPDATE auth.users SET deleted_at = now() WHERE id = $1', second);

  expect(await sums()).toEqual(before);
  const rows = await owners();
  expect(rows).toHaveLength(ids);
  expect(rows.filter(({ named }) => named)).toEqual([{ user_id: other, runs: 5, named: true }]);
  const erased = rows.filter(({ named }) => !named).map(({ user_id, runs }) => ({ user_id, runs }));
  expect(JSON.stringify(rows)).not.toMatch(new RegExp(`${first}|${second}`));
  expect(erased).toEqual(
    erasure === 'clear'
      ? [{ user_id: ZEROS, runs: 7 }]
      : [
          { user_id: expect.any(String) as string, runs: 3 },
          { user_id: expect.any(String) as string, runs: 4 },
        ],
  );
});

it('runs that arrive after their user was deleted are nobody’s as well', async () => {
  await choose('pseudonymise');
  const user = await newUser();
  await runsOf([user]);
  await asAdmin('DELETE FROM auth.users WHERE id = $1', user);
  await runsOf([user]);
  const [row, ...others] = await owners();
  expect(row).toMatchObject({ runs: 6, named: false });
  expect(row?.user_id).not.toBe(user);
  expect(others).toEqual([]);
});

it('what a deleted user has used of a quota is forgotten, and that of others is not', async () => {
  await choose('clear');
  const [user, other] = [await newUser(), await newUser()];
  await server.query(
    `INSERT INTO dash_relay.quota_counters (key, period) SELECT key, '2026-11' FROM unnest($1::text[]) AS key`,
    [
      [
        `tokens:user:${user}`,
        `requests:chat:user:${user}`,
        `tokens:user:${other}`,
        'tokens:organization:school-1',
      ],
    ],
  );
  await asAdmin('DELETE FROM auth.users WHERE id = $1', user);
  expect(await server.query('SELECT key FROM dash_relay.quota_counters ORDER BY 1')).toEqual([
    { key: 'tokens:organization:school-1' },
    { key: `tokens:user:${other}` },
  ]);
});

it('what waits to be mirrored of a deleted user is not mirrored any more', async () => {
  await choose('pseudonymise');
  const user = await newUser();
  await runsOf([user]);
  await server.query('INSERT INTO dash_relay.mirror_rows (epoch) SELECT epoch FROM dash_relay.usage');
  await server.query('INSERT INTO auth.users (id) VALUES (gen_random_uuid())');
  await asAdmin('DELETE FROM auth.users WHERE id = $1', user);
  expect(await server.query('SELECT FROM dash_relay.mirror_rows')).toEqual([]);
});

it('without auth.users the operator’s own function does it, and says where nothing was chosen', async () => {
  await server.query('DROP SCHEMA auth CASCADE; ');
  const user = randomUUID();
  await expect(server.query('SELECT dash_relay.erase_user($1)', [user])).rejects.toThrow(
    /run dash-relay migrate with ERASED_USERS/,
  );
  expect(await choose('clear')).toBe(false);
  await runsOf([user]);
  expect(await server.query('SELECT dash_relay.erase_user($1)::int AS runs', [user])).toEqual([{ runs: 3 }]);
  expect(await owners()).toEqual([{ user_id: ZEROS, runs: 3, named: false }]);
  await server.query(AUTH);
});

it('keep: nothing becomes of them', async () => {
  await choose('clear');
  await choose('keep');
  const user = await newUser();
  await runsOf([user]);
  await asAdmin('DELETE FROM auth.users WHERE id = $1', user);
  expect(await owners()).toEqual([{ user_id: user, runs: 3, named: true }]);
});

it('the relay may erase nobody', async () => {
  await choose('clear');
  const client = new pg.Client({ connectionString: server.url('relay') });
  await client.connect();
  try {
    await expect(client.query('SELECT dash_relay.erase_user(gen_random_uuid())')).rejects.toThrow(
      /permission denied/,
    );
    await expect(client.query('SELECT salt FROM dash_relay.erasure')).rejects.toThrow(/permission denied/);
  } finally {
    await client.end();
  }
});
