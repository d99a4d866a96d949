/** Runs on their way into the app's table, also where it does not take them. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { MirrorFile } from '../../src/mirror/definition.ts';
import { installMirror } from '../../src/mirror/install.ts';
import { recopy } from '../../src/mirror/recopy.ts';
import { asOwner } from '../../src/postgres/owner.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { eventually } from '../support/test-run.ts';
import { epochsIn, manyRuns } from '../usage/postgres/shipping.ts';
import { STARTED_AT } from '../usage/runs.ts';
import { definitionOf, type Mirroring, startMirroring } from './mirroring.ts';

const TABLE = `
  CREATE TABLE app.runs (run text NOT NULL UNIQUE, action text NOT NULL, school uuid NOT NULL, cost numeric(12, 9));
  CREATE TABLE app.counts (school uuid PRIMARY KEY, runs integer NOT NULL);
  CREATE FUNCTION app.count_run(run dash_relay.usage) RETURNS void LANGUAGE sql AS $$
    INSERT INTO counts AS c VALUES (coalesce(run.organization_id, '00000000-0000-4000-8000-000000000000')::uuid, 1)
      ON CONFLICT (school) DO UPDATE SET runs = c.runs + 1
  $$`;
const FILE: MirrorFile = {
  table: 'app.runs',
  columns: { run: 'epoch', action: 'action', school: 'organization_id', cost: 'cost_usd' },
  defaults: { school: '00000000-0000-4000-8000-000000000000' },
};

let server: PostgresServer;
let mirroring: Mirroring;

beforeAll(async () => {
  server = await startPostgres();
});
beforeEach(() =>
  server.query(
    `CREATE SCHEMA app; ${TABLE.replaceAll('RETURNS void', 'RETURNS void SET search_path = app')}`,
  ),
);
afterEach(async () => {
  await mirroring.close();
  await server.query(`
    DROP SCHEMA app CASCADE;
    DROP TRIGGER IF EXISTS usage_to_mirror ON dash_relay.usage;
    TRUNCATE dash_relay.usage, dash_relay.mirror, dash_relay.mirror_rows`);
});
afterAll(() => server.close());

async function install(more: Partial<MirrorFile> = {}): Promise<void> {
  const definition = definitionOf({ ...FILE, ...more });
  const { problems } = await asOwner(server.url('owner'), (query) => installMirror(query, definition));
  expect(problems).toEqual([]);
}

function start(options: Partial<Parameters<typeof startMirroring>[0]> = {}): Mirroring {
  mirroring = startMirroring({ url: server.url('relay'), ...options });
  return mirroring;
}

/** The runs in the app's table, sorted, each as often as it is there. */
async function mirrored(): Promise<string[]> {
  const rows = await server.query<{ run: string }>('SELECT run FROM app.runs');
  return rows.map(({ run }) => run).toSorted();
}

const has = (epochs: readonly string[]) =>
  eventually('mirrored', async () => (await mirrored()).length >= epochs.length);
const refused = (count: number) => eventually('refused', () => mirroring.copier.failed === count);

it('each run is there once, and the function that counts was called with it', async () => {
  await install({ counters: 'app.count_run' });
  const { settle } = start();
  const school = randomUUID();
  const epochs = await settle(...manyRuns(450), ...manyRuns(50).map(() => ({ organizationId: school })));
  await has(epochs);
  expect(await mirrored()).toEqual(epochs.toSorted());
  expect(await server.query('SELECT * FROM app.counts WHERE school = $1', [school])).toEqual([
    { school, runs: 50 },
  ]);
  expect(mirroring.mirrorEvents).toEqual([]);
});

it('runs that are refused are named, kept and tried again, and hold up no other', async () => {
  await install();
  const { settle, mirrorEvents, ledger } = start();
  await server.query("ALTER TABLE app.runs ADD CONSTRAINT no_chat CHECK (action <> 'chat')");
  const bad = await settle(...manyRuns(120));
  const good = await settle(...manyRuns(30).map(() => ({ action: 'homework_help' })));
  await refused(120);
  await has(good);
  expect(await mirrored()).toEqual(good.toSorted());
  expect(ledger.outbox).toMatchObject({ length: 0, refused: 0 });
  expect(await epochsIn(server)).toEqual([...bad, ...good].toSorted());
  const events = mirrorEvents.flatMap((event) => (event.kind === 'refused' ? [event] : []));
  expect(events.reduce((sum, { rows }) => sum + rows, 0)).toBe(120);
  expect(events[0]).toMatchObject({
    table: 'app.runs',
    sqlstate: '23514',
    column: null,
    constraint: 'no_chat',
  });

  // Some of each cause are tried when their time has come; one that succeeds brings all others.
  await server.query('ALTER TABLE app.runs DROP CONSTRAINT no_chat');
  await server.query('UPDATE dash_relay.mirror_rows SET next_at = now() WHERE state = $1', ['failed']);
  mirroring.copier.wake();
  await has([...bad, ...good]);
  expect(await mirrored()).toEqual([...bad, ...good].toSorted());
  await eventually('told', () => mirrorEvents.some(({ kind }) => kind === 'mended'));
  expect(mirrorEvents.at(-1)).toEqual({ kind: 'mended', table: 'app.runs', rows: 120 });
});

it('a column that became NOT NULL is named with what to do', async () => {
  await install();
  const { settle, mirrorEvents } = start();
  const before = await settle({});
  await has(before);
  await server.query("ALTER TABLE app.runs ADD COLUMN district text NOT NULL DEFAULT 'north'");
  await server.query('ALTER TABLE app.runs ALTER COLUMN district DROP DEFAULT');
  const epochs = await settle(...manyRuns(3));
  await refused(3);
  expect(mirrorEvents).toContainEqual({
    kind: 'refused',
    table: 'app.runs',
    sqlstate: '23502',
    column: 'district',
    constraint: null,
    rows: 3,
  });
  await eventually('checked', () => mirroring.copier.problems === 1);
  expect(mirrorEvents).toContainEqual({
    kind: 'problem',
    problem:
      'app.runs.district is NOT NULL without a default, and the mirror file gives it nothing: map it to a field, give it a value under "defaults", or drop NOT NULL',
  });

  await install({ defaults: { ...FILE.defaults, district: 'unknown' } });
  mirroring.copier.wake();
  await has([...before, ...epochs]);
  expect(await mirrored()).toEqual([...before, ...epochs].toSorted());
});

it('a function that fails takes its run back, and both come together', async () => {
  await install({ counters: 'app.count_run' });
  const { settle, mirrorEvents } = start();
  await server.query('ALTER TABLE app.counts ADD CONSTRAINT few CHECK (runs <= 2)');
  const epochs = await settle(...manyRuns(5));
  await refused(3);
  expect(await mirrored()).toHaveLength(2);
  expect(mirrorEvents[0]).toMatchObject({ kind: 'refused', sqlstate: '23514', constraint: 'few', rows: 3 });
  await server.query('ALTER TABLE app.counts DROP CONSTRAINT few');
  await server.query('UPDATE dash_relay.mirror_rows SET next_at = now()');
  mirroring.copier.wake();
  await has(epochs);
  await eventually('counted', async () => {
    const [counted] = await server.query<{ runs: number }>('SELECT runs FROM app.counts');
    return counted?.runs === 5;
  });
  expect(await mirrored()).toEqual(epochs.toSorted());
});

it('while the table is locked usage rows arrive, and afterwards each run is there once', async () => {
  await install();
  const { settle, mirrorEvents, ledger } = start();
  const locker = new pg.Client({ connectionString: server.url('owner') });
  await locker.connect();
  try {
    await locker.query('BEGIN; LOCK TABLE app.runs IN ACCESS EXCLUSIVE MODE');
    const epochs = await settle(...manyRuns(300));
    await eventually('shipped', () => ledger.outbox.length === 0);
    expect(await epochsIn(server)).toEqual(epochs.toSorted());
    await eventually('told', () => mirrorEvents.length > 0);
    expect(mirrorEvents).toEqual([
      { kind: 'stopped', cause: expect.stringContaining('lock timeout') as string },
    ]);
    expect(mirroring.copier.up).toBe(false);
    await locker.query('COMMIT');
    await has(epochs);
    expect(await mirrored()).toEqual(epochs.toSorted());
    await eventually('up', () => mirroring.copier.up);
  } finally {
    await locker.end();
  }
});

it('several relays copy each run once', async () => {
  await install();
  const first = start();
  const others = Array.from({ length: 3 }, () => startMirroring({ url: server.url('relay') }));
  try {
    const settled = await Promise.all([first, ...others].map(({ settle }) => settle(...manyRuns(200))));
    const epochs = settled.flat();
    for (const { copier } of others) copier.wake();
    await has(epochs);
    expect(await mirrored()).toEqual(epochs.toSorted());
  } finally {
    for (const other of others) await other.close();
  }
});

it('a re-copy brings what was there before the mirror, and what was deleted from the table, each once', async () => {
  const { settle, ledger } = start();
  const old = await settle({ startedAt: STARTED_AT - 86_400_000 });
  const before = await settle(...manyRuns(10));
  await eventually('shipped', () => ledger.outbox.length === 0);
  await install();
  const after = await settle(...manyRuns(10));
  mirroring.copier.wake();
  await has(after);
  expect(await mirrored()).toEqual(after.toSorted());
  await server.query('DELETE FROM app.runs WHERE run = ANY ($1)', [after.slice(0, 4)]);
  // Somebody brought one by hand.
  await server.query("INSERT INTO app.runs VALUES ($1, 'chat', gen_random_uuid(), 0)", [before[0]]);

  const again = () =>
    asOwner(server.url('owner'), (query) => recopy(query, definitionOf(FILE), new Date(STARTED_AT)));
  expect(await again()).toEqual({ copied: 13, waiting: 0, failed: 0, compared: true });
  expect(await mirrored()).toEqual([...before, ...after].toSorted());
  expect(await mirrored()).not.toContain(old[0]);
  expect(await again()).toEqual({ copied: 0, waiting: 0, failed: 0, compared: true });
});

it('a run that is deleted is forgotten', async () => {
  await install();
  const { settle } = start();
  const epochs = await settle(...manyRuns(4));
  await has(epochs);
  const kept = () => server.query('SELECT FROM dash_relay.mirror_rows');
  expect(await kept()).toHaveLength(4);
  await server.query('DELETE FROM dash_relay.usage WHERE epoch = $1', [epochs[0]]);
  expect(await kept()).toHaveLength(3);
  await server.query('TRUNCATE dash_relay.usage');
  expect(await kept()).toEqual([]);
});

it('simulated runs are left out where the file says so', async () => {
  await install({ simulated: 'skip' });
  const { settle } = start();
  const insert = `
    INSERT INTO dash_relay.usage (epoch, stream_id, user_id, action, model, status, source, input_tokens, output_tokens,
      cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, price_version, instance, started_at, ended_at)
    VALUES ('simulated', 's', gen_random_uuid(), 'chat', 'm', 'done', 'final', 1, 1, 0, 0, 0, 'simulated', 'i', now(), now())`;
  await server.query(insert);
  const epochs = await settle({});
  await has(epochs);
  expect(await mirrored()).toEqual(epochs);
});

it('says that the database has another mirror than MIRROR_FILE, or none', async () => {
  const other = definitionOf({ ...FILE, defaults: { school: randomUUID() } });
  start({ wanted: other });
  await eventually('told', () => mirroring.mirrorEvents.length === 1);
  expect(mirroring.mirrorEvents).toEqual([
    {
      kind: 'problem',
      problem: 'there is no mirror in the database, but MIRROR_FILE is set: run `dash-relay migrate`',
    },
  ]);
  await mirroring.close();
  await install();
  start({ wanted: other });
  await eventually('told', () => mirroring.mirrorEvents.length === 1);
  expect(mirroring.mirrorEvents).toEqual([
    {
      kind: 'problem',
      problem: 'the mirror in the database is not that of MIRROR_FILE: run `dash-relay migrate`',
    },
  ]);
});
