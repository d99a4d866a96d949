/** The password of Redis is changed: what live answers notice of it. */
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { tokenOf } from '../many-machines/machines.ts';
import { type RedisServer, startRedis } from '../many-machines/redis-server.ts';
import { ask } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { type ComposedRelay, startRelay, upstreamAt } from '../support/relay-process.ts';
import { TEST_ISSUER, TEST_SECRET } from '../support/token-mint.ts';

const PREFIX = 'dash:test';
const RIGHTS = ['on', `~${PREFIX}:*`, `&${PREFIX}:*`, '+@all'];
const AWAY = 'redis is away: streams go on here';

let redis: RedisServer;
let simulator: Simulator;
beforeAll(async () => {
  [redis, simulator] = await Promise.all([
    startRedis(),
    startSimulator({ pace: { firstTokenMs: 20, deltasPerSecond: 50 } }),
  ]);
});
afterAll(async () => {
  await simulator.close();
  await redis[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await redis.client.acl('DELUSER', 'relay');
  await redis.client.acl('SETUSER', 'relay', ...RIGHTS, '>first-password');
});

async function relayBy(password: string): Promise<ComposedRelay> {
  const relay = await startRelay({
    ...upstreamAt(simulator.url),
    SUPABASE_JWT_SECRET: TEST_SECRET,
    SUPABASE_JWT_ISSUER: TEST_ISSUER,
    REDIS_URL: `redis://relay:${password}@127.0.0.1:${redis.port}`,
    REDIS_PREFIX: PREFIX,
  });
  onTestFinished(() => relay[Symbol.asyncDispose]());
  return relay;
}

const clientOf = async ({ url }: ComposedRelay) => {
  const client = await connectClient({ url, token: tokenOf() });
  onTestFinished(() => client.close());
  return client;
};

it('two passwords at a time: the next process comes by the new one and reads on there, and nobody notices', async () => {
  const last = await relayBy('first-password');
  await last.logged('redis is reached');
  const client = await clientOf(last);
  const stream = client.start();
  await client.until(() => stream.seq > 2 || undefined);

  await redis.client.acl('SETUSER', 'relay', '>second-password');
  const next = await relayBy('second-password');
  await next.logged('redis is reached');
  const elsewhere = await clientOf(next);
  const adopted = elsewhere.adopt(stream);
  elsewhere.resume(adopted, 0);
  expect(await elsewhere.ended(adopted)).toMatchObject({ type: 'done' });
  expect(await client.ended(stream)).toMatchObject({ type: 'done' });
  expect(adopted.text).toBe(stream.text);

  await last.drain();
  await redis.client.acl('SETUSER', 'relay', '<first-password');
  expect(await elsewhere.ended(elsewhere.start())).toMatchObject({ type: 'done' });
  const late = await relayBy('first-password');
  expect((await late.logged(AWAY))[0]).toMatchObject({ reason: 'WRONGPASS' });
  for (const { logLines } of [last, next]) expect(logLines.filter(({ msg }) => msg === AWAY)).toEqual([]);
});

it('one password at a time: connections that are open stay; once they are lost answers go on where they are', async () => {
  const relay = await relayBy('first-password');
  await relay.logged('redis is reached');
  const client = await clientOf(relay);
  const before = client.start();
  await client.until(() => before.seq > 0 || undefined);
  await redis.client.acl('SETUSER', 'relay', 'resetpass', '>second-password');
  expect(await client.ended(before)).toMatchObject({ type: 'done' });
  expect(JSON.parse((await ask(`${relay.url}/readyz`)).body)).toMatchObject({
    dependencies: { redis: 'up' },
  });

  const during = client.start();
  await client.until(() => during.seq > 0 || undefined);
  await redis.client.call('CLIENT', 'KILL', 'USER', 'relay');
  expect((await relay.logged(AWAY))[0]).toMatchObject({ reason: expect.stringMatching(/WRONGPASS|CLOSED/) });
  expect(await client.ended(during)).toMatchObject({ type: 'done' });
  expect(await client.ended(client.start())).toMatchObject({ type: 'done' });
  expect(relay.logText.join('')).not.toMatch(/(first|second)-password/);
});
