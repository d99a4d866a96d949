import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectClient } from '../support/relay-client.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { LONG } from '../support/test-run.ts';
import { plansFile } from '../usage/quota/plan-files.ts';
import { type PostgresServer, startPostgres } from '../usage/quota/postgres-server.ts';

const ROUNDS = LONG ? 50 : 5;
const STARTS = 50;
/** The prompt and the cap of one answer fit, not two. */
const TOKENS_FOR_ONE = 4000;
const PACE = { firstTokenMs: 1, deltasPerSecond: 1000 } as const;

let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.close());

/** All starts of one user at once, over two sockets on each relay. How many ran. */
async function race(relays: readonly SimulatedRelay[], user: number): Promise<number> {
  const clients = await Promise.all(
    [...relays, ...relays].map(async (relay) =>
      connectClient({ url: relay.url, token: await relay.token(user) }),
    ),
  );
  const streams = Array.from({ length: STARTS }, (_, start) => {
    const client = clients[start % clients.length];
    return client?.start({ maxTokens: 1024 });
  });
  await Promise.all(
    clients.map((client) =>
      client.until(() => [...client.streams.values()].every(({ over }) => over) || undefined),
    ),
  );
  for (const client of clients) await client.close();
  for (const stream of streams) {
    // While the one runs its reservation is in the way, afterwards its request is used.
    if (stream?.refusal !== undefined) {
      expect(stream.refusal.code).toMatch(/^(rate_limited|quota_exceeded)$/);
    }
  }
  return streams.filter((stream) => stream?.ending?.type === 'done').length;
}

/** Runs that ended in the middle of the race free what they left over: the budget must hold one reservation alone. */
const enterprise = { user: { tokensPerDay: TOKENS_FOR_ONE }, requestsPerActionPerMonth: 1 };

it('of 50 parallel starts on a budget for one exactly one runs, on one relay', {
  timeout: 60_000,
}, async () => {
  const PLANS_FILE = plansFile({ plans: { enterprise } });
  await using relay = await startSimulatedRelay({ pace: PACE }, { PLANS_FILE });
  for (let round = 0; round < ROUNDS; round += 1)
    expect(await race([relay], round), `round ${round}`).toBe(1);
  expect(relay.simulator.requests).toHaveLength(ROUNDS);
  expect(await relay.usageRows()).toHaveLength(ROUNDS);
});

it('and on two relays that share Postgres', { timeout: 60_000 }, async () => {
  const environment = { PLANS_FILE: plansFile({ plans: { enterprise } }), DATABASE_URL: postgres.url };
  await using one = await startSimulatedRelay({ pace: PACE }, environment);
  await using two = await startSimulatedRelay({ pace: PACE }, environment);
  for (let round = 0; round < ROUNDS; round += 1) {
    expect(await race([one, two], round), `round ${round}`).toBe(1);
  }
  expect(one.simulator.requests.length + two.simulator.requests.length).toBe(ROUNDS);
});
