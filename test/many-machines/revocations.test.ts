/** Revocations of the fleet: one command, heard by every machine, known also while Redis is away or has lost them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { revokeCommand } from '../../src/compose/revoke-command.ts';
import type { Environment } from '../../src/config/environment.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { ask } from '../support/http-doors.ts';
import { connectClient, type RelayClient } from '../support/relay-client.ts';
import {
  dataDirectory,
  spawnRelay,
  startRelay,
  type TestRelay,
  upstreamAt,
  userId,
} from '../support/relay-process.ts';
import { runCommand } from '../support/run-command.ts';
import { eventually, LONG } from '../support/test-run.ts';
import { IDENTITY, tokenOf } from './machines.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

const KEY = 'dash:test:revocations';
const ENDLESS = { model: 'sim:long' } as const;

/** More than half a minute of it, so that no test waits for its end. */
const PACE = { firstTokenMs: 0, deltasPerSecond: 8 } as const;

/** One that is closed leaves its directory to the next. */
type Relay = TestRelay & AsyncDisposable & { close(): Promise<void> };

const open = new AsyncDisposableStack();
let redis: RedisServer;
let simulator: Simulator;
let a: Relay;
let b: Relay;
/** Started while somebody is revoked; it has a file of its own. */
let later: Relay;
let file: string;
beforeAll(async () => {
  file = join(open.use(dataDirectory()).path, 'revocations.json');
  redis = open.use(await startRedis());
  simulator = await startSimulator({ pace: PACE });
  open.defer(() => simulator.close());
  [a, b] = [await launch(), await launch()];
});
afterAll(() => open.disposeAsync());

/** In this process; in a long run in one of its own. */
async function launch(environment: Environment = {}, dataDir?: string): Promise<Relay> {
  const settings = {
    ...IDENTITY,
    ...upstreamAt(simulator.url),
    ALLOWED_MODELS: 'claude-sonnet-5-5,sim:long',
    REDIS_URL: redis.url,
    REDIS_PREFIX: 'dash:test',
    ...environment,
  };
  if (!LONG) return open.use(await startRelay({ ...settings, ...(dataDir && { DATA_DIR: dataDir }) }));
  const relay = open.use(await spawnRelay(dataDir ?? open.use(dataDirectory()).path, settings));
  return Object.assign(relay, { close: () => relay[Symbol.asyncDispose]() });
}

async function connect(relay: Relay, user = 1): Promise<RelayClient> {
  return open.use(await connectClient({ url: relay.url, token: tokenOf(user) }));
}

/** `dash-relay revoke` beside the relays. */
function revoke(...words: string[]) {
  return runCommand(revokeCommand, words, {
    REDIS_URL: redis.url,
    REDIS_PREFIX: 'dash:test',
    REVOCATIONS_FILE: file,
  });
}

async function admits(relay: Relay, user = 1): Promise<boolean> {
  return (await ask(`${relay.url}/v1/session`, { token: tokenOf(user) })).status === 200;
}

it('one command ends sockets and streams on every machine, and what began elsewhere is read on nowhere', async () => {
  const [here, there, bob] = [await connect(a), await connect(b), await connect(b, 2)];
  const streams = [here.start(ENDLESS), here.start(ENDLESS), there.start(ENDLESS)] as const;
  const bobs = bob.start(ENDLESS);
  await here.until(() => (streams[0].seq && streams[1].seq) || undefined);
  await there.until(() => streams[2].seq || undefined);
  await bob.until(() => bobs.seq || undefined);
  // Another machine's stream, as events: who reads it is cut here, who runs it ends it there.
  const followed = ask(`${b.url}/v1/streams/${streams[0].id}`, { token: tokenOf() });
  await eventually('it is followed', async () => {
    return /^dash_streams_followed 1$/m.test((await ask(`${b.url}/metrics`)).body);
  });

  expect((await revoke('--user', userId(1))).stdout).toMatch(
    new RegExp(`^# set for all relays on REDIS_URL\nuser ${userId(1)} issued before .*\n$`),
  );

  for (const client of [here, there])
    expect(await client.closed).toEqual({ code: 4401, reason: 'tokenRevoked' });
  expect((await followed).body).toContain('"code":"unauthorized"');
  const sent = bobs.seq;
  await bob.until(() => bobs.seq > sent + 3 || undefined);
  await eventually("only Bob's request is open at the model", () => simulator.stats.open === 1);
  for (const relay of [a, b]) {
    expect(await admits(relay)).toBe(false);
    expect(await admits(relay, 2)).toBe(true);
  }
  const rows = [...(await a.usageRows()), ...(await b.usageRows())].filter((row) => row.userId === userId(1));
  expect(rows.map(({ streamId, status, code }) => ({ streamId, status, code }))).toEqual(
    streams.map(({ id }) => ({ streamId: id, status: 'error', code: 'unauthorized' })),
  );
  later = await launch({ REVOCATIONS_FILE: file });
  expect(await admits(later)).toBe(false);
  expect(await admits(later, 2)).toBe(true);
  expect((await revoke('--list')).stdout).toMatch(
    new RegExp(`^user ${userId(1)} issued before .*Z, until .*Z # fleet\n$`),
  );
  expect((await revoke('--user', userId(1), '--undo')).stdout).toContain(`user ${userId(1)} is taken back\n`);
  for (const relay of [a, b, later]) await eventually('it is heard', () => admits(relay));
});

it('is not lost where Redis comes back empty and the next command is first', async () => {
  await revoke('--user', userId(3));
  for (const relay of [a, b]) await eventually('it is heard', async () => !(await admits(relay, 3)));
  // As a Redis does that has lost all: the table of the next command is a new one.
  await redis.client
    .multi()
    .del(KEY)
    .hset(KEY, `user:${userId(4)}`, String(Date.now()), 'version', 'other.1')
    .exec();
  for (const relay of [a, b, later])
    await eventually('both are out', async () => !(await admits(relay, 3)) && !(await admits(relay, 4)));
  const kept = Object.keys(await redis.client.hgetall(KEY));
  expect(kept.toSorted()).toEqual([`user:${userId(3)}`, `user:${userId(4)}`, 'version']);
  await revoke('--user', userId(3), '--user', userId(4), '--undo');
});

it('is heard without its message; what is no entry is named, and the others hold', async () => {
  await redis.client.hset(KEY, {
    [`user:${userId(5)}`]: String(Date.now()),
    'user:nobody': '1',
    [`session:${userId(5)}`]: 'soon',
    'kind-to-come:x': '1',
    version: `${(await redis.client.hget(KEY, 'version'))?.split('.')[0]}.by-hand`,
  });
  for (const relay of [a, b]) {
    const [line] = await relay.logged('revocations of the fleet are no entries of a relay: the others hold');
    expect(line).toMatchObject({ level: 'error', unreadable: 2 });
    expect(await admits(relay, 5)).toBe(false);
    expect(await admits(relay)).toBe(true);
  }
  await redis.client.hdel(KEY, 'user:nobody', `session:${userId(5)}`, 'kind-to-come:x');
});

it('stands beside REVOCATIONS_FILE of a machine, and the command says so', async () => {
  expect((await revoke('--user', userId(6), '--file')).stdout).toContain(
    `# written to ${file}, for this machine\n`,
  );
  await eventually('the file is read', async () => !(await admits(later, 6)));
  expect(await admits(a, 6)).toBe(true);
  await revoke('--user', userId(6));
  await eventually('it is heard', async () => !(await admits(a, 6)));
  expect((await revoke('--user', userId(6), '--undo')).stdout).toContain(
    `# user ${userId(6)}: REVOCATIONS_FILE of this machine revokes it as well, and holds here\n`,
  );
  await eventually('the others are told', () => admits(a, 6));
  expect(await admits(later, 6)).toBe(false);
  await revoke('--user', userId(6), '--undo', '--file');
  await eventually('so is this machine', () => admits(later, 6));
  expect(readFileSync(file, 'utf8')).toBe('{}\n');
});

it('holds where Redis is away, also over a start, and is given back to a Redis that lost it', async () => {
  await revoke('--user', userId(5), '--undo');
  await revoke('--user', userId(1), '--key', 'a-leaked-key');
  for (const relay of [a, b]) await eventually('it is heard', async () => !(await admits(relay)));
  await redis.stop();
  await a.logged('the revocations of the fleet cannot be read: the last known hold');
  expect((await ask(`${a.url}/metrics`)).body).toMatch(/^dash_revocations_up 0$/m);
  expect(await admits(a)).toBe(false);
  const { code, stderr } = await revoke('--user', userId(2));
  expect(code).toBe(1);
  expect(stderr).toMatch(/^the revocations of the fleet cannot be reached \(ECONNREFUSED: .*--file/);
  // The same machine starts again meanwhile.
  await a.close();
  const next = await launch({}, a.dataDir);
  expect(await admits(next)).toBe(false);
  expect(await admits(next, 2)).toBe(true);
  await redis.restart();
  await eventually('Redis has them again', async () => {
    const entries = await redis.client.hgetall(KEY);
    return Object.keys(entries).toSorted().join() === `key:a-leaked-key,user:${userId(1)},version`;
  });
  expect((await revoke('--user', userId(2))).code).toBe(0);
  for (const relay of [next, b]) await eventually('the next is heard', async () => !(await admits(relay, 2)));
  expect(await admits(b)).toBe(false);
});
