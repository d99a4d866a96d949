/** What the doctor says of a real Redis that is as it should be, or broken in one way after the other. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { checkRedis } from '../../src/doctor/checks/redis.ts';
import { type RedisServer, startRedis } from '../many-machines/redis-server.ts';
import { freePort } from '../support/free-port.ts';
import { NEVER, said, settingsOf } from './said.ts';

const PREFIX = 'dash:test';

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());
afterEach(async () => {
  await redis.client.config('SET', 'maxmemory-policy', 'noeviction');
  await redis.client.flushall();
});

async function lines(REDIS_URL: string): Promise<string[]> {
  const found = said(await checkRedis(settingsOf({ REDIS_URL, REDIS_PREFIX: PREFIX }).config, NEVER));
  expect(found.join('\n')).not.toMatch(/(right|wrong)-password/);
  return found;
}

async function urlOfUser(...rules: string[]): Promise<string> {
  const all = ['reset', 'on', '>right-password', '+@all', `~${PREFIX}*`, `&${PREFIX}*`];
  await redis.client.acl('SETUSER', 'relay', ...all, ...rules);
  return `redis://relay:right-password@127.0.0.1:${redis.port}`;
}

it('one as it should be is ok in every line, and keeps nothing of it for long', async () => {
  expect(await lines(redis.url)).toEqual([
    'ok REDIS_URL: commands work, and a message to the own mailbox arrives; all begins with dash:test',
    expect.stringMatching(/^ok (Redis|Valkey) \d+\.\d+\.\d+$/),
    'ok Redis: maxmemory-policy is noeviction',
  ]);
  for (const key of await redis.client.keys('*')) expect(await redis.client.ttl(key)).toBeGreaterThan(0);
});

it('one that evicts is to be changed', async () => {
  await redis.client.config('SET', 'maxmemory-policy', 'allkeys-lru');
  expect((await lines(redis.url)).at(-1)).toMatch(/^fix Redis: maxmemory-policy is allkeys-lru: /);
});

it('a user without channels, and one without scripts', async () => {
  expect(await lines(await urlOfUser('resetchannels'))).toEqual([
    expect.stringMatching(/^fix REDIS_URL: cannot be used \(NOPERM, at subscribe\): the ACL of the user/),
  ]);
  expect(await lines(await urlOfUser('-eval', '-evalsha'))).toEqual([
    expect.stringMatching(/^fix REDIS_URL: cannot be used \(NOPERM, at claim\)/),
  ]);
});

it('a user who may not ask for INFO is served, and version and eviction stay unknown', async () => {
  expect(await lines(await urlOfUser('-info'))).toEqual([
    expect.stringMatching(/^ok REDIS_URL: /),
    'note Redis: its user may not ask for INFO, so version and eviction are not known',
  ]);
});

it('a wrong password, and nobody there', async () => {
  await urlOfUser();
  expect(await lines(`redis://relay:wrong-password@127.0.0.1:${redis.port}`)).toEqual([
    expect.stringMatching(/^fix REDIS_URL: cannot be used \(WRONGPASS, at connect\)/),
  ]);
  expect(await lines(`redis://127.0.0.1:${await freePort()}`)).toEqual([
    expect.stringMatching(/^fix REDIS_URL: cannot be used \(ECONNREFUSED, at connect\): nothing listens/),
  ]);
});
