/** Where uploads lie: one contract for memory, a directory, and a Redis that all machines share. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisKeys } from '../../src/cluster/store/redis-keys.ts';
import { RedisUploads } from '../../src/cluster/store/redis-uploads.ts';
import { systemClock } from '../../src/time/clock.ts';
import { DirectoryShelf, directoryKey } from '../../src/uploads/directory-shelf.ts';
import { LocalUploadStore } from '../../src/uploads/local-store.ts';
import { MemoryShelf } from '../../src/uploads/memory-shelf.ts';
import type { UploadedFile, UploadStore } from '../../src/uploads/port.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

const LIMITS = { files: 3, bytes: 1000, totalBytes: 1500 };
const [ALICE, BOB, CAROL] = ['alice', 'bob', 'carol'];

let redis: RedisServer;
let directory: string;
let prefix = 0;
beforeAll(async () => {
  redis = await startRedis();
  directory = await mkdtemp(join(tmpdir(), 'dash-uploads-'));
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function localStore(shelf: MemoryShelf | DirectoryShelf): Promise<UploadStore> {
  const onFailed = (cause: unknown): never => {
    throw cause;
  };
  const store = new LocalUploadStore({
    shelf,
    limits: LIMITS,
    clock: systemClock,
    keyOf: directoryKey,
    onFailed,
  });
  await store.start();
  return store;
}

async function redisStore(named = `test${++prefix}`): Promise<UploadStore> {
  const store = new RedisUploads(redis.url, new RedisKeys(named), LIMITS, systemClock);
  await expect
    .poll(() =>
      store.get(ALICE, 'x').then(
        () => 'there',
        () => 'not yet',
      ),
    )
    .toBe('there');
  return store;
}

const STORES = {
  memory: () => localStore(new MemoryShelf()),
  'a directory': async () => localStore(new DirectoryShelf(await mkdtemp(join(directory, 'store-')))),
  Redis: () => redisStore(),
};

function fileOf(id: string, bytes = 100, ttlMs = 60_000): UploadedFile {
  const content = Buffer.alloc(bytes, id);
  const expiresAt = Date.now() + ttlMs;
  return { content, facts: { id, mediaType: 'image/jpeg', bytes, width: 4, height: 3, expiresAt } };
}

const code = (asked: Promise<unknown>) =>
  asked.then(
    () => 'taken',
    (error: { code: string }) => error.code,
  );

describe.each(Object.entries(STORES))('in %s', (_, open) => {
  it('a file is its user’s, until it is removed', async () => {
    const store = await open();
    const file = fileOf('a');
    expect(await store.put(ALICE, file)).toEqual(file.facts);
    expect(await store.get(ALICE, 'a')).toEqual(file);
    expect(await store.get(BOB, 'a')).toBeUndefined();
    await store.remove(BOB, 'a');
    await store.remove(ALICE, 'a');
    await store.remove(ALICE, 'a');
    expect(await store.get(ALICE, 'a')).toBeUndefined();
    await store.close();
  });

  it('one that is put again stands', async () => {
    const store = await open();
    const file = fileOf('a');
    await store.put(ALICE, file);
    expect(await store.put(ALICE, fileOf('a', 50, 90_000))).toEqual(file.facts);
    expect(await store.get(ALICE, 'a')).toEqual(file);
    await store.close();
  });

  it('a user has so many files and bytes, all together so many, and what went makes room', async () => {
    const store = await open();
    for (const id of ['a', 'b', 'c']) await store.put(ALICE, fileOf(id));
    expect(await code(store.put(ALICE, fileOf('d')))).toBe('too_many_uploads');
    expect(await code(store.put(BOB, fileOf('a', 1001)))).toBe('too_many_uploads');
    expect(await code(store.put(BOB, fileOf('a', 1000)))).toBe('taken');
    expect(await code(store.put(CAROL, fileOf('a', 201)))).toBe('unavailable');
    expect(await store.removeAll(ALICE)).toBe(3);
    expect(await store.removeAll(ALICE)).toBe(0);
    expect(await store.get(ALICE, 'b')).toBeUndefined();
    expect(await code(store.put(CAROL, fileOf('a', 500)))).toBe('taken');
    await store.close();
  });

  it('past its time it is gone, and its room is free', async () => {
    const store = await open();
    for (const id of ['a', 'b', 'c']) await store.put(ALICE, fileOf(id, 300, 300));
    await expect.poll(() => store.get(ALICE, 'c'), { timeout: 5000 }).toBeUndefined();
    for (const id of ['a', 'b', 'c']) await store.put(ALICE, fileOf(id, 300));
    expect(await store.get(ALICE, 'a')).toBeDefined();
    await store.close();
  });
});

it('what one machine took another has', async () => {
  const [here, there] = [await redisStore('fleet'), await redisStore('fleet')];
  await here.put(ALICE, fileOf('a'));
  expect((await there.get(ALICE, 'a'))?.content).toEqual(fileOf('a').content);
  await there.remove(ALICE, 'a');
  expect(await here.get(ALICE, 'a')).toBeUndefined();
  await Promise.all([here.close(), there.close()]);
  expect(await code(here.get(ALICE, 'a'))).toBe('unavailable');
});

it('a directory says nothing of a user, is for its owner, and is taken over without what is cut or past its time', async () => {
  const own = await mkdtemp(join(directory, 'kept-'));
  const first = await localStore(new DirectoryShelf(own));
  for (const file of [fileOf('a'), fileOf('cut'), fileOf('late', 100, 400)]) await first.put(ALICE, file);
  await first.close();
  const [user = ''] = await readdir(own);
  expect(user).toMatch(/^[0-9a-f]{32}$/);
  expect((await stat(join(own, user, 'a'))).mode & 0o777).toBe(0o600);
  const bytes = await readFile(join(own, user, 'cut'));
  await writeFile(join(own, user, 'cut'), bytes.subarray(0, -1));
  await writeFile(join(own, user, 'b.part'), 'unfinished');
  await mkdir(join(own, directoryKey(BOB)));
  const second = await localStore(new DirectoryShelf(own));
  expect(await readdir(own)).toEqual([user]);
  expect((await second.get(ALICE, 'a'))?.content).toEqual(fileOf('a').content);
  await expect.poll(() => readdir(join(own, user)), { timeout: 5000 }).toEqual(['a']);
  await second.close();
});
