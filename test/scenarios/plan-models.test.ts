import { expect, it } from 'vitest';
import { ask, type ChatBody } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { plansFile } from '../usage/quota/plan-files.ts';

const PACE = { firstTokenMs: 5, deltasPerSecond: 400 } as const;
const MODELS = ['claude-haiku-5-5', 'claude-opus-5-5'];
/** Free users on Haiku, but for one action; paying ones may choose, and it thinks for them. */
const PLANS = {
  free: {
    settings: { models: ['haiku'], maxTokens: 500 },
    actions: { grading_assistance: { models: ['sonnet', 'haiku'] } },
  },
  pro: {
    settings: { models: ['sonnet', 'opus', 'haiku'], thinking: { effort: 'low' }, thinkingTokens: 3000 },
  },
};

async function relayWithPlans(): Promise<SimulatedRelay> {
  return await startSimulatedRelay(
    { pace: PACE, models: MODELS, keepBodies: true },
    { PLANS_FILE: plansFile({ plans: PLANS }) },
  );
}

async function tokenOf(relay: SimulatedRelay, tier: string | null): Promise<string> {
  const { body } = await ask(`${relay.url}/dev/token`, { method: 'POST', body: { tier } });
  return (JSON.parse(body) as { access_token: string }).access_token;
}

/** Asks over a WebSocket, and says what the model was sent. */
async function bodyOf(relay: SimulatedRelay, tier: string | null, fields: Partial<ChatBody>) {
  await using client = await connectClient({ url: relay.url, token: await tokenOf(relay, tier) });
  const stream = client.start(fields);
  expect(await client.ended(stream)).toMatchObject({ type: 'done' });
  return relay.simulator.requests.at(-1)?.body as { readonly model: string } & Record<string, unknown>;
}

it('a plan chooses the model and how it thinks, for all actions and for single ones', async () => {
  await using relay = await relayWithPlans();
  const maxTokens = 4000;
  expect(await bodyOf(relay, null, { maxTokens })).toMatchObject({
    model: 'claude-haiku-5-5',
    max_tokens: 500,
    thinking: { type: 'disabled' },
  });
  expect(await bodyOf(relay, 'free', { action: 'grading_assistance' })).toMatchObject({
    model: 'claude-sonnet-5-5',
    max_tokens: 500 + 4096,
    output_config: { effort: 'low' },
  });
  const paid = await bodyOf(relay, 'pro', { maxTokens });
  expect(paid).toMatchObject({ model: 'claude-sonnet-5-5', max_tokens: 4000 + 3000 });
  expect(paid).toMatchObject({ output_config: { effort: 'low' } });
  expect(paid).not.toHaveProperty('thinking');
  expect(await bodyOf(relay, 'pro', { model: 'opus' })).toMatchObject({ model: 'claude-opus-5-5' });
  const [free, , pro] = await relay.usageRows();
  expect([free?.model, pro?.model]).toEqual(['claude-haiku-5-5', 'claude-sonnet-5-5']);
});

it('a model above the plan is refused at every door, with those that it has', async () => {
  await using relay = await relayWithPlans();
  const token = await tokenOf(relay, 'free');
  const message =
    'model: not one that the plan "free" has for chat (claude-haiku-5-5); leave it out for the default';
  await using client = await connectClient({ url: relay.url, token });
  for (const model of ['opus', 'claude-sonnet-5-5']) {
    const refused = client.refused('start');
    client.start({ model });
    expect(await refused).toMatchObject({ code: 'model_not_allowed', message });
  }
  const body = { action: 'chat', model: 'claude-opus-5-5', messages: [{ role: 'user', content: 'Hi' }] };
  const answer = await ask(`${relay.url}/v1/chat`, { method: 'POST', token, body });
  expect([answer.status, JSON.parse(answer.body)]).toMatchObject([403, { error: { message } }]);
  const gateway = `${relay.url}/functions/v1/ai-gateway`;
  const older = await ask(gateway, { method: 'POST', token, body });
  expect([older.status, JSON.parse(older.body)]).toMatchObject([
    403,
    { error: 'model_access_denied', message },
  ]);
  expect(relay.simulator.requests).toHaveLength(0);
  expect(await bodyOf(relay, 'free', { model: 'haiku' })).toMatchObject({ model: 'claude-haiku-5-5' });
  expect(
    await bodyOf(relay, 'free', { action: 'grading_assistance', model: 'claude-haiku-5-5' }),
  ).toMatchObject({ model: 'claude-haiku-5-5' });
});
