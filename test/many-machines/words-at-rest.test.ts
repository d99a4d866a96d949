/**
 * What of a person's words lies where, searched for: on two machines with Redis and Postgres, in what these hold, in the data
 * directories and in the logs. docs/privacy.md says what is found here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { connectClient } from '../support/relay-client.ts';
import { startRelay, type TestRelay, upstreamAt, userId } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { TEST_ISSUER, TEST_SECRET } from '../support/token-mint.ts';
import { tokenOf } from './machines.ts';
import { startRedis } from './redis-server.ts';

const QUESTION = 'canary-in-the-question';
const ANSWER = 'canary-in-the-answer';
const CONTEXT = 'canary-in-the-context';
const WORDS = [QUESTION, ANSWER, CONTEXT];
const STREAM = 'a-stream-of-the-canaries';
const USER = userId(1);
const RESUME_WINDOW_MS = 3000;
const LONGEST_MS = 600_000 + RESUME_WINDOW_MS;

it('answers are in Redis, for their time; no word is in Postgres, on a disk or in a log', async () => {
  await using open = new AsyncDisposableStack();
  const postgres = await startPostgres();
  open.defer(() => postgres.close());
  const redis = open.use(await startRedis());
  const simulator = await startSimulator({ pace: { firstTokenMs: 5, deltasPerSecond: 20 } });
  open.defer(() => simulator.close());
  simulator.always({ deltas: Array.from({ length: 30 }, () => `${ANSWER} `) });
  const machine = async () =>
    open.use(
      await startRelay({
        ...upstreamAt(simulator.url),
        SUPABASE_JWT_SECRET: TEST_SECRET,
        SUPABASE_JWT_ISSUER: TEST_ISSUER,
        DATABASE_URL: postgres.url('relay'),
        REDIS_URL: redis.url,
        LOG_LEVEL: 'trace',
        RESUME_WINDOW_MS: String(RESUME_WINDOW_MS),
      }),
    );
  const [here, there] = [await machine(), await machine()];
  for (const relay of [here, there]) await relay.logged('redis is reached');
  const client = open.use(await connectClient({ url: here.url, token: tokenOf() }));
  const stream = client.start({
    id: STREAM,
    messages: [{ role: 'user', content: QUESTION }],
    context: { note: CONTEXT },
  });
  await client.until(() => stream.seq > 5 || undefined);
  const elsewhere = open.use(await connectClient({ url: there.url, token: tokenOf() }));
  const adopted = elsewhere.adopt(stream);
  elsewhere.resume(adopted, 0);
  await elsewhere.until(() => adopted.seq > 5 || undefined);

  const live = await contentsOf(redis.client);
  expect(WORDS.filter((word) => live.text.includes(word))).toEqual([ANSWER]);
  expect(live.keysOf(USER).length).toBeGreaterThan(1);
  for (const [key, ms] of live.keysOf(USER)) {
    expect(ms, key).toBeGreaterThan(0);
    expect(ms, key).toBeLessThanOrEqual(LONGEST_MS);
  }

  expect(await client.ended(stream)).toMatchObject({ type: 'done' });
  expect(await elsewhere.ended(adopted)).toMatchObject({ type: 'done' });
  const hasLeft = async () => !(await contentsOf(redis.client)).text.includes(ANSWER);
  await eventually('the answer has left Redis', hasLeft);
  await eventually('the row is in Postgres', async () => (await textOf(postgres)).includes(STREAM));
  const table = await textOf(postgres);
  expect(WORDS.filter((word) => table.includes(word))).toEqual([]);
  expect(table).toContain(USER);
  await Promise.all([here.close(), there.close()]);
  const held = [here, there].map((relay) => filesOf(relay) + relay.logText.join('\n')).join('\n');
  expect(WORDS.filter((word) => held.includes(word))).toEqual([]);
  expect(held).toContain(USER);
}, 120_000);

interface Contents {
  /** Names and values of all keys. */
  readonly text: string;
  /** Of those whose name or value has it, how long they are kept, ms; -1: for ever. */
  keysOf(word: string): [key: string, ms: number][];
}

async function contentsOf(redis: Redis): Promise<Contents> {
  const keys = await redis.keys('*');
  const held = await Promise.all(
    keys.map(async (key) => [key, await redis.pttl(key), JSON.stringify(await readKey(redis, key))] as const),
  );
  return {
    text: held.map(([key, , value]) => `${key} ${value}`).join('\n'),
    // One that ended since the keys were listed has -2.
    keysOf: (word) =>
      held.flatMap(([key, ms, value]) => (ms !== -2 && `${key} ${value}`.includes(word) ? [[key, ms]] : [])),
  };
}

async function readKey(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'hash':
      return await redis.hgetall(key);
    case 'stream':
      return await redis.xrange(key, '-', '+');
    case 'set':
      return await redis.smembers(key);
    default:
      return await redis.get(key);
  }
}

/** All rows of all tables of the relay, as text. */
async function textOf(postgres: PostgresServer): Promise<string> {
  const tables = await postgres.query<{ name: string }>(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'dash_relay'",
  );
  const rows = await Promise.all(
    tables.map(({ name }) => postgres.query<{ row: string }>(`SELECT t::text AS row FROM ${name} AS t`)),
  );
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n');
}

function filesOf({ dataDir }: TestRelay): string {
  const files = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1')).join('\n');
}
