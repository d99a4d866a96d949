/** The parent of several processes: what it says of settings, when it ends, and what becomes of the others then. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Environment, readConfig } from '../../src/config/environment.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { tokenOf } from '../many-machines/machines.ts';
import { type RedisServer, startRedis } from '../many-machines/redis-server.ts';
import { RelayClient } from '../support/relay-client.ts';
import { dataDirectory, type RelayChild, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { startInVain } from '../support/start-in-vain.ts';
import { eventually } from '../support/test-run.ts';
import { endingsOf, IDENTITY, metricsOf, readinessOf, spawnWorkers, sumIn, workersOf } from './machine.ts';

const EVENTUALLY = 180_000;
const open = new AsyncDisposableStack();
const directory = mkdtempSync(join(tmpdir(), 'workers-'));
let redis: RedisServer;
let simulator: Simulator;

beforeAll(async () => {
  [redis, simulator] = await Promise.all([
    startRedis(),
    startSimulator({ pace: { firstTokenMs: 5, deltasPerSecond: 50 } }),
  ]);
  open.use(redis);
  open.defer(() => simulator.close());
  open.defer(() => rmSync(directory, { recursive: true, force: true }));
}, EVENTUALLY);
afterAll(() => open.disposeAsync());

const settings = (): Environment => ({ ...upstreamAt(simulator.url), REDIS_URL: redis.url });

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function liveClient(relay: RelayChild): Promise<RelayClient> {
  simulator.always({ long: true });
  const client = new RelayClient({ url: relay.url, token: tokenOf(1) });
  open.defer(() => client.close().catch(() => {}));
  await client.connect();
  const streams = [client.start(), client.start()];
  await client.until(() => streams.every(({ seq }) => seq > 2) || undefined);
  return client;
}

it.each(['many', '0', '257', '1.5', '-2'])('WORKERS=%s is no number of processes', (written) => {
  const read = () => readConfig({ WORKERS: written, REDIS_URL: 'redis://127.0.0.1:1' });
  expect(read).toThrow('WORKERS: must be auto, or a whole number from 1 to 256');
});

it('WORKERS=auto is one for each core', () => {
  const { WORKERS: count } = readConfig({ WORKERS: 'auto', REDIS_URL: 'redis://127.0.0.1:1' });
  expect(count).toBe(availableParallelism());
});

describe('settings that no process can use', () => {
  const broken = join(directory, 'broken.json');
  writeFileSync(broken, '{');
  it.each<[what: string, environment: () => Environment, saying: RegExp]>([
    ['no Redis', () => ({ WORKERS: '2' }), /WORKERS: 2 processes need REDIS_URL, by which they share/g],
    [
      'a file',
      () => ({ WORKERS: '3', REDIS_URL: redis.url, ACTIONS_FILE: broken }),
      /ACTIONS_FILE: .*broken\.json/g,
    ],
  ])('%s: it says so once, and ends with 78', { timeout: EVENTUALLY }, async (_what, environment, saying) => {
    const { code, output } = await startInVain(environment());
    expect(output.match(saying)).toHaveLength(1);
    expect(code).toBe(78);
  });

  it('a port that is in use, also of a relay that would share it: it ends with 1', {
    timeout: EVENTUALLY,
  }, async () => {
    using data = dataDirectory();
    await using other = await spawnRelay(data.path, { ...IDENTITY, ...settings(), SHARE_PORT: 'true' });
    const { port } = new URL(other.url);
    const { code, output } = await startInVain({ ...IDENTITY, ...settings(), WORKERS: '2', PORT: port });
    expect(output.match(/PORT: \d+ is in use/g)).toHaveLength(1);
    expect(code).toBe(1);
  });

  it('files that became so while they serve: the next process cannot, and the others finish', {
    timeout: EVENTUALLY,
  }, async () => {
    using data = dataDirectory();
    const actions = join(directory, 'actions.json');
    writeFileSync(actions, '{"chat":{"system":"","defaultMaxTokens":100,"maxTokens":200}}');
    await using relay = await spawnWorkers(2, data.path, { ...settings(), ACTIONS_FILE: actions });
    writeFileSync(actions, '{');
    process.kill(workersOf(relay)[0] ?? 0, 'SIGKILL');
    expect(await relay.exited).toEqual({ code: 78, signal: null });
    await relay.logged('stopped');
  });
});

it('a second SIGTERM stops waiting, for all of them', { timeout: EVENTUALLY }, async () => {
  using data = dataDirectory();
  await using relay = await spawnWorkers(2, data.path, { ...settings(), DRAIN_MS: '60000' });
  const client = await liveClient(relay);
  relay.kill('SIGTERM');
  await relay.logged('draining', 2);
  relay.kill('SIGTERM');
  expect(await endingsOf(client)).toEqual(['interrupted', 'interrupted']);
  expect(await relay.exited).toEqual({ code: 0, signal: null });
});

it('a parent that is killed leaves nobody behind, and the next one finds all settled', {
  timeout: EVENTUALLY,
}, async () => {
  using data = dataDirectory();
  await using relay = await spawnWorkers(2, data.path, { ...settings(), DRAIN_MS: '60000' });
  const workers = workersOf(relay);
  const client = await liveClient(relay);
  relay.kill('SIGKILL');
  await eventually('they end', () => !workers.some(isRunning));
  expect(await endingsOf(client)).toEqual(['interrupted', 'interrupted']);
  const port = new URL(relay.url).port;
  await using next = await spawnWorkers(2, data.path, { ...settings(), PORT: port });
  expect(
    next.logLines.filter(({ msg }) => msg === 'listening').map(({ interrupted }) => interrupted),
  ).toEqual([0, 0]);
  expect((await next.usageRows()).map(({ code }) => code)).toEqual(['interrupted', 'interrupted']);
});

it('where the kernel shares no port its parent deals connections out', { timeout: EVENTUALLY }, async () => {
  using data = dataDirectory();
  await using relay = await spawnRelay(
    data.path,
    { ...IDENTITY, ...settings(), WORKERS: '2', LOG_LEVEL: 'info' },
    [],
    'test/workers/by-cluster.ts',
  );
  const lines = await relay.logged('listening', 2);
  expect(new Set(lines.map(({ port }) => port)).size).toBe(1);
  simulator.always({ deltas: ['short'] });
  const clients = Array.from(
    { length: 8 },
    (_, user) => new RelayClient({ url: relay.url, token: tokenOf(user + 1) }),
  );
  await Promise.all(clients.map((client) => client.connect()));
  for (const client of clients) client.start();
  expect((await Promise.all(clients.map(endingsOf))).flat()).toEqual(Array.from(clients, () => 'done'));
  const opened = await relay.logged('connection opened', 8);
  expect(new Set(opened.map(({ instanceId }) => instanceId)).size).toBe(2);
  expect(await readinessOf(relay)).toMatchObject({ workers: { 1: 'ready', 2: 'ready' } });
  expect(sumIn(await metricsOf(relay), 'dash_connections')).toBe(8);
  await Promise.all(clients.map((client) => client.close()));
  relay.kill('SIGTERM');
  expect(await relay.exited).toEqual({ code: 0, signal: null });
});
