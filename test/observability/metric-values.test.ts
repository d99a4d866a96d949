/** What each metric counts: of whole streams through a real relay, and of the parts that a test has to hold by itself. */
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/observability/metrics.ts';
import { RateLimits } from '../../src/upstream/rate-limits.ts';
import { keySetIssuer } from '../auth/key-set-issuer.ts';
import { type Series, seriesOf } from '../support/catalogued-metrics.ts';
import { createCore, start } from '../support/core.ts';
import { ask, askWhole } from '../support/http-doors.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { settled } from '../support/quiet.ts';
import { connectClient } from '../support/relay-client.ts';
import { startRelay, startSimulatedRelay, type TestRelay, upstreamAt } from '../support/relay-process.ts';
import { KEY_SET_FAULTS } from '../support/token-mint.ts';
import { startModelServer } from '../upstream/model-server.ts';
import { plansFile } from '../usage/quota/plan-files.ts';

const PACE = { firstTokenMs: 5, deltasPerSecond: 400 } as const;
const MODEL = { action: 'chat', model: 'claude-sonnet-5-5' };

async function scrape(relay: TestRelay) {
  const { body } = await ask(`${relay.url}/metrics`);
  const series = seriesOf(body);
  /** Undefined where there is no such series. */
  const value = (name: string, labels: Series['labels'] = {}): number | undefined =>
    series.find(
      (each) =>
        each.name === name && Object.entries(labels).every(([label, text]) => each.labels[label] === text),
    )?.value;
  /** Of a histogram. */
  const total = (name: string, suffix: 'sum' | 'count'): number =>
    Number(new RegExp(`^${name}_${suffix} (\\S+)$`, 'm').exec(body)?.[1]);
  return { body, value, total };
}

describe('a stream', () => {
  it('counts by action and model, and its first token is the sum of the two shares', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    await using client = await connectClient({ url: relay.url, token: await relay.token() });
    const done = await client.ended(client.start({ maxTokens: 40 }));
    const { value, total } = await scrape(relay);
    expect(value('dash_action_streams_total', { ...MODEL, status: 'done' })).toBe(1);
    expect(value('dash_action_streams_total', { ...MODEL, status: 'error' })).toBe(0);
    const shares = ['model', 'relay'].map((share) => total(`dash_first_token_${share}_seconds`, 'sum'));
    expect(shares.every((share) => share > 0)).toBe(true);
    expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(
      total('dash_first_token_seconds', 'sum'),
      9,
    );
    expect(done.type === 'done' && done.seq - 1).toBe(total('dash_delta_gap_seconds', 'count'));
    expect(value('dash_upstream_responses_total', { status: '200', error_code: 'none' })).toBe(1);
    expect(value('dash_streams', { state: 'live' })).toBe(0);
  });

  it('that is cancelled has its tokens estimated', async () => {
    await using relay = await startSimulatedRelay({ pace: { firstTokenMs: 1, deltasPerSecond: 20 } });
    await using client = await connectClient({ url: relay.url, token: await relay.token() });
    const stream = client.start();
    await client.until(() => stream.seq > 0);
    expect((await scrape(relay)).value('dash_streams', { state: 'live' })).toBe(1);
    client.cancel(stream);
    await client.ended(stream);
    const { value } = await scrape(relay);
    expect(value('dash_estimated_streams_total', MODEL)).toBe(1);
    expect(value('dash_action_streams_total', { ...MODEL, status: 'cancelled' })).toBe(1);
  });

  it('is opening, then live, and settling until its row is on disk', async () => {
    const { promise: reserved, resolve: reserve } = Promise.withResolvers<{ promptTokens: number }>();
    const { promise: written, resolve: write } = Promise.withResolvers<{
      costUsd: number;
      cacheSavedUsd: number;
    }>();
    const quota = {
      reserve: () => reserved,
      correct() {},
      settle() {},
      release() {},
      usageOf: async () => ({ plan: 'none', quotas: [] }),
    };
    const ledger = {
      open: async () => {},
      touch() {},
      settle: () => written,
      degraded: false,
      close: async () => {},
    };
    const { connect, upstream, relay } = createCore({ quota, ledger });
    connect().send(start('s1'));
    await settled();
    expect(relay.registry.states).toEqual({ opening: 1, live: 0, settling: 0 });
    reserve({ promptTokens: 0 });
    await settled();
    expect(relay.registry.states).toEqual({ opening: 0, live: 1, settling: 0 });
    upstream.last.text('hi');
    upstream.last.end();
    await settled();
    expect(relay.registry.states).toEqual({ opening: 0, live: 0, settling: 1 });
    write({ costUsd: 0, cacheSavedUsd: 0 });
    await settled();
    expect(relay.registry.states).toEqual({ opening: 0, live: 0, settling: 0 });
  });

  it('tells when a reader is held, once until it has all, and when it is closed', async () => {
    const { connect, upstream, clock, observed } = createCore({ heartbeatMs: 1_000_000 });
    const told = () => observed.flatMap(({ kind, event }) => (kind === 'slowReader' ? [event] : []));
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    const fill = async (): Promise<void> => {
      socket.stalled = true;
      for (let round = 0; round < 200; round += 1) {
        upstream.last.text('x'.repeat(1000));
        await settled();
      }
    };
    await fill();
    expect(told()).toEqual(['held']);
    for (let round = 0; round < 10; round += 1) {
      socket.drain();
      await settled();
    }
    await fill();
    expect(told()).toEqual(['held', 'held']);
    for (let second = 0; second < 60; second += 1) clock.advance(1000);
    await settled();
    expect(told()).toEqual(['held', 'held', 'closed']);
  });
});

describe('a resume', () => {
  it('counts by what came of it', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const token = await relay.token();
    await using client = await connectClient({ url: relay.url, token });
    const stream = client.start({ maxTokens: 4 });
    await client.ended(stream);
    const of = (id: string) => ask(`${relay.url}/v1/streams/${id}?epoch=${stream.epoch}`, { token });
    expect((await of(stream.id)).status).toBe(200);
    expect((await of('nobody-knows-this-one')).status).toBe(404);
    const { value } = await scrape(relay);
    const outcomes = ['local', 'remote', 'gone', 'refused'].map((outcome) =>
      value('dash_resume_outcomes_total', { outcome }),
    );
    expect(outcomes).toEqual([1, 0, 1, 0]);
    expect(value('dash_http_requests_total', { route: '/v1/streams/:id', status: '200' })).toBe(1);
    expect(value('dash_http_requests_total', { route: '/v1/streams/:id', status: '404' })).toBe(1);
  });
});

it('a quota that refuses is counted by which it is', async () => {
  const PLANS_FILE = plansFile({ plans: { enterprise: { requestsPerActionPerMonth: 1 } } });
  await using relay = await startSimulatedRelay({ pace: PACE }, { PLANS_FILE });
  const token = await relay.token();
  const messages = [{ role: 'user' as const, content: 'Hello' }];
  for (const id of ['question-one', 'question-two'])
    await askWhole(relay.url, token, { id, action: 'chat', messages });
  const { value } = await scrape(relay);
  expect(value('dash_quota_refusals_total', { limit: 'requests_of_user_per_month' })).toBe(1);
  expect(value('dash_quota_refusals_total', { limit: 'spending' })).toBe(0);
  expect(relay.logLines.filter(({ msg }) => msg === 'refused')).toMatchObject([
    { code: 'quota_exceeded', reason: 'requests_of_user_per_month' },
  ]);
});

describe("the API's answers", () => {
  const HEADERS = {
    'anthropic-ratelimit-requests-limit': '1000',
    'anthropic-ratelimit-requests-remaining': '3',
    'anthropic-ratelimit-input-tokens-limit': '20000x',
    'anthropic-ratelimit-input-tokens-remaining': '1',
  };
  const refusal = (type: string) => JSON.stringify({ type: 'error', error: { type, message: 'canary' } });

  it('count by status and error, and say what is left of its limits; what nobody knows is `other`', async () => {
    const answers = [
      [429, 'rate_limit_error'],
      [418, 'canary_error'],
    ] as const;
    await using server = await modelServer((call) => answers[call] ?? answers[0]);
    await using relay = await startRelay(upstreamAt(server.baseURL));
    expect((await scrape(relay)).body).not.toContain('dash_upstream_limit{');
    const messages = [{ role: 'user' as const, content: 'Hello' }];
    await askWhole(relay.url, await relay.token(), { id: 'question-one', action: 'chat', messages });
    const { value, body } = await scrape(relay);
    expect(value('dash_upstream_responses_total', { status: '429', error_code: 'rate_limit_error' })).toBe(1);
    expect(value('dash_upstream_responses_total', { status: 'other', error_code: 'other' })).toBe(1);
    expect(value('dash_upstream_limit', { limit: 'requests' })).toBe(1000);
    expect(value('dash_upstream_limit_remaining', { limit: 'requests' })).toBe(3);
    expect(value('dash_upstream_limit', { limit: 'input_tokens' })).toBeUndefined();
    expect(body).not.toContain('canary');
  });

  it('say what is left until it is whole again', () => {
    const clock = new ManualClock();
    const limits = new RateLimits(clock);
    expect(limits.of('requests')).toBeUndefined();
    const date = new Date(clock.now()).toUTCString();
    const reset = new Date(Date.parse(date) + 10_000).toISOString();
    limits.read({ ...HEADERS, date, 'anthropic-ratelimit-requests-reset': reset });
    expect(limits.of('requests')).toEqual({ limit: 1000, remaining: 3 });
    limits.read({});
    clock.advance(9_999);
    expect(limits.of('requests')).toEqual({ limit: 1000, remaining: 3 });
    clock.advance(1);
    expect(limits.of('requests')).toEqual({ limit: 1000, remaining: 1000 });
  });

  /** Each question is refused so; anything else is not there. */
  async function modelServer(answerOf: (call: number) => readonly [status: number, type: string]) {
    let calls = 0;
    const server = await startModelServer('http', (response, _call, request) => {
      const isQuestion = request.url === '/v1/messages';
      const [status, type] = isQuestion ? answerOf(calls) : ([404, 'not_found_error'] as const);
      if (isQuestion) calls += 1;
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after-ms': '1', ...HEADERS });
      response.end(refusal(type));
    });
    return { baseURL: server.baseURL, [Symbol.asyncDispose]: () => server.close() };
  }
});

it('the key set: up and of age, and not up once it is an hour old', async () => {
  const { server, authenticator, clock, advanceToFetch } = await keySetIssuer();
  expect(authenticator.keySet).toEqual({ isUsable: false, ageMs: null });
  await authenticator.start();
  expect(authenticator.keySet).toEqual({ isUsable: true, ageMs: 0 });
  clock.advance(1000);
  expect(authenticator.keySet).toMatchObject({ ageMs: 1000 });
  server.answer(KEY_SET_FAULTS.fail);
  for (let minute = 0; minute < 61; minute += 1) await Promise.race([advanceToFetch(60_000), settled()]);
  expect(authenticator.keySet).toMatchObject({ isUsable: false });
});

it('gaps between deltas fall into buckets that add up', async () => {
  const metrics = createMetrics();
  for (const ms of [0, 1, 7, 7, 40_000]) metrics.deltaGaps.observe(ms);
  const text = await metrics.registry.metrics();
  const bucket = (le: string) =>
    Number(new RegExp(`dash_delta_gap_seconds_bucket\\{le="${le}"\\} (\\d+)`).exec(text)?.[1]);
  expect(['0.001', '0.005', '0.01', '30', '\\+Inf'].map(bucket)).toEqual([2, 2, 4, 4, 5]);
  expect(text).toContain('dash_delta_gap_seconds_sum 40.015');
  expect(text).toContain('dash_delta_gap_seconds_count 5');
});
