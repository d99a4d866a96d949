/** The whole relay on a real Postgres. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Random } from '../../../src/simulator/random.ts';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { ask, askWhole } from '../../support/http-doors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { dataDirectory, spawnRelay, startSimulatedRelay, upstreamAt } from '../../support/relay-process.ts';
import { eventually, LONG, report, SEED } from '../../support/test-run.ts';
import { epochsIn } from './shipping.ts';

const ROUNDS = LONG ? 50 : 3;
const CALLERS = 10;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
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
    await server.query('TRUNCATE dash_relay.usage');
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
