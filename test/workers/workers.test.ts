/** Several processes on one machine, seen by its users and its operator. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lockDirectory } from '../../src/ledger/directory-lock.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { tokenOf } from '../many-machines/machines.ts';
import type { RedisServer } from '../many-machines/redis-server.ts';
import { requireCataloguedMetrics } from '../support/catalogued-metrics.ts';
import { ask } from '../support/http-doors.ts';
import type { PostgresServer } from '../support/postgres.ts';
import { RelayClient } from '../support/relay-client.ts';
import { dataDirectory, type RelayChild, upstreamAt } from '../support/relay-process.ts';
import { startInVain } from '../support/start-in-vain.ts';
import { eventually, LONG, percentiles, report } from '../support/test-run.ts';
import {
  endingsOf,
  IDENTITY,
  killWorker,
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
const ACTIONS = '{"chat":{"system":"","defaultMaxTokens":8000,"maxTokens":8000}}';

const open = new AsyncDisposableStack();
let postgres: PostgresServer;
let redis: RedisServer;
let simulator: Simulator;
let relay: RelayChild;
let actionsFile: string;
/** What became of leases of this machine in Redis: by whom they ended. */
const leases: { readonly machine: string; readonly event: string }[] = [];

beforeAll(async () => {
  ({ postgres, redis, simulator } = await startBackends(open, PACE));
  await watchLeases();
  const { path } = open.use(dataDirectory());
  actionsFile = join(open.use(dataDirectory()).path, 'actions.json');
  writeFileSync(actionsFile, ACTIONS);
  relay = open.use(
    await spawnWorkers(2, path, {
      ...upstreamAt(simulator.url),
      ACTIONS_FILE: actionsFile,
      DATABASE_URL: postgres.url('relay'),
      REDIS_URL: redis.url,
      MAX_CONNECTIONS_PER_USER: String(PER_USER),
      DRAIN_MS: '60000',
      LOG_LEVEL: 'info',
    }),
  );
}, EVENTUALLY);
afterAll(() => open.disposeAsync());

async function watchLeases(): Promise<void> {
  await redis.client.config('SET', 'notify-keyspace-events', 'Kgx');
  const watcher = redis.client.duplicate();
  open.defer(() => watcher.disconnect());
  watcher.on('pmessage', (_pattern: string, channel: string, event: string) => {
    leases.push({ machine: channel.split(':lease:')[1] ?? '', event });
  });
  await watcher.psubscribe('__keyspace@0__:*:lease:*');
}

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
    expect(sumIn(exposed, 'dash_worker_connections')).toBe(CLIENTS);
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
  for (const { instanceId, worker } of relay.logLines) expect(instanceId).toBe(`m-${worker}`);
});

it("its ports and its directory are nobody else's", { timeout: EVENTUALLY }, async () => {
  const { port } = new URL(relay.url);
  const { code, output } = await startInVain({
    ...IDENTITY,
    ...upstreamAt(simulator.url),
    REDIS_URL: redis.url,
    WORKERS: '2',
    PORT: port,
  });
  expect(output.match(/PORT: \d+ is in use/g)).toHaveLength(1);
  expect(code).toBe(1);
  for (const directory of ['', 'worker-1', 'worker-2'])
    expect(() => lockDirectory(join(relay.dataDir, directory))).toThrow('in use by another relay');
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
  const deltas = Array.from({ length: 400 }, (_, index) => `word ${index} `);
  simulator.always({ deltas, pace: { firstTokenMs: 20, deltasPerSecond: 50 } });
  const before = await metricsOf(relay);
  const clients = Array.from({ length: LONG ? 100 : 16 }, (_, user) => clientOf(100 + user));
  await Promise.all(clients.map((client) => client.connect()));
  const streams = clients.flatMap((client) => [client.start(), client.start()]);
  await Promise.all(
    clients.map((client) =>
      client.until(() => [...client.streams.values()].every(({ seq }) => seq > 10) || undefined),
    ),
  );
  const workers = workersOf(relay);
  const killedAt = performance.now();
  const second = killWorker(workers, 1);
  await eventually('the machine says so, and takes traffic', async () => {
    const readiness = await readinessOf(relay);
    return readiness?.code === 200 && readiness.workers[2] === 'restarting';
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
  // Its clients did not wait for it to lapse: the parent told the other one, who ended it.
  const ofDead = leases.filter(({ machine }) => machine.startsWith('m-2.')).map(({ event }) => event);
  expect(ofDead).toContain('del');
  expect(ofDead).not.toContain('expired');
  await relay.logged('listening', 3);
  await eventually('both serve', async () => (await readinessOf(relay))?.workers[2] === 'ready');

  for (const { text, ending } of streams) {
    expect(deltas.join('').startsWith(text)).toBe(true);
    if (ending?.type === 'done') expect(text).toBe(deltas.join(''));
  }
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

it('a file that was changed and cannot be used keeps one process from coming back, and ends none that serves', {
  timeout: EVENTUALLY,
}, async () => {
  writeFileSync(actionsFile, '{');
  killWorker(workersOf(relay), 0);
  const ended = await relay.logged('a worker ended by itself: another one is started', 3);
  expect(ended.slice(1)).toMatchObject([
    { worker: 1, signal: 'SIGKILL' },
    { worker: 1, code: 78 },
  ]);
  expect(await readinessOf(relay)).toMatchObject({ code: 200, workers: { 1: 'restarting', 2: 'ready' } });
  writeFileSync(actionsFile, ACTIONS);
  await relay.logged('listening', 4);
  await eventually('both serve', async () => (await readinessOf(relay))?.workers[1] === 'ready');
});

it('all finish their answers at SIGTERM, where their clients are; a second one ends what is left', {
  timeout: EVENTUALLY,
}, async () => {
  simulator.always({ long: true, pace: PACE });
  const long = clientOf(299, false);
  await long.connect();
  const endless = [long.start(), long.start()];
  await long.until(() => endless.every(({ seq }) => seq > 5) || undefined);
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
  expect(endless.map(({ ending }) => ending)).toEqual([undefined, undefined]);
  relay.kill('SIGTERM');
  expect(await endingsOf(long)).toEqual(['interrupted', 'interrupted']);
  expect(await relay.exited).toEqual({ code: 0, signal: null });
  const rows = (await relay.usageRows()).slice(-clients.length);
  expect(rows.map(({ status }) => status)).toEqual(Array.from(clients, () => 'done'));
});
