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
import {
  allGone,
  endingsOf,
  IDENTITY,
  killWorker,
  metricsOf,
  spawnWorkers,
  startBackends,
  sumIn,
  workersOf,
} from './machine.ts';

const EVENTUALLY = 180_000;
const PACE = { firstTokenMs: 5, deltasPerSecond: 500 } as const;
const LIVE = 12;
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

/** Each of another user. */
async function liveClients(relay: RelayChild): Promise<readonly RelayClient[]> {
  simulator.always({ long: true, pace: { firstTokenMs: 5, deltasPerSecond: 20 } });
  const clients = Array.from(
    { length: LIVE },
    (_, user) => new RelayClient({ url: relay.url, token: tokenOf(100 + user) }),
  );
  await Promise.all(clients.map((client) => client.connect()));
  await Promise.all(
    clients.map((client) => {
      const stream = client.start();
      return client.until(() => stream.seq > 2 || undefined);
    }),
  );
  simulator.always({ pace: PACE });
  return clients;
}

const inPostgres = () =>
  postgres.query<{ epoch: string; instance: string; status: string }>(
    'SELECT epoch, instance, status FROM dash_relay.usage ORDER BY epoch',
  );

it('a parent that is killed leaves nobody behind; rows of workers that are no more are settled and sent, each once', {
  timeout: EVENTUALLY,
}, async () => {
  using data = dataDirectory();
  const three = await spawnWorkers(3, data.path, { ...settings(), DRAIN_MS: '60000' });
  await answers(three, 24);
  const workers = workersOf(three);
  const clients = await liveClients(three);
  // One of them is killed as well, and leaves its live answers open.
  const last = three.logLines.findLast(({ msg }) => msg === 'connection opened')?.['worker'];
  three.kill('SIGKILL');
  killWorker(workers, Number(last) - 1);
  await allGone(workers);
  await Promise.all(clients.map((client) => client.closed));
  const written = await three.usageRows();
  expect(written).toHaveLength(24 + LIVE);
  const left = written.filter(({ status }) => status === 'running').length;
  expect(left).toBeGreaterThan(0);
  expect(written.filter(({ code }) => code === 'interrupted')).toHaveLength(LIVE - left);

  const withPostgres = { ...settings(), DATABASE_URL: postgres.url('relay') };
  const { port } = new URL(three.url);
  const one = open.use(await spawnRelay(data.path, { ...IDENTITY, ...withPostgres, PORT: port }));
  const taken = await one.logged('a ledger without a process is taken over', 3);
  expect(taken.reduce((sum, { interrupted }) => sum + Number(interrupted), 0)).toBe(left);
  await answers(one, 1);
  const all = 24 + LIVE + 1;
  await eventually('all rows are in Postgres', async () => (await inPostgres()).length === all);
  const rows = await inPostgres();
  const epochs = new Set(written.map(({ epoch }) => epoch));
  expect(rows.filter(({ epoch }) => epochs.has(epoch))).toHaveLength(24 + LIVE);
  expect(rows.filter(({ status }) => status === 'done')).toHaveLength(25);
  expect(new Set(rows.map(({ instance }) => instance))).toEqual(new Set(['m', 'm-1', 'm-2', 'm-3']));
  await eventually('nothing waits', async () => sumIn(await metricsOf(one), 'dash_usage_rows_waiting') === 0);
  expect((await one.usageRows()).filter(({ status }) => status === 'running')).toEqual([]);
  expect(await one.usageRows()).toHaveLength(all);

  // And what a single process left is sent by several: rows of an outage, here.
  postgres.pause();
  await answers(one, 2);
  one.kill('SIGKILL');
  await one.exited;
  postgres.resume();
  const two = open.use(await spawnWorkers(2, data.path, withPostgres));
  await eventually('those as well', async () => (await inPostgres()).length === all + 2);
  await two.logged('a ledger without a process has nothing left to send');
  two.kill('SIGTERM');
  expect(await two.exited).toEqual({ code: 0, signal: null });
});
