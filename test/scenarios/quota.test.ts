import { describe, expect, it } from 'vitest';
import type { QuotaReport } from '../../src/quota/port.ts';
import { ask, askEvents, askWhole, type ChatBody } from '../support/http-doors.ts';
import { connectClient, type RelayClient } from '../support/relay-client.ts';
import { type SimulatedRelay, startSimulatedRelay, type TestRelay } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { plansFile } from '../usage/quota/plan-files.ts';

const PACE = { firstTokenMs: 5, deltasPerSecond: 400 } as const;
/** Answers that do not begin while a test looks. */
const SILENT = { firstTokenMs: 3_600_000, deltasPerSecond: 1 } as const;
const NEXT_MONTH = Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() + 1, 1);

/** The tests' tokens have the tier `enterprise`: its limits are the ones given here. */
async function relayWith(limits: object, environment: Record<string, string> = {}): Promise<SimulatedRelay> {
  const PLANS_FILE = plansFile({ plans: { enterprise: limits } });
  return await startSimulatedRelay({ pace: PACE }, { PLANS_FILE, ...environment });
}

async function connect(relay: TestRelay): Promise<RelayClient> {
  return await connectClient({ url: relay.url, token: await relay.token() });
}

let asked = 0;
function question(): ChatBody {
  asked += 1;
  return {
    id: `question-${asked}-of-a-test`,
    action: 'chat',
    messages: [{ role: 'user', content: 'Hello' }],
  };
}

async function quotas(relay: TestRelay) {
  const { status, body } = await ask(`${relay.url}/v1/usage`, { token: await relay.token() });
  expect(status).toBe(200);
  return JSON.parse(body) as QuotaReport;
}

/** Requests of the action `chat` and tokens of the day. */
async function standing(relay: TestRelay) {
  const { quotas: lines } = await quotas(relay);
  const requests = lines.find(({ action }) => action === 'chat');
  const tokens = lines.find(({ of, period }) => of === 'tokens' && period === 'day');
  return { requests, tokens };
}

describe('a quota that is used up is told at every door, with its figures', () => {
  it('over WebSocket, SSE, JSON and the older function', async () => {
    await using relay = await relayWith({ requestsPerActionPerMonth: 1 });
    const token = await relay.token();
    await using client = await connect(relay);
    await client.ended(client.start());
    const figures = { used: 1, limit: 1, resetsAt: NEXT_MONTH };
    const message = 'your requests of this kind are used up for this month: 1';

    const refused = client.refused('start');
    client.start();
    const frame = {
      type: 'error',
      of: 'start',
      code: 'quota_exceeded',
      message,
      retryable: false,
      ...figures,
    };
    expect(await refused).toEqual({ ...frame, id: expect.any(String) });

    for (const headers of [{ accept: 'text/event-stream' }, { accept: 'application/json' }]) {
      const answer = await ask(`${relay.url}/v1/chat`, { method: 'POST', token, body: question(), headers });
      expect(answer.status).toBe(429);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(2);
      const error = { code: 'quota_exceeded', message, retryable: false, ...figures };
      expect(JSON.parse(answer.body)).toEqual({ error: { ...error, requestId: expect.any(String) } });
    }
    const gateway = `${relay.url}/functions/v1/ai-gateway`;
    const answer = await ask(gateway, { method: 'POST', token, body: question() });
    expect({ ...answer, body: JSON.parse(answer.body) }).toMatchObject({
      status: 429,
      body: { error: 'quota_exceeded', message, ...figures },
    });
    expect(await relay.usageRows()).toHaveLength(1);
    expect(relay.simulator.requests).toHaveLength(1);
  });

  it('from 80 percent on `accepted` warns, over WebSocket and SSE', async () => {
    await using relay = await relayWith({ requestsPerActionPerMonth: 5 });
    await using client = await connect(relay);
    for (let run = 0; run < 3; run += 1) {
      const stream = client.start();
      await client.ended(stream);
    }
    const accepted = client.next('accepted');
    await client.ended(client.start());
    const warning = {
      of: 'requests',
      scope: 'user',
      period: 'month',
      used: 4,
      limit: 5,
      resetsAt: NEXT_MONTH,
    };
    expect(await accepted).toMatchObject({ warning });
    const body = question();
    const headers = { accept: 'text/event-stream' };
    const events = await ask(`${relay.url}/v1/chat`, {
      method: 'POST',
      token: await relay.token(),
      body,
      headers,
    });
    expect(events.body).toContain(`"warning":${JSON.stringify({ ...warning, used: 5 })}`);
    expect(client.answers.filter((frame) => 'warning' in frame)).toHaveLength(1);
  });

  it('room that live runs hold is to be had soon, at every door; the operator is warned of a budget', async () => {
    // The prompt and the cap of one answer of `chat` fit, not two.
    const PLANS_FILE = plansFile({
      spendingPerDayUsd: 0.02,
      unpricedModels: 'allowed',
      plans: { enterprise: {} },
    });
    await using relay = await startSimulatedRelay({ pace: SILENT }, { PLANS_FILE });
    const token = await relay.token();
    await using client = await connect(relay);
    const live = client.start();
    await client.accepted(live);
    const code = 'rate_limited';
    const refused = client.refused('start');
    client.start();
    expect(await refused).toMatchObject({ code, retryable: true, retryAfterMs: 5000 });
    for (const accept of ['text/event-stream', 'application/json']) {
      const headers = { accept };
      const answer = await ask(`${relay.url}/v1/chat`, { method: 'POST', token, body: question(), headers });
      expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '5' } });
      expect(JSON.parse(answer.body)).toMatchObject({ error: { code, retryable: true } });
    }
    const gateway = `${relay.url}/functions/v1/ai-gateway`;
    const answer = await ask(gateway, { method: 'POST', token, body: question() });
    expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '5' } });
    expect(JSON.parse(answer.body)).toMatchObject({ error: code });
    client.cancel(live);
    await client.ended(live);
    await client.accepted(client.start());
    const budget = relay.logLines.filter(({ msg }) => /budget/.test(String(msg)));
    expect(budget).toMatchObject([{ level: 'warn', limitUsd: 0.02 }]);
    expect(relay.logLines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('GET /v1/usage has what was used, what is reserved, and nothing for strangers', async () => {
    await using relay = await relayWith({ requestsPerActionPerMonth: 9, user: { tokensPerDay: 90_000 } });
    await using client = await connect(relay);
    const ending = await client.ended(client.start());
    const { inputTokens, outputTokens } = ending.usage ?? { inputTokens: 0, outputTokens: 0 };
    const live = client.start({ model: 'sim:long' });
    await client.accepted(live);
    const { requests, tokens } = await standing(relay);
    expect(requests).toEqual({
      ...{ of: 'requests', scope: 'user', action: 'chat', period: 'month' },
      ...{ used: 1, reserved: 1, limit: 9, resetsAt: NEXT_MONTH },
    });
    expect(tokens).toMatchObject({ used: inputTokens + outputTokens, limit: 90_000 });
    expect(tokens?.reserved).toBeGreaterThan(1024);
    expect((await quotas(relay)).plan).toBe('enterprise');
    expect((await ask(`${relay.url}/v1/usage`)).status).toBe(401);
    client.cancel(live);
    await client.ended(live);
    expect((await standing(relay)).tokens?.reserved).toBe(0);
  });
});

describe('a quota of one action', () => {
  it('is told with its figures, stands in the report by name, and leaves the other actions theirs', async () => {
    await using relay = await relayWith({ requestsPerActionPerMonth: { homework_help: 1, '*': 7 } });
    await using client = await connect(relay);
    const warned = client.next('accepted');
    await client.ended(client.start({ action: 'homework_help' }));
    expect(await warned).toMatchObject({ warning: { of: 'requests', used: 1, limit: 1 } });
    const refused = client.refused('start');
    client.start({ action: 'homework_help' });
    expect(await refused).toMatchObject({ code: 'quota_exceeded', used: 1, limit: 1, resetsAt: NEXT_MONTH });
    await client.ended(client.start());
    const lines = (await quotas(relay)).quotas.filter(({ of }) => of === 'requests');
    expect(Object.fromEntries(lines.map(({ action, used, limit }) => [action, [used, limit]]))).toEqual({
      general_assistance: [0, 7],
      chat: [1, 7],
      homework_help: [1, 1],
      lesson_generation: [0, 7],
      grading_assistance: [0, 7],
    });
  });
});

describe('nothing is generated that no quota pays', () => {
  it('an id used again after its run is forgotten is a new run, with a row and a request of its own', async () => {
    await using relay = await relayWith({ requestsPerActionPerMonth: 2 }, { RESUME_WINDOW_MS: '50' });
    const token = await relay.token();
    const body = question();
    const first = await askEvents(relay.url, token, body);
    const again = async () => (await askWhole(relay.url, token, body)).error?.code;
    await eventually('it is forgotten', async () => {
      await again();
      return (await relay.usageRows()).length === 2;
    });
    await eventually('so is the second', async () => (await again()) === 'quota_exceeded');
    const rows = await relay.usageRows();
    expect(new Set(rows.map(({ epoch }) => epoch)).size).toBe(2);
    expect(rows[0]?.epoch).toBe(first.epoch);
    expect(relay.simulator.requests).toHaveLength(2);
  });

  it('a start sent again attaches: one call, one request', async () => {
    await using relay = await relayWith({ requestsPerActionPerMonth: 1 });
    const body = question();
    const token = await relay.token();
    await using client = await connect(relay);
    const stream = client.start(body);
    const [events, whole] = await Promise.all([
      askEvents(relay.url, token, body),
      askWhole(relay.url, token, body),
    ]);
    await client.ended(stream);
    expect([events.text, whole.content]).toEqual([stream.text, stream.text]);
    expect((await standing(relay)).requests).toMatchObject({ used: 1, reserved: 0 });
    expect(relay.simulator.requests).toHaveLength(1);
  });

  it('abandoned runs are requests, and their tokens are used', async () => {
    await using relay = await relayWith({ requestsPerActionPerMonth: 3 }, { ABANDON_AFTER_MS: '50' });
    for (let run = 0; run < 3; run += 1) {
      await using client = await connect(relay);
      const stream = client.start({ model: 'sim:long' });
      await client.until(() => stream.seq > 3 || undefined);
      client.drop();
    }
    await eventually('all are settled', async () => (await standing(relay)).requests?.used === 3);
    await using client = await connect(relay);
    const refused = client.refused('start');
    client.start();
    expect(await refused).toMatchObject({ code: 'quota_exceeded', used: 3 });
    const rows = await relay.usageRows();
    expect(rows.map(({ code }) => code)).toEqual(['abandoned', 'abandoned', 'abandoned']);
    const billed = rows.reduce((sum, row) => sum + row.inputTokens + row.outputTokens, 0);
    expect((await standing(relay)).tokens).toMatchObject({ used: billed, reserved: 0 });
  });

  it('a storm of starts and cancels ends at the quota, each with a row', async () => {
    await using relay = await relayWith({ requestsPerActionPerMonth: 20 });
    await using client = await connect(relay);
    const streams = Array.from({ length: 60 }, () => {
      const stream = client.start();
      client.cancel(stream);
      return stream;
    });
    await client.until(() => streams.every(({ over }) => over) || undefined);
    expect(streams.filter(({ ending }) => ending?.type === 'cancelled')).toHaveLength(20);
    // A run that is still being cancelled holds its reservation.
    const refusals = streams.flatMap(({ refusal }) => refusal?.code ?? []);
    expect(refusals.filter((code) => ['quota_exceeded', 'rate_limited'].includes(code))).toHaveLength(40);
    const rows = await relay.usageRows();
    expect(rows).toHaveLength(20);
    // What was cancelled before its answer began is no request.
    const answered = rows.filter(({ source }) => source === 'final' || source === 'estimated').length;
    expect((await standing(relay)).requests).toMatchObject({ used: answered, reserved: 0 });
  });

  it('and at the rate of starts where that is lower', async () => {
    await using relay = await relayWith({}, { STARTS_PER_MINUTE: '5' });
    await using client = await connect(relay);
    const streams = Array.from({ length: 20 }, () => {
      const stream = client.start();
      client.cancel(stream);
      return stream;
    });
    await client.until(() => streams.every(({ over }) => over) || undefined);
    const refusals = streams.flatMap(({ refusal }) => refusal ?? []);
    expect(refusals).toHaveLength(15);
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ code: 'rate_limited', retryable: true });
      expect(refusal.retryAfterMs).toBeGreaterThan(0);
    }
    expect(await relay.usageRows()).toHaveLength(5);
  });

  it('many sockets and all doors of one user share one quota', async () => {
    await using relay = await relayWith({ requestsPerActionPerMonth: 4 });
    const token = await relay.token();
    const clients = await Promise.all(Array.from({ length: 6 }, () => connect(relay)));
    const streams = clients.map((client) => client.start());
    const post = (path: string, headers = {}) =>
      ask(`${relay.url}${path}`, { method: 'POST', token, body: question(), headers });
    const answers = await Promise.all([
      post('/v1/chat'),
      post('/v1/chat', { accept: 'text/event-stream' }),
      post('/functions/v1/ai-gateway'),
    ]);
    await Promise.all(clients.map((client, at) => client.until(() => streams[at]?.over || undefined)));
    const ran = [
      ...streams.filter(({ ending }) => ending?.type === 'done'),
      ...answers.filter(({ status }) => status === 200),
    ];
    expect(ran).toHaveLength(4);
    expect(await relay.usageRows()).toHaveLength(4);
    expect(relay.simulator.requests).toHaveLength(4);
    for (const client of clients) await client.close();
  });
});
