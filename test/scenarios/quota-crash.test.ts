import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { QuotaReport } from '../../src/quota/port.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { ask } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { dataDirectory, spawnRelay, type TestRelay, upstreamAt } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { plansFile } from '../usage/quota/plan-files.ts';
import { type PostgresServer, startPostgres } from '../usage/quota/postgres-server.ts';

const LIMIT = 3;
/** One delta a second: a long answer is live however late a loaded machine looks. */
const SLOW = { firstTokenMs: 5, deltasPerSecond: 1 } as const;

let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres();
});
beforeEach(() => postgres.query('TRUNCATE dash_relay.quota_runs, dash_relay.quota_counters', []));
afterAll(() => postgres.close());

async function standing(relay: TestRelay) {
  const { body } = await ask(`${relay.url}/v1/usage`, { token: await relay.token() });
  const { quotas } = JSON.parse(body) as QuotaReport;
  const find = (of: string, period: string) =>
    quotas.find(
      (line) => line.of === of && line.period === period && [undefined, 'chat'].includes(line.action),
    );
  return { requests: find('requests', 'month'), tokens: find('tokens', 'month') };
}

it.each(['SQLite', 'Postgres'])(
  'after a kill -9 the quotas in %s hold what was used, and reserve nothing',
  { timeout: 60_000 },
  async (store) => {
    using data = dataDirectory();
    const simulator = await startSimulator({ pace: SLOW });
    const environment = {
      ...upstreamAt(simulator.url),
      ALLOWED_MODELS: 'claude-sonnet-5-5,sim:long,sim:fast',
      PLANS_FILE: plansFile({ plans: { enterprise: { requestsPerActionPerMonth: LIMIT } } }),
      ...(store === 'Postgres' ? { DATABASE_URL: postgres.url } : {}),
    };
    const killed = await spawnRelay(data.path, environment);
    const client = await connectClient({ url: killed.url, token: await killed.token() });
    await client.ended(client.start({ model: 'sim:fast' }));
    const live = client.start({ model: 'sim:long' });
    // The ledger saves the progress of live runs each second. What has said nothing yet is no request.
    await eventually('its first words are on disk', async () =>
      (await killed.usageRows()).some((row) => row.status === 'running' && row.source === 'estimated'),
    );
    await eventually('the first is settled', async () => (await standing(killed)).requests?.used === 1);
    expect((await standing(killed)).requests).toMatchObject({ used: 1, reserved: 1 });
    expect(live.ending).toBeUndefined();
    killed.kill('SIGKILL');
    await killed.exited;

    await using relay = await spawnRelay(data.path, environment);
    const rows = await relay.usageRows();
    expect(rows.map(({ status, code }) => code ?? status)).toEqual(['done', 'interrupted']);
    const billed = rows.reduce((sum, row) => sum + row.inputTokens + row.outputTokens, 0);
    const after = await standing(relay);
    expect(after.requests).toMatchObject({ used: 2, reserved: 0, limit: LIMIT });
    expect(after.tokens).toMatchObject({ used: billed, reserved: 0 });
    await using next = await connectClient({ url: relay.url, token: await relay.token() });
    await next.ended(next.start({ model: 'sim:fast' }));
    const refused = next.refused('start');
    next.start({ model: 'sim:fast' });
    expect(await refused).toMatchObject({ code: 'quota_exceeded', used: LIMIT, limit: LIMIT });
    await simulator.close();
  },
);

it('an operator hears once that Postgres is away, and starts go on', { timeout: 60_000 }, async () => {
  using data = dataDirectory();
  const simulator = await startSimulator();
  const nowhere = 'postgres://nobody:secret@127.0.0.1:1/none';
  const environment = {
    ...upstreamAt(simulator.url),
    ALLOWED_MODELS: 'sim:fast',
    DEFAULT_MODEL: 'sim:fast',
    DATABASE_URL: nowhere,
    PLANS_FILE: plansFile({ plans: { enterprise: { requestsPerActionPerMonth: LIMIT } } }),
  };
  await using relay = await spawnRelay(data.path, environment);
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  for (let run = 0; run < LIMIT; run += 1) await client.ended(client.start());
  const refused = client.refused('start');
  client.start();
  expect(await refused).toMatchObject({ code: 'quota_exceeded', used: LIMIT });
  expect(relay.logLines.filter(({ what }) => what === 'quota: Postgres')).toHaveLength(1);
  expect(relay.logText.join()).not.toContain('secret');
  await simulator.close();
});
