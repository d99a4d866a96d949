/** Long prompts are counted by the API beside their calls, and what is reserved for them is corrected: over real HTTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QuotaReport } from '../../src/quota/port.ts';
import { BEHAVIOURS } from '../../src/simulator/behaviour.ts';
import { ask } from '../support/http-doors.ts';
import { connectClient, type RelayClient } from '../support/relay-client.ts';
import { type SimulatedRelay, startSimulatedRelay, type TestRelay } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { plansFile } from '../usage/quota/plan-files.ts';
import { type PostgresServer, startPostgres } from '../usage/quota/postgres-server.ts';

/** Answers that do not begin while a test looks. */
const SILENT = { firstTokenMs: 3_600_000, deltasPerSecond: 1 } as const;
const PACE = { firstTokenMs: 5, deltasPerSecond: 400 } as const;
const LONG = [{ role: 'user' as const, content: 'Umntu ngumntu ngabantu. '.repeat(500) }];
/** Of the answer. */
const MAX_TOKENS = 100;

type Pace = typeof SILENT | typeof PACE;

/** The tests' tokens have the tier `enterprise`: its limits are the ones given here. */
async function relayWith(
  environment: Record<string, string> = {},
  { limits = {} as object, pace = SILENT as Pace } = {},
): Promise<SimulatedRelay> {
  const PLANS_FILE = plansFile({ plans: { enterprise: limits } });
  const options = { pace, keepBodies: true };
  return await startSimulatedRelay(options, { PLANS_FILE, COUNT_TOKENS_ABOVE: '2000', ...environment });
}

async function connect(relay: TestRelay): Promise<RelayClient> {
  return await connectClient({ url: relay.url, token: await relay.token() });
}

const startLong = (client: RelayClient) => client.start({ messages: LONG, maxTokens: MAX_TOKENS });

/** Tokens of the day. */
async function reserved(relay: TestRelay): Promise<number> {
  const { body } = await ask(`${relay.url}/v1/usage`, { token: await relay.token() });
  const { quotas } = JSON.parse(body) as QuotaReport;
  return quotas.find(({ of, period }) => of === 'tokens' && period === 'day')?.reserved ?? 0;
}

async function becomes(relay: TestRelay, tokens: number): Promise<void> {
  await eventually(`${tokens} tokens are reserved`, async () => (await reserved(relay)) === tokens);
  expect(await reserved(relay)).toBe(tokens);
}

async function metrics(relay: TestRelay): Promise<string> {
  return (await ask(`${relay.url}/metrics`)).body;
}

describe('a long prompt', () => {
  it('is held by what the API counts, which is what it bills', async () => {
    await using relay = await relayWith();
    await using client = await connect(relay);
    await client.accepted(startLong(client));
    await eventually('it is counted', () => relay.simulator.counts[0]?.status === 200);
    const [count] = relay.simulator.counts;
    const tokens = count?.inputTokens ?? 0;
    expect(tokens).toBeGreaterThan(2_000);
    await becomes(relay, Math.ceil(tokens * 1.01) + MAX_TOKENS);
    const [{ body } = { body: undefined }] = relay.simulator.requests;
    const { max_tokens: _, stream, metadata, ...prompt } = body as Record<string, unknown>;
    expect([stream, metadata]).toEqual([true, { user_id: expect.any(String) }]);
    expect(count?.body).toEqual(prompt);
    expect(await metrics(relay)).toContain('dash_prompt_counts_total{outcome="counted"} 1');
  });

  it('is answered meanwhile, from the first word to the last; the count is left then', async () => {
    await using relay = await relayWith({}, { pace: PACE });
    relay.simulator.count({ silent: true });
    await using client = await connect(relay);
    const ending = await client.ended(startLong(client));
    expect(ending).toMatchObject({ type: 'done', usage: { source: 'final' } });
    expect(relay.simulator.counts).toMatchObject([{ status: null }]);
    await eventually('the request is closed', () => relay.simulator.counts[0]?.aborted === true);
    expect(await reserved(relay)).toBe(0);
    expect(await metrics(relay)).toContain('dash_prompt_counts_total{outcome="aborted"} 1');
  });

  it('that is cancelled is counted no more', async () => {
    await using relay = await relayWith();
    relay.simulator.count({ silent: true });
    await using client = await connect(relay);
    const stream = startLong(client);
    await client.accepted(stream);
    await eventually('it is asked', () => relay.simulator.counts[0]?.model !== undefined);
    client.cancel(stream);
    await client.ended(stream);
    await eventually('the request is closed', () => relay.simulator.counts[0]?.aborted === true);
    expect(await reserved(relay)).toBe(0);
  });

  it('that cannot be counted stays reserved as it was; the log says why, without a word of it', async () => {
    await using relay = await relayWith();
    relay.simulator.count(BEHAVIOURS.forbidden);
    await using client = await connect(relay);
    await client.accepted(startLong(client));
    const [line] = await relay.logged('prompt not counted: its reservation stays as it was estimated');
    expect(line).toMatchObject({
      level: 'warn',
      reason: 'refused',
      status: 403,
      type: 'permission_error',
      model: 'claude-sonnet-5-5',
      upstreamRequestId: expect.stringMatching(/^req_/),
    });
    const before = await reserved(relay);
    expect(before).toBeGreaterThan(5_000);
    await client.accepted(startLong(client));
    const said = ['refused', 'paused'].map((outcome) => `dash_prompt_counts_total{outcome="${outcome}"} 1`);
    await eventually('the second was not asked for', async () => {
      const text = await metrics(relay);
      return said.every((each) => text.includes(each));
    });
    expect(relay.simulator.counts).toHaveLength(1);
    expect(await reserved(relay)).toBe(2 * before);
    expect(relay.logText.join('\n')).not.toContain('Umntu');
  });

  it('by its count makes room for the next start, or leaves none', async () => {
    await using relay = await relayWith({}, { limits: { user: { tokensPerDay: 13_000 } } });
    relay.simulator.count({ inputTokens: 3_000 });
    await using client = await connect(relay);
    for (let start = 1; start <= 2; start += 1) {
      await client.accepted(startLong(client));
      await becomes(relay, start * (3_030 + MAX_TOKENS));
    }
    relay.simulator.count({ inputTokens: 11_000 });
    await client.accepted(client.start({ messages: LONG, maxTokens: 1 }));
    await becomes(relay, 2 * (3_030 + MAX_TOKENS) + 11_110 + 1);
    const refused = client.refused('start');
    client.start({ maxTokens: 1 });
    expect(await refused).toMatchObject({ code: 'rate_limited' });
    expect(relay.simulator.requests.every(({ status }) => status === 200)).toBe(true);
  });
});

describe('nothing is counted', () => {
  it.each<[string, Record<string, string>, typeof LONG]>([
    ['of a short prompt', {}, [{ role: 'user', content: 'Molo' }]],
    ['where it is switched off', { COUNT_TOKENS_ABOVE: '0' }, LONG],
    ['below the usual threshold', { COUNT_TOKENS_ABOVE: '' }, LONG],
  ])('%s', async (_, environment, messages) => {
    await using relay = await relayWith(environment, { pace: PACE });
    await using client = await connect(relay);
    await client.ended(client.start({ messages }));
    expect(relay.simulator.counts).toEqual([]);
  });
});

describe('on two relays that share Postgres', () => {
  let postgres: PostgresServer;

  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.close());

  it('what one has counted decides about a start on the other', async () => {
    const DATABASE_URL = postgres.url;
    const limits = { user: { tokensPerDay: 10_000 } };
    await using one = await relayWith({ DATABASE_URL }, { limits });
    await using other = await relayWith({ DATABASE_URL }, { limits });
    one.simulator.count({ inputTokens: 3_000, waitMs: 200 });
    other.simulator.count({ inputTokens: 9_000 });
    await using first = await connect(one);
    await using second = await connect(other);
    const stream = startLong(first);
    await first.accepted(stream);
    const refused = second.refused('start');
    startLong(second);
    expect(await refused).toMatchObject({ code: 'rate_limited' });
    await becomes(other, 3_030 + MAX_TOKENS);
    await second.accepted(startLong(second));
    await becomes(one, 3_030 + MAX_TOKENS + 9_090 + MAX_TOKENS);
    first.cancel(stream);
    await first.ended(stream);
    await becomes(one, 9_090 + MAX_TOKENS);
    for (const relay of [one, other])
      expect(relay.logLines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
