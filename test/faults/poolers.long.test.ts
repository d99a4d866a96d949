/** F20, F21, F22 behind PgBouncer, in both of its modes: usage rows and quotas come through it, and through what becomes of it. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ask, askWhole } from '../support/http-doors.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { type PoolMode, startPgBouncer } from './pgbouncer.ts';

const PACE = { firstTokenMs: 1, deltasPerSecond: 1000 } as const;
/** More than the pooler has connections: in transaction mode statements of one client share them. */
const AT_ONCE = 8;
const CONNECTIONS: Readonly<Record<PoolMode, number>> = { transaction: 2, session: 5 };

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());
beforeEach(() => server.query('TRUNCATE dash_relay.usage, dash_relay.quota_runs, dash_relay.quota_counters'));

async function answers(relay: SimulatedRelay): Promise<void> {
  const token = await relay.token();
  const question = () => ({
    id: randomUUID(),
    action: 'chat',
    messages: [{ role: 'user' as const, content: 'Why?' }],
  });
  const given = await Promise.all(
    Array.from({ length: AT_ONCE }, () => askWhole(relay.url, token, question())),
  );
  expect(given.filter(({ error }) => error !== undefined)).toEqual([]);
}

async function isAlone(relay: SimulatedRelay): Promise<boolean> {
  const { body } = await ask(`${relay.url}/metrics`);
  return /^dash_quota_alone 1$/m.test(body);
}

/** Each run has arrived once, and what was reserved for it is what it used. */
async function allArrive(relay: SimulatedRelay): Promise<void> {
  const epochs = (await relay.usageRows()).map(({ epoch }) => epoch).toSorted();
  const arrived = async () => {
    const rows = await server.query<{ epoch: string }>('SELECT epoch FROM dash_relay.usage');
    return rows.map(({ epoch }) => epoch).toSorted();
  };
  await eventually('all rows have arrived', async () => (await arrived()).length >= epochs.length);
  expect(await arrived()).toEqual(epochs);
  await eventually('nothing is reserved', async () => {
    const [sum] = await server.query<{ reserved: string | null }>(
      'SELECT sum(reserved) AS reserved FROM dash_relay.quota_counters',
    );
    return Number(sum?.reserved) === 0;
  });
}

/** In the end quotas are shared as before. */
async function isShared(relay: SimulatedRelay): Promise<void> {
  await answers(relay);
  await eventually('quotas are shared', async () => !(await isAlone(relay)));
  await allArrive(relay);
}

it.each(['transaction', 'session'] as const)(
  'PgBouncer in %s mode: it loses its connections to Postgres, holds still, is killed and started again',
  { timeout: 180_000 },
  async (mode) => {
    await using bouncer = await startPgBouncer(server, mode, CONNECTIONS[mode]);
    await using relay = await startSimulatedRelay({ pace: PACE }, { DATABASE_URL: bouncer.url });
    await eventually('quotas are shared', async () => !(await isAlone(relay)));
    await isShared(relay);

    const killed = await server.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'relay'",
    );
    expect(killed).not.toEqual([]);
    await isShared(relay);

    bouncer.pause();
    await answers(relay); // whoever asks is answered all the same
    expect(await isAlone(relay)).toBe(true);
    bouncer.resume();
    await isShared(relay);

    await bouncer.kill();
    await answers(relay);
    await bouncer.start();
    await isShared(relay);
    expect(relay.logLines.filter(({ msg }) => msg.includes('refuses'))).toEqual([]);
  },
);
