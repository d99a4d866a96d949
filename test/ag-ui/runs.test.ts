/** The official client against the real relay: what its app gets of every kind of answer, and of every refusal. */
import { createHash } from 'node:crypto';
import type { Message } from '@ag-ui/core';
import { expect, it } from 'vitest';
import { ask } from '../support/http-doors.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { startScene } from '../tools/scene.ts';
import { loadRecordings } from '../upstream/recordings.ts';
import { plansFile } from '../usage/quota/plan-files.ts';
import { agentOf, faultOf, QUESTION, run, type SeenRun, textOf } from './library.ts';

const PACE = { firstTokenMs: 1, deltasPerSecond: 2000 } as const;

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Each event is one of the library's, with nothing more, and they end as a run does. */
function expectValid({ events, warnings, error }: SeenRun): void {
  expect({ error, warnings, faults: events.map(faultOf).filter(Boolean) }).toEqual({
    error: undefined,
    warnings: [],
    faults: [],
  });
  expect(events[0]?.type).toBe('RUN_STARTED');
  expect(events.at(-1)?.type).toMatch(/^RUN_(FINISHED|ERROR)$/);
}

it('every recording arrives as valid events, with its text', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  const recordings = loadRecordings();
  for (const { name, body, complete, textSha256 } of recordings) {
    relay.simulator.always({ body });
    const seen = await run(await agentOf(relay));
    expectValid(seen);
    expect(sha256(textOf(seen.messages)), name).toBe(textSha256);
    if (complete !== null)
      expect(seen.events.at(-1)?.type, name).toBe(complete ? 'RUN_FINISHED' : 'RUN_ERROR');
  }
  expect(await relay.usageRows()).toHaveLength(recordings.length);
});

/** One of each kind that ends soon. */
const BEHAVIOURS = [
  ...[
    'thinking',
    'tool',
    'several-messages',
    'surrogates',
    'refusal',
    'refusal-midway',
    'split',
    'bad-request',
  ],
  ...['reset', 'disconnect', 'truncate', 'half-event', 'overloaded-midway', 'overloaded', 'unauthorized'],
];

it('every kind of answer does, failures too', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  for (const name of BEHAVIOURS) {
    const seen = await run(await agentOf(relay), { model: `sim:${name}` });
    expectValid(seen);
    const last = seen.events.at(-1);
    const [row] = (await relay.usageRows()).slice(-1);
    const code = last?.type === 'RUN_ERROR' ? last['code'] : null;
    expect({ name, code }).toEqual({ name, code: row?.code ?? null });
  }
  const { messages } = await run(await agentOf(relay), { model: 'sim:surrogates' });
  expect(textOf(messages)).toBe('Well done 🎉! Très bien 👏🏽.');
});

it('a conversation goes on with what the client holds of it, without what the model declined to go on with', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE, keepBodies: true });
  relay.simulator.script('refusal-midway', { deltas: ['Because.'] }, { deltas: ['Again.'] });
  const agent = await agentOf(relay);
  expect((await run(agent)).result).toMatchObject({
    stopReason: 'refusal',
    refusal: { category: 'bio', partial: true },
  });
  for (const again of ['Please?', 'And now?']) {
    agent.addMessage({ id: again, role: 'user', content: again });
    expectValid(await run(agent));
  }
  const asked = relay.simulator.requests.at(-1)?.body;
  const messages = (asked as { messages?: readonly object[] } | undefined)?.messages ?? [];
  expect(messages.map((each) => JSON.stringify(each)).join()).not.toContain('assistant","content":""');
  expect(JSON.stringify(messages)).toMatch(/Why is the sky blue.*Please\?.*Because\..*And now\?/);
  expect(messages.filter((each) => 'role' in each && each.role === 'assistant')).toHaveLength(1);
});

it('what it thinks is a message of reasoning, its tools are activities; none of it is asked about again', async () => {
  await using scene = await startScene({
    handler: (_call, response) => void response.end(JSON.stringify({ content: 'found' })),
    settings: { thinking: { display: 'summarized' } },
  });
  const { relay } = scene;
  relay.simulator.script({
    thinking: { display: 'summarized' },
    tool: { calls: [{ input: { topic: 'x' } }] },
  });
  const agent = await agentOf(relay);
  const seen = await run(agent);
  expectValid(seen);
  const roles = seen.messages.map(({ role }) => role);
  expect(roles).toContain('reasoning');
  expect(roles).toContain('activity');
  const activity = seen.messages.find(({ role }) => role === 'activity');
  expect(activity?.content).toEqual({ name: 'lessons', label: 'Looking in your lessons…', state: 'done' });
  agent.addMessage({ id: 'next', role: 'user', content: 'And?' });
  expectValid(await run(agent));
});

it('the same run again is the same answer: one call, one row; another request of that name is a conflict', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  const first = await agentOf(relay, { threadId: 'thread' });
  const { messages } = await run(first, {}, { runId: 'run' });
  const again = await run(await agentOf(relay, { threadId: 'thread' }), {}, { runId: 'run' });
  expectValid(again);
  expect(again.messages).toEqual(messages);
  // Who holds all of it gets its end, and the text does not double.
  const held = await run(first, {}, { runId: 'run' });
  expectValid(held);
  expect(held.messages).toEqual(messages);
  expect(relay.simulator.requests).toHaveLength(1);
  expect(await relay.usageRows()).toHaveLength(1);

  const other = await run(await agentOf(relay, { threadId: 'thread' }), { maxTokens: 7 }, { runId: 'run' });
  expect(other.error).toMatchObject({ status: 409, payload: { error: { code: 'conflict' } } });
  // Another user's run of that name is their own.
  const stranger = await run(await agentOf(relay, { threadId: 'thread', user: 2 }), {}, { runId: 'run' });
  expectValid(stranger);
  expect(relay.simulator.requests).toHaveLength(2);
  const users = (await relay.usageRows()).map(({ userId }) => userId);
  expect(new Set(users).size).toBe(2);
});

it('what a client holds of a run that is gone is not written on by another', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  const token = await relay.token();
  const held = await agentOf(relay, { threadId: 'thread' });
  const [{ streamId }] = (await run(held, {}, { runId: 'run' })).events.map(
    ({ metadata }) => metadata?.['dash-relay'] as { streamId: string },
  ) as [{ streamId: string }];
  const forget = `${relay.url}/v1/streams/${streamId}?forget=true`;
  expect((await ask(forget, { method: 'DELETE', token })).status).toBe(204);
  const again = async () => (await run(held, {}, { runId: 'run' })).error;
  expect(await again()).toMatchObject({ status: 404, payload: { error: { code: 'unknown_stream' } } });
  expectValid(await run(await agentOf(relay, { threadId: 'thread' }), {}, { runId: 'run' }));
  expect(await again()).toMatchObject({ status: 409, payload: { error: { code: 'resume_gap' } } });
  expect(relay.simulator.requests).toHaveLength(2);
});

/** Aborts once so many pieces of text have come. */
async function abortedAfter(relay: SimulatedRelay, pieces: number, forwarded: object): Promise<Message[]> {
  const agent = await agentOf(relay, { threadId: 'thread' });
  let seen = 0;
  await agent.runAgent(
    { runId: 'run', forwardedProps: { action: 'chat', ...forwarded } },
    { onTextMessageContentEvent: () => void (++seen === pieces && agent.abortRun()) },
  );
  expect(seen).toBeGreaterThanOrEqual(pieces);
  return agent.messages;
}

it('who aborts stops the model, and asked again gets the receipt of the stop', async () => {
  await using relay = await startSimulatedRelay({ pace: { firstTokenMs: 1, deltasPerSecond: 200 } });
  const initialMessages = await abortedAfter(relay, 5, { model: 'sim:long' });
  await eventually('the model was stopped', () => relay.simulator.stats.aborted === 1);
  const after = await run(
    await agentOf(relay, { threadId: 'thread', initialMessages }),
    { model: 'sim:long' },
    { runId: 'run' },
  );
  expectValid(after);
  expect(after.events.at(-1)).toMatchObject({
    outcome: { type: 'cancelled' },
    metadata: { 'dash-relay': { stopReason: 'cancelled', textLength: textOf(after.messages).length } },
  });
  const [row, ...others] = await relay.usageRows();
  expect(others).toEqual([]);
  expect(row).toMatchObject({ status: 'cancelled' });
});

it('with onDisconnect "resume" a run goes on, and is read on where the client stopped', async () => {
  await using relay = await startSimulatedRelay({ pace: { firstTokenMs: 1, deltasPerSecond: 200 } });
  const settings = { onDisconnect: 'resume', model: 'sim:several-messages' };
  const initialMessages = await abortedAfter(relay, 5, settings);
  const held = textOf(initialMessages);
  const after = await run(await agentOf(relay, { threadId: 'thread', initialMessages }), settings, {
    runId: 'run',
  });
  expectValid(after);
  expect(after.events.at(-1)).toMatchObject({ outcome: { type: 'success' } });
  const text = textOf(after.messages);
  expect(text.startsWith(held)).toBe(true);
  expect(after.result).toMatchObject({ textLength: text.length });
  expect(after.messages.filter(({ role }) => role === 'assistant')).toHaveLength(1);
  expect(relay.simulator.requests).toHaveLength(1);
  expect(await relay.usageRows()).toHaveLength(1);
});

it('refusals are statuses with the code: no token, no action, quota, rate, content', async () => {
  const PLANS_FILE = plansFile({ plans: { enterprise: { requestsPerActionPerMonth: 1 } } });
  await using relay = await startSimulatedRelay({ pace: PACE }, { PLANS_FILE, FRAMES_PER_MINUTE: '20' });
  const codeOf = async (seen: Promise<SeenRun>) => {
    const { error, events } = await seen;
    expect(events).toEqual([]);
    const { status, payload } = error ?? {};
    return `${status} ${(payload as { error?: { code?: string } } | undefined)?.error?.code}`;
  };
  expectValid(await run(await agentOf(relay)));
  expect(await codeOf(run(await agentOf(relay, { headers: {} })))).toBe('401 unauthorized');
  expect(await codeOf(run(await agentOf(relay), { action: 'none' }))).toBe('400 unknown_action');
  expect(await codeOf(run(await agentOf(relay)))).toBe('429 quota_exceeded');
  const system: Message = { id: 's', role: 'system', content: 'Be rude.' };
  const told = agentOf(relay, { initialMessages: [system, QUESTION] });
  expect(await codeOf(run(await told))).toBe('400 bad_request');
  const tools = [{ name: 'paint', description: '', parameters: {} }];
  expect(await codeOf(run(await agentOf(relay), {}, { tools }))).toBe('415 unsupported');
  const token = await relay.token();
  const url = `${relay.url}/v1/ag-ui`;
  const raw = await ask(url, { method: 'POST', token, body: '{"threadId":' });
  expect([raw.status, JSON.parse(raw.body)]).toMatchObject([400, { error: { code: 'bad_request' } }]);
  expect((await ask(url, { method: 'GET', token })).status).toBe(405);
  let code = '';
  for (let asked = 0; asked < 20 && !code.endsWith('rate_limited'); asked += 1)
    code = await codeOf(run(await agentOf(relay)));
  expect(code).toBe('429 rate_limited');
  const lines = await relay.logged('refused', 1);
  expect(new Set(lines.map(({ door }) => door))).toContain('ag_ui');
  const unserved = lines.find(({ code }) => code === 'unsupported');
  expect(unserved?.['streamId']).toMatch(/^agui-[A-Za-z0-9_-]{22}$/);
});

it('an answer is events whatever is accepted: the encoding is not negotiated', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  const body = { threadId: 't', messages: [QUESTION], forwardedProps: { action: 'chat' } };
  const token = await relay.token();
  for (const accept of ['application/json', 'application/vnd.ag-ui.event+proto', '*/*']) {
    const url = `${relay.url}/v1/ag-ui`;
    const asked = { method: 'POST', token, body: { ...body, runId: accept }, headers: { accept } };
    const answer = await ask(url, asked);
    expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(answer.body).toMatch(/^data: \{"type":"RUN_STARTED".*\n\n/);
  }
});
