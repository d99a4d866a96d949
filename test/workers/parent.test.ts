/** The parent of several processes: what it says of settings, whom it leaves behind, and where it deals connections out itself. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type Environment, readConfig } from '../../src/config/environment.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { tokenOf } from '../many-machines/machines.ts';
import { type RedisServer, startRedis } from '../many-machines/redis-server.ts';
import { RelayClient } from '../support/relay-client.ts';
import { dataDirectory, spawnRelay, startRelay, upstreamAt } from '../support/relay-process.ts';
import { startInVain } from '../support/start-in-vain.ts';
import { eventually } from '../support/test-run.ts';
import {
  allGone,
  endingsOf,
  IDENTITY,
  isRunning,
  metricsOf,
  readinessOf,
  sumIn,
  workersOf,
} from './machine.ts';

const EVENTUALLY = 180_000;
const NO_REDIS = 'redis://127.0.0.1:1';
const open = new AsyncDisposableStack();
let redis: RedisServer;
let simulator: Simulator;

beforeAll(async () => {
  [redis, simulator] = await Promise.all([
    startRedis(),
    startSimulator({ pace: { firstTokenMs: 5, deltasPerSecond: 500 } }),
  ]);
  open.use(redis);
  open.defer(() => simulator.close());
}, EVENTUALLY);
afterAll(() => open.disposeAsync());

const settings = (): Environment => ({ ...IDENTITY, ...upstreamAt(simulator.url), LOG_LEVEL: 'info' });

it.each(['many', '0', '257', '1.5', '-2'])('WORKERS=%s is no number of processes', (written) => {
  const read = () => readConfig({ WORKERS: written, REDIS_URL: NO_REDIS });
  expect(read).toThrow('WORKERS: must be auto, or a whole number from 1 to 256');
});

it('WORKERS=auto is one for each core; several need Redis', () => {
  expect(readConfig({ WORKERS: 'auto', REDIS_URL: NO_REDIS }).WORKERS).toBe(availableParallelism());
  expect(() => readConfig({ WORKERS: '2' })).toThrow(
    'WORKERS: 2 processes need REDIS_URL, by which they share streams and limits',
  );
});

it('settings that no process can use: it says so once, and ends with 78', {
  timeout: EVENTUALLY,
}, async () => {
  using data = dataDirectory();
  const broken = join(data.path, 'broken.json');
  writeFileSync(broken, '{');
  const { code, output } = await startInVain({ WORKERS: '3', REDIS_URL: NO_REDIS, ACTIONS_FILE: broken });
  expect(output.match(/ACTIONS_FILE: .*broken\.json/g)).toHaveLength(1);
  expect(code).toBe(78);
});

it('a parent that is killed while a process loads leaves nobody behind', {
  timeout: EVENTUALLY,
}, async () => {
  using data = dataDirectory();
  const parent = spawn(process.execPath, ['src/main.ts'], {
    env: {
      PATH: process.env['PATH'],
      ...settings(),
      WORKERS: '2',
      REDIS_URL: NO_REDIS,
      PORT: '0',
      DATA_DIR: data.path,
    },
    stdio: 'ignore',
  });
  const begun = async (): Promise<number> => {
    for (;;) {
      const [worker] = workersOf({ pid: parent.pid ?? process.pid });
      if (worker !== undefined) return worker;
      await wait(5);
    }
  };
  const worker = await begun();
  onTestFinished(() => void (isRunning(worker) && process.kill(worker, 'SIGKILL')));
  parent.kill('SIGKILL');
  await allGone([worker]);
  expect(isRunning(worker)).toBe(false);
});

it('where the kernel shares no port it deals connections out; quotas are of all processes, those of before too', {
  timeout: EVENTUALLY,
}, async () => {
  using data = dataDirectory();
  const questions = 50; // a month and action, of the plan `free`
  let answered = 0;
  const askUntilRefused = async ({ url }: { readonly url: string }, most = questions + 1): Promise<void> => {
    for (const before = answered; answered < before + most; ) {
      const client = new RelayClient({ url, token: tokenOf(7, 'free') });
      await client.connect();
      const streams = Array.from({ length: 5 }, () => client.start());
      await client.until(() => streams.every(({ over }) => over) || undefined);
      await client.close();
      answered += streams.filter(({ refusal }) => refusal === undefined).length;
      if (streams.some(({ refusal }) => refusal?.code === 'quota_exceeded')) return;
    }
  };
  {
    await using alone = await startRelay({ ...settings(), DATA_DIR: data.path });
    await askUntilRefused(alone, 30);
  }
  expect(answered).toBe(30);

  await using relay = await spawnRelay(
    data.path,
    { ...settings(), WORKERS: '2', REDIS_URL: redis.url },
    [],
    'test/workers/by-cluster.ts',
  );
  const lines = await relay.logged('listening', 2);
  expect(new Set(lines.map(({ port }) => port)).size).toBe(1);
  const clients = Array.from(
    { length: 8 },
    (_, user) => new RelayClient({ url: relay.url, token: tokenOf(user + 11) }),
  );
  await Promise.all(clients.map((client) => client.connect()));
  for (const client of clients) client.start();
  expect((await Promise.all(clients.map(endingsOf))).flat()).toEqual(Array.from(clients, () => 'done'));
  const opened = await relay.logged('connection opened', 8);
  expect(new Set(opened.map(({ instanceId }) => instanceId)).size).toBe(2);
  expect(await readinessOf(relay)).toMatchObject({ workers: { 1: 'ready', 2: 'ready' } });
  await eventually(
    'metrics are of both',
    async () => sumIn(await metricsOf(relay), 'dash_connections') === 8,
  );
  await Promise.all(clients.map((client) => client.close()));
  await askUntilRefused(relay);
  expect(answered).toBe(questions);
  relay.kill('SIGTERM');
  expect(await relay.exited).toEqual({ code: 0, signal: null });
});
