/** Several processes on one machine, seen by its users and its operator. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { tokenOf } from '../many-machines/machines.ts';
import type { RedisServer } from '../many-machines/redis-server.ts';
import { requireCataloguedMetrics } from '../support/catalogued-metrics.ts';
import { ask } from '../support/http-doors.ts';
import type { PostgresServer } from '../support/postgres.ts';
import { RelayClient } from '../support/relay-client.ts';
import { dataDirectory, type RelayChild, upstreamAt } from '../support/relay-process.ts';
import { eventually, LONG, percentiles, report } from '../support/test-run.ts';
import {
  endingsOf,
  metricsOf,
  readinessOf,
  spawnWorkers,
  startBackends,
  sumIn,
  workersOf,
} from './machine.ts';

const EVENTUALLY = 180_000;
const CLIENTS = 40;
const PER_USER = 6;
const PACE = { firstTokenMs: 20, deltasPerSecond: 100 } as const;

const open = new AsyncDisposableStack();
let postgres: PostgresServer;
let redis: RedisServer;
let simulator: Simulator;
let relay: RelayChild;

beforeAll(async () => {
  ({ postgres, redis, simulator } = await startBackends(open, PACE));
  relay = open.use(
    await spawnWorkers(2, open.use(dataDirectory()).path, {
      ...upstreamAt(simulator.url),
      DATABASE_URL: postgres.url('relay'),
      REDIS_URL: redis.url,
      MAX_CONNECTIONS_PER_USER: String(PER_USER),
      DRAIN_MS: '30000',
      LOG_LEVEL: 'info',
    }),
  );
}, EVENTUALLY);
afterAll(() => open.disposeAsync());

function clientOf(user: number, reconnects = true): RelayClient {
  const client = new RelayClient({ url: relay.url, token: tokenOf(user), reconnects });
  open.defer(() => client.close().catch(() => {}));
  return client;
}

const rowsInPostgres = () =>
  postgres.query<{ epoch: string; instance: string; status: string; code: string | null }>(
    'SELECT epoch, instance, status, code FROM dash_relay.usage',
  );

it('each gets connections, and the metrics of all are those of one', { timeout: EVENTUALLY }, async () => {
  const clients = Array.from({ length: CLIENTS }, (_, user) => clientOf(user + 1));
  await Promise.all(clients.map((client) => client.connect()));
  for (const client of clients) client.start();
  const endings = (await Promise.all(clients.map(endingsOf))).flat();
  expect(endings).toEqual(Array.from(clients, () => 'done'));
  for (let asked = 0; asked < 6; asked += 1) {
    const exposed = await metricsOf(relay);
    requireCataloguedMetrics(exposed);
    expect(sumIn(exposed, 'dash_connections')).toBe(CLIENTS);
    expect(sumIn(exposed, 'dash_streams_ended_total')).toBe(CLIENTS);
    expect(sumIn(exposed, 'dash_first_token_seconds_count')).toBe(CLIENTS);
    expect(sumIn(exposed, 'dash_workers')).toBe(2);
    expect(sumIn(exposed, 'dash_redis_up')).toBe(1);
  }
  await eventually('all rows are in Postgres', async () => (await rowsInPostgres()).length === CLIENTS);
  const byInstance = Map.groupBy(await rowsInPostgres(), ({ instance }) => instance);
  expect([...byInstance.keys()].sort()).toEqual(['m-1', 'm-2']);
  report(`connections of each: ${[...byInstance.values()].map((rows) => rows.length).join(', ')}`);
  await Promise.all(clients.map((client) => client.close()));
});

it('all are asked whether they are ready, whichever is asked', async () => {
  for (let asked = 0; asked < 6; asked += 1)
    expect(await readinessOf(relay)).toMatchObject({
      code: 200,
      status: 'ready',
      workers: { 1: 'ready', 2: 'ready' },
    });
});

it('one log has the lines of all, whole, and says whose they are', async () => {
  expect(new Set(relay.logLines.map(({ instanceId }) => instanceId))).toEqual(new Set(['m-1', 'm-2']));
});

it('signals reach all of them: settings are read again, and debug lines begin and end', async () => {
  relay.kill('SIGHUP');
  await relay.logged('settings read again: nothing has changed', 2);
  relay.kill('SIGUSR2');
  await relay.logged('log level changed', 2);
  relay.kill('SIGUSR2');
  const lines = await relay.logged('log level changed', 4);
  expect(lines.map(({ instanceId, logLevel }) => `${instanceId} ${logLevel}`).sort()).toEqual([
    'm-1 debug',
    'm-1 info',
    'm-2 debug',
    'm-2 info',
  ]);
});

it('connections of a user count together', { timeout: EVENTUALLY }, async () => {
  const clients = Array.from({ length: PER_USER }, () => clientOf(900));
  await Promise.all(clients.map((client) => client.connect()));
  const session = () => ask(`${relay.url}/v1/session`, { token: tokenOf(900) });
  const refused = async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, session));
    return answers.every(({ body }) => body.includes('too_many_connections'));
  };
  await eventually('both refuse one more', refused);
  await clients[0]?.close();
  await eventually('there is room for one', async () => (await session()).status === 200);
  expect(sumIn(await metricsOf(relay), 'dash_connections')).toBe(PER_USER - 1);
  await Promise.all(clients.map((client) => client.close()));
});

it('one is killed: its clients read on at the other, nothing is lost or said twice, and it comes back', {
  timeout: EVENTUALLY,
}, async () => {
  simulator.always({ long: true, pace: { firstTokenMs: 20, deltasPerSecond: 200 } });
  const before = await metricsOf(relay);
  const clients = Array.from({ length: LONG ? 100 : 16 }, (_, user) => clientOf(100 + user));
  await Promise.all(clients.map((client) => client.connect()));
  const streams = clients.flatMap((client) => [client.start(), client.start()]);
  await Promise.all(
    clients.map((client) =>
      client.until(() => [...client.streams.values()].every(({ seq }) => seq > 20) || undefined),
    ),
  );
  const [, second = 0] = workersOf(relay);
  const killedAt = performance.now();
  process.kill(second, 'SIGKILL');
  await eventually('the machine is not ready', async () => {
    const readiness = await readinessOf(relay);
    if (readiness?.code !== 503) return false;
    return readiness.status === 'starting' && readiness.workers[1] === 'ready';
  });
  const [ended] = await relay.logged('a worker ended by itself: another one is started');
  expect(ended).toMatchObject({ pid: second, signal: 'SIGKILL' });
  const took: number[] = [];
  const untilInterrupted = streams.map(async (stream, index) => {
    const ending = await clients[Math.floor(index / 2)]?.ended(stream);
    if (ending?.type === 'error') took.push(performance.now() - killedAt);
  });
  const endings = (await Promise.all(clients.map(endingsOf))).flat();
  await Promise.all(untilInterrupted);
  expect(new Set(endings)).toEqual(new Set(['done', 'interrupted']));
  await relay.logged('listening', 3);
  await eventually('it is ready again', async () => (await readinessOf(relay))?.code === 200);

  const epochs = new Map(streams.map(({ epoch, ending }) => [epoch, ending?.type]));
  await eventually('all rows are in Postgres', async () => {
    const rows = await rowsInPostgres();
    return rows.filter(({ epoch }) => epochs.has(epoch)).length === streams.length;
  });
  for (const rows of [await rowsInPostgres(), await relay.usageRows()]) {
    const ours = rows.filter(({ epoch }) => epochs.has(epoch));
    expect(ours).toHaveLength(streams.length);
    for (const { epoch, status } of ours) expect(status).toBe(epochs.get(epoch));
  }
  const after = await metricsOf(relay);
  expect(sumIn(after, 'dash_worker_restarts_total')).toBe(1);
  expect(sumIn(after, 'dash_streams_ended_total')).toBeGreaterThanOrEqual(
    sumIn(before, 'dash_streams_ended_total') + endings.length - took.length,
  );
  report(
    `killed under ${streams.length} streams: ${took.length} interrupted, after ms: ${percentiles(took)}; the others done`,
  );
  await Promise.all(clients.map((client) => client.close()));
});

it('all finish their answers at SIGTERM, where their clients are, and the exit code is theirs', {
  timeout: EVENTUALLY,
}, async () => {
  simulator.always({ deltas: Array.from({ length: 300 }, (_, index) => `word ${index} `), pace: PACE });
  const clients = Array.from({ length: 16 }, (_, user) => clientOf(300 + user, false));
  await Promise.all(clients.map((client) => client.connect()));
  for (const client of clients) client.start();
  await Promise.all(
    clients.map((client) =>
      client.until(() => [...client.streams.values()].every(({ seq }) => seq > 5) || undefined),
    ),
  );
  relay.kill('SIGTERM');
  const [told] = await Promise.all(clients.map((client) => client.next('going_away')));
  expect(told).toMatchObject({ resume: 'here' });
  expect(await readinessOf(relay)).toMatchObject({ code: 503, status: 'draining' });
  const endings = (await Promise.all(clients.map(endingsOf))).flat();
  expect(endings).toEqual(Array.from(clients, () => 'done'));
  for (const { text } of clients.flatMap((client) => [...client.streams.values()]))
    expect(text.endsWith('word 299 ')).toBe(true);
  expect(await relay.exited).toEqual({ code: 0, signal: null });
  const rows = (await relay.usageRows()).slice(-clients.length);
  expect(rows.map(({ status }) => status)).toEqual(Array.from(clients, () => 'done'));
});
