import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask, askWhole, type ChatBody } from '../support/http-doors.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { startRelay } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { plansFile } from '../usage/quota/plan-files.ts';

let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.close());

let asked = 0;
function question(): ChatBody {
  asked += 1;
  return {
    id: `simulated-question-${asked}`,
    action: 'chat',
    messages: [{ role: 'user', content: '2 + 2?' }],
  };
}

async function tokenOf(url: string, body?: object): Promise<string> {
  const answer = await ask(`${url}/dev/token`, { method: 'POST', ...(body === undefined ? {} : { body }) });
  return (JSON.parse(answer.body) as { access_token: string }).access_token;
}

it('a simulated answer costs nothing for the client, the ledger, the budget and Postgres', async () => {
  await using relay = await startRelay({
    DATABASE_URL: postgres.url('relay'),
    SHOW_COST: 'true',
    // Less than one answer would cost.
    PLANS_FILE: plansFile({ spendingPerDayUsd: 0.000001, plans: { enterprise: {} } }),
  });
  const answer = await askWhole(relay.url, await tokenOf(relay.url), question());
  expect(answer.usage).toMatchObject({ source: 'final', costUsd: 0 });
  expect(answer.usage?.outputTokens).toBeGreaterThan(0);
  expect(await relay.usageRows()).toMatchObject([{ simulated: true, costUsd: 0 }]);
  const rows = () => postgres.query('SELECT cost_usd, output_cost_usd, price_version FROM dash_relay.usage');
  await eventually('it is in Postgres', async () => (await rows()).length === 1);
  expect(await rows()).toEqual([
    { cost_usd: '0.000000000000', output_cost_usd: '0.000000000000', price_version: 'simulated' },
  ]);
  const spent = await postgres.query("SELECT used FROM dash_relay.quota_counters WHERE key = 'spending'");
  expect(spent).toEqual([{ used: '0' }]);
});

it('a developer asks more than a free plan allows, and one who has that plan is told the way out', async () => {
  await using relay = await startRelay();
  const token = await tokenOf(relay.url);
  const answers = await Promise.all(
    Array.from({ length: 55 }, () => askWhole(relay.url, token, { ...question(), model: 'sim:fast' })),
  );
  expect(answers.filter(({ error }) => error !== undefined)).toEqual([]);
  const free = await tokenOf(relay.url, { tier: 'free' });
  const { error } = await askWhole(relay.url, free, question());
  expect(error).toMatchObject({
    code: 'quota_exceeded',
    message: expect.stringMatching(/the plan is "free", limits are in PLANS_FILE; .*POST \/dev\/token/),
  });
});
