/** The whole relay on a real Postgres. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { UNPACED } from '../../../src/simulator/pacer.ts';
import { Random } from '../../../src/simulator/random.ts';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { ask, askWhole } from '../../support/http-doors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import {
  dataDirectory,
  spawnRelay,
  startSimulatedRelay,
  type TestRelay,
  upstreamAt,
} from '../../support/relay-process.ts';
import { eventually, LONG, report, SEED } from '../../support/test-run.ts';
import { epochsIn } from './shipping.ts';

const ROUNDS = LONG ? 50 : 3;
const CALLERS = 10;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
beforeEach(() => server.query('TRUNCATE dash_relay.usage'));
afterAll(() => server.close());

const question = () => ({
  id: randomUUID(),
  action: 'chat',
  model: 'sim:fast',
  messages: [{ role: 'user' as const, content: 'A canary sings: xyzzy-plugh.' }],
});

it('tells load balancers and Prometheus how it stands with Postgres, and the log of an outage without a word of a row', async () => {
  await using relay = await startSimulatedRelay(
    {},
    { DATABASE_URL: server.url('relay'), INSTANCE_ID: 'machine-1' },
  );
  const ready = async () => JSON.parse((await ask(`${relay.url}/readyz`)).body);
  const metric = async (name: string) =>
    Number(new RegExp(`^dash_${name} (.*)$`, 'm').exec((await ask(`${relay.url}/metrics`)).body)?.[1]);
  const token = await relay.token();
  await askWhole(relay.url, token, question());
  await eventually('shipped', async () => (await epochsIn(server)).length === 1);
  expect(await server.query('SELECT instance FROM dash_relay.usage')).toEqual([{ instance: 'machine-1' }]);
  await eventually('up', async () => (await ready()).dependencies.postgres === 'up');
  expect(await metric('usage_rows_waiting')).toBe(0);

  await server.stop();
  try {
    await askWhole(relay.url, token, question());
    await relay.logged('usage rows do not reach Postgres: kept here, tried again');
    expect(await ready()).toMatchObject({
      status: 'ready',
      dependencies: { postgres: 'down', account: 'up' },
    });
    expect(await metric('usage_rows_waiting')).toBe(1);
    expect(await metric('usage_oldest_waiting_seconds')).toBeGreaterThan(0);
  } finally {
    await server.start();
  }
  await relay.logged('usage rows reach Postgres again');
  expect(await epochsIn(server)).toHaveLength(2);
  expect(await metric('usage_rows_quarantined')).toBe(0);
  expect(relay.logText.join('\n')).not.toMatch(/xyzzy|password@/);
});

it(
  `killed ${ROUNDS} times under load, with Postgres up and down, every run has exactly one row in Postgres`,
  async () => {
    using data = dataDirectory();
    const simulator = await startSimulator();
    const random = new Random(SEED);
    const environment = {
      ...upstreamAt(simulator.url),
      ALLOWED_MODELS: 'claude-sonnet-5-5,sim:fast',
      DATABASE_URL: server.url('relay'),
    };
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        // Down in every second life, at its start or in its middle.
        if (round % 4 === 1) await server.stop();
        else await server.start();
        await using relay = await spawnRelay(data.path, environment);
        const token = await relay.token();
        let left = random.integer(20, 200);
        const half = left >>> 1;
        const caller = async (): Promise<void> => {
          for (;;) {
            await askWhole(relay.url, token, question());
            left -= 1;
            if (left === half && round % 4 === 3) void server.stop();
            if (left === 0) relay.kill('SIGKILL');
          }
        };
        await Promise.allSettled(Array.from({ length: CALLERS }, caller));
        expect((await relay.exited).signal).toBe('SIGKILL');
      }
    } finally {
      await server.start();
    }
    await using relay = await spawnRelay(data.path, environment);
    const runs = await relay.usageRows();
    const epochs = runs.map(({ epoch }) => epoch).toSorted();
    expect(epochs.length).toBeGreaterThan(ROUNDS * 20);
    await eventually(
      `all in Postgres; seed ${SEED}`,
      async () => (await epochsIn(server)).length >= epochs.length,
    );
    expect(await epochsIn(server), SEED).toEqual(epochs);
    report(`${epochs.length} runs, ${runs.filter(({ code }) => code === 'interrupted').length} interrupted`);
    await simulator.close();
  },
  60_000 + ROUNDS * 10_000,
);

const KEPT = 'usage rows do not reach Postgres: kept here, tried again';
const urlOf = (user: string, password: string) =>
  server.url('relay').replace(/\/\/.*@/, `//${user}:${password}@`);
const relayBy = (DATA_DIR: string, DATABASE_URL: string) =>
  startSimulatedRelay({ pace: UNPACED, models: ['sim:fast'] }, { DATA_DIR, DATABASE_URL });
const answered = async (relay: TestRelay) => {
  expect(await askWhole(relay.url, await relay.token(), question())).toMatchObject({
    stopReason: 'end_turn',
  });
};
const rows = (count: number) =>
  eventually(`${count} rows`, async () => (await epochsIn(server)).length === count);

it('a second role: the next process has it, the first one is dropped', async () => {
  using data = dataDirectory();
  await server.query('DROP ROLE IF EXISTS first, second');
  await server.query("CREATE ROLE first LOGIN PASSWORD 'one' IN ROLE dash_relay_writer");
  await server.query("CREATE ROLE second LOGIN PASSWORD 'two' IN ROLE dash_relay_writer");
  {
    await using last = await relayBy(data.path, urlOf('first', 'one'));
    await answered(last);
    await rows(1);
  }
  await using next = await relayBy(data.path, urlOf('second', 'two'));
  await answered(next);
  await rows(2);
  await server.query('DROP ROLE first');
  await answered(next);
  await rows(3);
  expect(next.logLines.filter(({ msg }) => msg === KEPT)).toEqual([]);
});

if (LONG)
  it('the password of the role there is: answers go on, their rows wait on the disk and arrive after the restart', async () => {
    using data = dataDirectory();
    {
      await using last = await relayBy(data.path, server.url('relay'));
      await answered(last);
      await rows(1);
      await server.query("ALTER ROLE relay PASSWORD 'changed'");
      await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'relay'");
      await answered(last);
      await last.logged(KEPT);
      await answered(last);
      expect(last.logText.join('')).not.toMatch(/changed|relay:password/);
    }
    expect(await epochsIn(server)).toHaveLength(1);
    await using next = await relayBy(data.path, urlOf('relay', 'changed'));
    await rows(3);
    await answered(next);
    await rows(4);
  });
