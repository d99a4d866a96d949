import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPostgresPool, type PostgresPool } from '../../../src/postgres/pool.ts';
import { ask, askWhole, type ChatBody } from '../../support/http-doors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../../support/relay-process.ts';
import { eventually } from '../../support/test-run.ts';

let server: PostgresServer;
let pool: PostgresPool | undefined;

beforeAll(async () => {
  server = await startPostgres();
});
afterEach(async () => {
  await pool?.close();
  pool = undefined;
  await server.query('ALTER ROLE relay CONNECTION LIMIT -1');
  await server.query('ALTER ROLE relay RESET ALL');
});
afterAll(() => server.close());

let asked = 0;
function question(): ChatBody {
  asked += 1;
  return { id: `question-${asked}-of-a-pool`, action: 'chat', messages: [{ role: 'user', content: 'Hi' }] };
}

const PACE = { firstTokenMs: 1, deltasPerSecond: 1000 } as const;

async function startRelay(): Promise<SimulatedRelay> {
  return await startSimulatedRelay(
    { pace: PACE },
    { DATABASE_URL: server.url('relay'), QUOTA_ON_OUTAGE: 'deny', STARTS_PER_MINUTE: '1000' },
  );
}

async function answers(relay: SimulatedRelay, count: number): Promise<void> {
  const token = await relay.token();
  const given = await Promise.all(
    Array.from({ length: count }, () => askWhole(relay.url, token, { ...question(), model: 'sim:fast' })),
  );
  expect(given.filter(({ error }) => error !== undefined)).toEqual([]);
}

async function metric(relay: SimulatedRelay, name: string): Promise<number> {
  const { body } = await ask(`${relay.url}/metrics`);
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(body)?.[1]);
}

const SCARCE = 'Postgres gives fewer connections than DATABASE_POOL: statements share them';
const connections = async () =>
  (await server.query("SELECT FROM pg_stat_activity WHERE usename = 'relay'")).length;
const errorsOf = (relay: SimulatedRelay) => relay.logLines.filter(({ level }) => level === 'error');
const arrived = async () => (await server.query('SELECT FROM dash_relay.usage')).length;
const closeIdle = () =>
  server.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'relay' AND state = 'idle'",
  );

/** A proxy that takes every connection, and forwards no more than the first ones. */
async function startFullPooler(target: number, forwarded: number) {
  const held = new Set<Socket>();
  let taken = 0;
  const proxy = createServer((client) => {
    client.on('error', () => {});
    taken += 1;
    if (taken <= forwarded) {
      const postgres = connect(target, '127.0.0.1').on('error', () => {});
      client.pipe(postgres).pipe(client);
    } else held.add(client.resume().on('close', () => held.delete(client)));
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    port: (proxy.address() as AddressInfo).port,
    /** Connections that wait for a server. */
    get waiting() {
      return held.size;
    },
    async close() {
      for (const client of held) client.destroy();
      await new Promise((resolve) => void proxy.close(resolve));
    },
  };
}

/** Answers that begin together: more than there are connections, and few enough for one connection of a busy machine. */
const AT_ONCE = 8;

describe('where Postgres gives fewer connections than asked for', () => {
  it.each([1, 2, 3])('%i do for quotas and usage rows alike', async (limit) => {
    await server.query('TRUNCATE dash_relay.usage');
    await server.query(`ALTER ROLE relay CONNECTION LIMIT ${limit}`);
    await using relay = await startRelay();
    await answers(relay, AT_ONCE);
    expect(await metric(relay, 'dash_quota_alone')).toBe(0);
    await eventually('all rows have arrived', async () => (await arrived()) === AT_ONCE);
    await eventually('one more was refused', async () => {
      await answers(relay, AT_ONCE);
      return relay.logLines.some(({ msg }) => msg === SCARCE);
    });
    expect(await connections()).toBe(limit);
    expect(errorsOf(relay)).toEqual([]);
    expect(relay.logLines.filter(({ msg }) => msg === SCARCE)).toMatchObject([
      { level: 'warn', connections: limit, wanted: 5 },
    ]);
  });

  it('statements in excess wait for the others', async () => {
    await server.query('ALTER ROLE relay CONNECTION LIMIT 1');
    const scarce: unknown[] = [];
    pool = openPostgresPool(server.url('relay'), 5, (event) => void scarce.push(event));
    const { query } = pool;
    const rows = await Promise.all(Array.from({ length: 30 }, (_, n) => query('SELECT $1::int AS n', [n])));
    expect(rows.map((each) => each.rows)).toEqual(Array.from({ length: 30 }, (_, n) => [{ n }]));
    await eventually('more were refused', () => scarce.length > 0);
    expect(scarce).toEqual([{ connections: 1, wanted: 5 }]);
  });

  it('what may wait goes last, and leaves one of several connections alone', async () => {
    await server.query('ALTER ROLE relay CONNECTION LIMIT 2');
    pool = openPostgresPool(server.url('relay'), 2, () => {});
    const { query, queryInBackground } = pool;
    await eventually('both are open', async () => {
      await Promise.all([query('SELECT 1', []), query('SELECT 1', [])]);
      return (await connections()) === 2;
    });
    const order: string[] = [];
    const noted = (name: string, answer: Promise<unknown>) => answer.then(() => order.push(name));
    await Promise.all([
      noted('behind 1', queryInBackground('SELECT pg_sleep(0.3)', [])),
      noted('behind 2', queryInBackground('SELECT pg_sleep(0.3)', [])),
      noted('first', query('SELECT 1', [])),
    ]);
    expect(order).toEqual(['first', 'behind 1', 'behind 2']);
  });

  it('statements do not wait for one that a pooler lets hang', async () => {
    const hanging = await startFullPooler(server.port, 2);
    pool = openPostgresPool(server.url('relay', hanging.port), 5, () => {});
    const { query } = pool;
    const ask = () => Promise.all(Array.from({ length: 30 }, () => query('SELECT 1', [])));
    await eventually('a third is asked for', async () => {
      await ask();
      return hanging.waiting > 0;
    });
    await ask();
    expect(hanging.waiting).toBe(1);
    await pool.close();
    pool = undefined;
    await hanging.close();
  });

  it('none at all is an outage', async () => {
    await server.query('ALTER ROLE relay CONNECTION LIMIT 0');
    pool = openPostgresPool(server.url('relay'), 5, () => {});
    await expect(pool.query('SELECT 1', [])).rejects.toMatchObject({ code: '53300' });
    await server.query('ALTER ROLE relay CONNECTION LIMIT -1');
    await pool.query('SELECT 1', []);
  });
});

describe('a pooler that closes idle connections', () => {
  it.each([
    ['by a timeout of its own', '1s', async () => {}],
    ['all at once', '0', closeIdle],
  ])('%s is no failure', async (_, timeout, close) => {
    await server.query(`ALTER ROLE relay SET idle_session_timeout = '${timeout}'`);
    await using relay = await startRelay();
    for (let round = 0; round < 3; round += 1) {
      await answers(relay, 5);
      await eventually('none is left', async () => {
        await close();
        return (await connections()) === 0;
      });
    }
    await answers(relay, 5);
    expect(await metric(relay, 'dash_quota_alone')).toBe(0);
    expect(errorsOf(relay)).toEqual([]);
    expect(relay.logLines.filter(({ level, msg }) => level === 'warn' && /ostgres/.test(msg))).toEqual([]);
  });

  it('while more of them are opened says nothing of how many there are', async () => {
    const scarce: unknown[] = [];
    for (let round = 0; round < 10; round += 1) {
      const growing = openPostgresPool(server.url('relay'), 5, (event) => void scarce.push(event));
      const answered = Promise.all(Array.from({ length: 100 }, () => growing.query('SELECT 1', [])));
      for (let times = 0; times < 5; times += 1) await closeIdle();
      await answered;
      await growing.close();
    }
    expect(scarce).toEqual([]);
  });

  it('in the moment in which statements come loses none of them', async () => {
    pool = openPostgresPool(server.url('relay'), 3, () => {});
    const { query } = pool;
    for (let round = 0; round < 10; round += 1) {
      await Promise.all([query('SELECT 1', []), query('SELECT 1', []), query('SELECT 1', [])]);
      const closing = closeIdle();
      const rows = await Promise.all([query('SELECT 2 AS n', []), query('SELECT 2 AS n', [])]);
      expect(rows.map((each) => each.rows)).toEqual([[{ n: 2 }], [{ n: 2 }]]);
      await closing;
    }
  });
});

it('a statement that Postgres refuses leaves its connection as it was', async () => {
  pool = openPostgresPool(server.url('relay'), 1, () => {});
  const { query } = pool;
  const pid = async () => (await query('SELECT pg_backend_pid() AS pid', [])).rows;
  const before = await pid();
  await expect(query('SELECT 1 / 0', [])).rejects.toMatchObject({ code: '22012' });
  expect(await pid()).toEqual(before);
});
