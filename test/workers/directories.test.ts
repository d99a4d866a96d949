/** Another number of WORKERS over the same DATA_DIR: what was written before is still counted, settled and sent. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Environment } from '../../src/config/environment.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { tokenOf } from '../many-machines/machines.ts';
import type { RedisServer } from '../many-machines/redis-server.ts';
import type { PostgresServer } from '../support/postgres.ts';
import { RelayClient } from '../support/relay-client.ts';
import { dataDirectory, type RelayChild, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { endingsOf, IDENTITY, metricsOf, spawnWorkers, startBackends, sumIn, workersOf } from './machine.ts';

const EVENTUALLY = 180_000;
const PACE = { firstTokenMs: 5, deltasPerSecond: 500 } as const;
const open = new AsyncDisposableStack();
let postgres: PostgresServer;
let redis: RedisServer;
let simulator: Simulator;

beforeAll(async () => {
  ({ postgres, redis, simulator } = await startBackends(open, PACE));
}, EVENTUALLY);
afterAll(() => open.disposeAsync());

const settings = (): Environment => ({ ...upstreamAt(simulator.url), REDIS_URL: redis.url });

/** So many users, each with a connection and an answer. */
async function answers(relay: RelayChild, users: number): Promise<void> {
  const clients = Array.from(
    { length: users },
    (_, user) => new RelayClient({ url: relay.url, token: tokenOf(user + 1) }),
  );
  await Promise.all(clients.map((client) => client.connect()));
  for (const client of clients) client.start();
  await Promise.all(clients.map(endingsOf));
  await Promise.all(clients.map((client) => client.close()));
}

async function stop(relay: RelayChild): Promise<void> {
  relay.kill('SIGTERM');
  expect(await relay.exited).toEqual({ code: 0, signal: null });
}

const inPostgres = () =>
  postgres.query<{ epoch: string; instance: string; status: string }>(
    'SELECT epoch, instance, status FROM dash_relay.usage ORDER BY epoch',
  );

it('rows of workers that are no more are settled and sent by those that are, each once', {
  timeout: EVENTUALLY,
}, async () => {
  using data = dataDirectory();
  const three = await spawnWorkers(3, data.path, settings());
  await answers(three, 24);
  // Live answers of a crash are left open in all ledgers.
  const workers = workersOf(three);
  simulator.always({ long: true, pace: { firstTokenMs: 5, deltasPerSecond: 20 } });
  const clients = Array.from(
    { length: 12 },
    (_, user) => new RelayClient({ url: three.url, token: tokenOf(100 + user) }),
  );
  await Promise.all(clients.map((client) => client.connect()));
  await Promise.all(
    clients.map((client) => {
      const stream = client.start();
      return client.until(() => stream.seq > 2 || undefined);
    }),
  );
  three.kill('SIGKILL');
  for (const pid of workers) process.kill(pid, 'SIGKILL');
  await three.exited;
  simulator.always({ pace: PACE });
  const written = (await three.usageRows()).map(({ epoch }) => epoch).sort();
  expect(written).toHaveLength(36);

  const withPostgres = { ...settings(), DATABASE_URL: postgres.url('relay') };
  const one = open.use(await spawnRelay(data.path, { ...IDENTITY, ...withPostgres }));
  await one.logged('a ledger without a process is taken over', 3);
  await answers(one, 1);
  await eventually('all rows are in Postgres', async () => (await inPostgres()).length === 37);
  const rows = await inPostgres();
  expect(rows.filter(({ epoch }) => written.includes(epoch))).toHaveLength(36);
  expect(rows.filter(({ status }) => status === 'done')).toHaveLength(25);
  expect(new Set(rows.map(({ instance }) => instance))).toEqual(new Set(['m', 'm-1', 'm-2', 'm-3']));
  await eventually('nothing waits', async () => sumIn(await metricsOf(one), 'dash_usage_rows_waiting') === 0);
  await stop(one);
  expect((await one.usageRows()).filter(({ status }) => status === 'running')).toEqual([]);
  expect(await one.usageRows()).toHaveLength(37);

  // And what a single process left is sent by several: rows of an outage, here.
  postgres.pause();
  const again = open.use(await spawnRelay(data.path, { ...IDENTITY, ...withPostgres }));
  await answers(again, 2);
  again.kill('SIGKILL');
  await again.exited;
  postgres.resume();
  const two = open.use(await spawnWorkers(2, data.path, withPostgres));
  await eventually('those as well', async () => (await inPostgres()).length === 39);
  await two.logged('a ledger without a process has nothing left to send');
  await stop(two);
});

it('without Postgres a quota counts what all processes used, those of before too', {
  timeout: EVENTUALLY,
}, async () => {
  using data = dataDirectory();
  const questions = 50; // a month and action, of the plan `free`
  const free = (user: number) => tokenOf(user, 'free');
  const environment = { ...settings(), LOG_LEVEL: 'info' };
  let answered = 0;
  const askUntilRefused = async (relay: RelayChild): Promise<void> => {
    for (;;) {
      const client = new RelayClient({ url: relay.url, token: free(7) });
      await client.connect();
      const streams = Array.from({ length: 5 }, () => client.start());
      await client.until(() => streams.every(({ over }) => over) || undefined);
      await client.close();
      answered += streams.filter(({ refusal }) => refusal === undefined).length;
      if (streams.some(({ refusal }) => refusal?.code === 'quota_exceeded')) return;
      if (answered >= 30 && relay === first) return;
    }
  };
  const first = open.use(await spawnRelay(data.path, { ...IDENTITY, ...environment }));
  await askUntilRefused(first);
  await stop(first);
  expect(answered).toBe(30);
  const two = open.use(await spawnWorkers(2, data.path, environment));
  await askUntilRefused(two);
  expect(answered).toBe(questions);
  await stop(two);
});
