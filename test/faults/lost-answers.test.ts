/** F20: each statement that a relay sends to Postgres commits, and its answer is lost. Counted is what was used, once. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { askWhole } from '../support/http-doors.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { startLostAnswerProxy } from '../usage/postgres/lost-answer-proxy.ts';

const LOSSES = 2;
const QUESTIONS = 6;
const STATEMENTS = [
  ['a reservation', /quota_reserve\(/],
  ['settlements', /quota_settle_all\(/],
  ['usage rows', /INSERT INTO dash_relay\.usage .*\[\{/s],
] as const;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

async function answer(relay: SimulatedRelay): Promise<void> {
  const messages = [{ role: 'user' as const, content: 'Why?' }];
  const given = await askWhole(relay.url, await relay.token(), {
    id: randomUUID(),
    action: 'chat',
    messages,
  });
  expect(given.error).toBeUndefined();
}

/** Of each counter what was used, and what is reserved in all. */
async function counters(): Promise<{ used: readonly unknown[]; reserved: number }> {
  const rows = await server.query<{ key: string; period: string; used: string; reserved: string }>(
    'SELECT key, period, used, reserved FROM dash_relay.quota_counters ORDER BY key, period',
  );
  return {
    used: rows.map(({ key, period, used }) => `${key} ${period} ${used}`),
    reserved: rows.reduce((sum, { reserved }) => sum + Number(reserved), 0),
  };
}

/** What all questions use, with the answers to some statements lost. */
async function usedWith(losses: number, statement: RegExp): Promise<readonly unknown[]> {
  await server.query('TRUNCATE dash_relay.usage, dash_relay.quota_runs, dash_relay.quota_counters');
  await using open = new AsyncDisposableStack();
  const proxy = await startLostAnswerProxy(server.port, losses, statement);
  open.defer(() => proxy.close());
  await using relay = await startSimulatedRelay(
    { pace: { firstTokenMs: 1, deltasPerSecond: 1000 } },
    { DATABASE_URL: server.url('relay', proxy.port) },
  );
  relay.simulator.always({ deltas: ['one ', 'two '] });
  for (let question = 0; question < QUESTIONS; question += 1) await answer(relay);
  await eventually('all rows have arrived', async () => {
    const rows = await server.query('SELECT FROM dash_relay.usage');
    return rows.length >= QUESTIONS;
  });
  await eventually('nothing is reserved', async () => (await counters()).reserved === 0);
  const { used } = await counters();
  const epochs = (await server.query<{ epoch: string }>('SELECT epoch FROM dash_relay.usage')).map(
    ({ epoch }) => epoch,
  );
  expect(epochs.toSorted()).toEqual((await relay.usageRows()).map(({ epoch }) => epoch).toSorted());
  expect(proxy.lost).toBe(losses);
  return used;
}

/** With none lost: the same questions use the same. */
let usedWithout: readonly unknown[] | undefined;

it.each(STATEMENTS)('of %s', { timeout: 120_000 }, async (_what, statement) => {
  usedWithout ??= await usedWith(0, statement);
  expect(usedWithout).not.toEqual([]);
  expect(await usedWith(LOSSES, statement)).toEqual(usedWithout);
});
