/** Redis is up only where all that machines need of it works; where it does not, the log says why in a word. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/http-doors.ts';
import { type ComposedRelay, startRelay } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

const AWAY = 'redis is away: streams go on here';
const PREFIX = 'dash:test';
const CERTIFICATE = resolve('test/fixtures/localhost-test-cert.pem');
const KEY = resolve('test/fixtures/localhost-test-key.pem');

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());
beforeEach(async () => {
  await redis.client.config('SET', 'maxmemory', '0');
  await redis.client.acl('DELUSER', 'relay');
});

async function relayOn(url: string): Promise<ComposedRelay> {
  const relay = await startRelay({ REDIS_URL: url, REDIS_PREFIX: PREFIX });
  onTestFinished(() => relay[Symbol.asyncDispose]());
  return relay;
}

async function told(
  relay: ComposedRelay,
): Promise<{ up: string; metric: string | undefined; failures: string[] }> {
  const ready = JSON.parse((await ask(`${relay.url}/readyz`)).body) as { dependencies: { redis: string } };
  const metrics = (await ask(`${relay.url}/metrics`)).body;
  return {
    up: ready.dependencies.redis,
    metric: /^dash_redis_up (\d)$/m.exec(metrics)?.[1],
    failures: [...metrics.matchAll(/^dash_redis_failures_total\{reason="(\w+)"\} [1-9]\d*$/gm)].map(
      ([, reason = '']) => reason,
    ),
  };
}

async function isDownFor(url: string, reason: string, operation?: string): Promise<void> {
  const relay = await relayOn(url);
  const [line] = await relay.logged(AWAY);
  expect(line).toMatchObject({
    level: 'warn',
    reason,
    hint: expect.any(String),
    ...(operation === undefined ? {} : { operation }),
  });
  expect(await told(relay)).toEqual({ up: 'down', metric: '0', failures: [reason] });
  const text = relay.logText.join('');
  for (const secret of ['wrong-password', 'right-password']) expect(text).not.toContain(secret);
}

/** A user who may do everything but what the rules take away. */
async function urlOfUser(...rules: string[]): Promise<string> {
  await redis.client.acl(
    'SETUSER',
    'relay',
    'reset',
    'on',
    '>right-password',
    '+@all',
    `~${PREFIX}*`,
    `&${PREFIX}*`,
    ...rules,
  );
  return `redis://relay:right-password@127.0.0.1:${redis.port}`;
}

describe('a user of Redis', () => {
  it('who has this prefix, all commands and all channels of it is enough', async () => {
    const relay = await relayOn(await urlOfUser());
    await relay.logged('redis is reached');
    expect(await told(relay)).toEqual({ up: 'up', metric: '1', failures: [] });
    expect(relay.logLines.filter(({ msg }) => msg === AWAY)).toEqual([]);
  });

  it('without channels is a deaf mailbox, and said to be', async () => {
    await isDownFor(await urlOfUser('resetchannels'), 'NOPERM', 'subscribe');
  });

  it.each([
    ['may not publish', ['-publish'], 'add'],
    ['may not write logs', ['-xadd'], 'restore'],
    ['may not read logs', ['-xrange'], 'read'],
    ['may not subscribe', ['-subscribe'], 'subscribe'],
    ['may not run scripts', ['-eval', '-evalsha'], 'claim'],
    ['may not count starts', ['-incrby'], 'claim'],
    ['may only use other keys', ['resetkeys', '~other:*'], 'claim'],
  ])('who %s', async (_what, rules, operation) => {
    await isDownFor(await urlOfUser(...rules), 'NOPERM', operation);
  });

  it('who is given what is missing is served without a restart', async () => {
    const relay = await relayOn(await urlOfUser('resetchannels'));
    await relay.logged(AWAY);
    await redis.client.acl('SETUSER', 'relay', `&${PREFIX}*`);
    await relay.logged('redis is reached');
    expect(await told(relay)).toMatchObject({ up: 'up', metric: '1' });
    expect(relay.logLines.filter(({ msg }) => msg === AWAY)).toHaveLength(1);
  });

  it('from whom channels are taken while it runs is deaf from then on', async () => {
    const relay = await relayOn(await urlOfUser());
    await relay.logged('redis is reached');
    await redis.client.acl('SETUSER', 'relay', 'resetchannels');
    await eventually('down', async () => (await told(relay)).up === 'down');
    expect((await told(relay)).metric).toBe('0');
  });
});

describe('every cause has its word', () => {
  it('a wrong password', async () => {
    await urlOfUser();
    await isDownFor(`redis://relay:wrong-password@127.0.0.1:${redis.port}`, 'WRONGPASS', 'connect');
  });

  it('no password where one is needed', async () => {
    await using closed = await startRedis({ requirepass: 'right-password' });
    await isDownFor(closed.url, 'NOAUTH');
  });

  it('full memory', async () => {
    await redis.client.config('SET', 'maxmemory', '1');
    await isDownFor(redis.url, 'OOM');
  });

  it('a replica', async () => {
    await using replica = await startRedis({ replicaof: `127.0.0.1 ${redis.port}` });
    await isDownFor(replica.url, 'READONLY');
  });

  it('a cluster', async () => {
    await using cluster = await startRedis({ 'cluster-enabled': 'yes' });
    await cluster.client.cluster('ADDSLOTSRANGE', 0, 16_383);
    await eventually('whole', async () =>
      String(await cluster.client.cluster('INFO')).includes('cluster_state:ok'),
    );
    await isDownFor(cluster.url, 'CROSSSLOT');
  });

  it('a Redis that closes the connection at once, having as many as it takes', async () => {
    await using small = await startRedis({ maxclients: 1 });
    await small.client.ping();
    const relay = await relayOn(small.url);
    const [line] = await relay.logged(AWAY);
    expect(line?.['reason']).toMatch(/^(MAXCLIENTS|EPIPE|ECONNRESET|CLOSED)$/);
    expect(line?.['hint']).toMatch(/maxclients/);
  });

  it('a database that is not there', async () => {
    await isDownFor(`${redis.url}/99`, 'DB_INDEX');
  });

  it('a certificate that nobody vouches for', async () => {
    const port = await freePort();
    await using secure = await startRedis({
      'tls-port': port,
      'tls-cert-file': CERTIFICATE,
      'tls-key-file': KEY,
      'tls-auth-clients': 'no',
    });
    expect(secure.port).not.toBe(port);
    await isDownFor(`rediss://localhost:${port}`, 'DEPTH_ZERO_SELF_SIGNED_CERT', 'connect');
  });

  it('a host without an address', async () => {
    const relay = await relayOn('redis://redis.invalid');
    const [line] = await relay.logged(AWAY);
    expect(line?.['reason']).toMatch(/^(ENOTFOUND|EAI_AGAIN)$/);
    expect(line?.['hint']).toMatch(/^DNS/);
  });

  it('nobody there', async () => {
    await isDownFor(`redis://127.0.0.1:${await freePort()}`, 'ECONNREFUSED', 'connect');
  });

  it('no answer', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    await isDownFor(`redis://127.0.0.1:${(silent.address() as AddressInfo).port}`, 'TIMEOUT');
  });

  it('still loading', async () => {
    const loading = createServer((socket) => {
      socket.on('error', () => {});
      // One reply for each command: each begins with its number of words.
      socket.on('data', (data) => {
        const commands = data.toString().match(/\*\d+\r\n\$/g) ?? [];
        socket.write('-LOADING Redis is loading the dataset in memory\r\n'.repeat(commands.length));
      });
    }).listen(0, '127.0.0.1');
    await once(loading, 'listening');
    onTestFinished(() => void loading.close());
    await isDownFor(`redis://127.0.0.1:${(loading.address() as AddressInfo).port}`, 'LOADING');
  });
});
