/** Two machines on a network that splits and heals, with packets lost and nobody told. */
import { expect } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { IDENTITY, tokenOf } from '../many-machines/machines.ts';
import { startRedis } from '../many-machines/redis-server.ts';
import { RelayClient } from '../support/relay-client.ts';
import { dataDirectory, type RelayChild, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { splitNetwork } from './split-network.ts';

const STREAMS = 10;
const COMMON = { ...IDENTITY, REDIS_PREFIX: 'dash:test' };

/** The first machine loses Redis, the model and its clients, who come to the second one; then it has all of them again. */
export async function splitAndHeal(): Promise<void> {
  await using open = new AsyncDisposableStack();
  const network = open.use(splitNetwork());
  const redis = open.use(await startRedis({ bind: '0.0.0.0', 'protected-mode': 'no' }));
  const simulator = await startSimulator({
    host: '0.0.0.0',
    pace: { firstTokenMs: 20, deltasPerSecond: 10 },
  });
  open.defer(() => simulator.close());
  simulator.always({ long: true });
  const modelAt = (host: string) => upstreamAt(`http://${host}:${new URL(simulator.url).port}`);
  const launch = async (environment: Parameters<typeof spawnRelay>[1], program?: string) => {
    const relay = open.use(await spawnRelay(open.use(dataDirectory()).path, environment, [], program));
    await relay.logged('redis is reached');
    return relay;
  };
  const { DASH_DEVELOPMENT: _, ...model } = modelAt(network.here);
  const a = await launch(
    { ...COMMON, ...model, REDIS_URL: `redis://${network.here}:${redis.port}`, ...network.environment },
    network.program,
  );
  const b = await launch({ ...COMMON, ...modelAt('127.0.0.1'), REDIS_URL: redis.url });
  const clientOf = async ({ url }: RelayChild) => {
    const client = open.use(new RelayClient({ url, token: tokenOf() }));
    await client.connect();
    return client;
  };
  const here = await clientOf(a);
  const streams = Array.from({ length: STREAMS }, () => here.start());
  await here.until(() => streams.every(({ seq }) => seq > 5) || undefined);

  network.pull();
  here.drop(); // its farewell is lost too
  const there = await clientOf(b);
  const followed = streams.map((stream) => there.adopt(stream));
  for (const stream of followed) there.resume(stream, 0);
  for (const [index, stream] of followed.entries()) {
    expect(await there.ended(stream)).toMatchObject({ type: 'error', code: 'interrupted' });
    const before = streams[index]?.text ?? '';
    expect(stream.text.startsWith(before) || before.startsWith(stream.text)).toBe(true);
  }

  network.plug();
  await a.logged('stream ended', STREAMS);
  const rows = await a.usageRows();
  expect(rows.map(({ status, code }) => `${status} ${code}`)).toEqual(streams.map(() => 'error interrupted'));
  expect(rows.map(({ streamId }) => streamId).toSorted()).toEqual(streams.map(({ id }) => id).toSorted());
  expect(await b.usageRows()).toEqual([]);
  await eventually('no request is open', () => simulator.stats.open === 0);
}
