/** `dashChatModel` under assistant-ui's own local runtime, against a relay. */
import { AssistantRuntimeImpl, LocalRuntimeCore } from '@assistant-ui/core/internal';
import type { ThreadMessage } from '@assistant-ui/react';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DashChatModelOptions, dashChatModel } from '../../src/adapters/dash-chat-model.ts';
import type { Answer } from '../../src/client/index.ts';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { connectTo, until } from '../client/test-client.ts';
import { deltasFor } from '../support/deltas-for.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';

let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay();
});
afterAll(() => relay.close());

function threadAt(url: string, options: Partial<DashChatModelOptions> = {}) {
  const { client } = connectTo({ url, token: () => relay.token() });
  const model = dashChatModel(client, { action: 'chat', ...options });
  const core = new LocalRuntimeCore({ adapters: { chatModel: model } }, undefined);
  const { thread } = new AssistantRuntimeImpl(core);
  const answer = (): ThreadMessage | undefined => thread.getState().messages[1];
  return { model, core, thread, answer };
}

const textOf = (message: ThreadMessage | undefined, type = 'text'): string =>
  (message?.content ?? []).map((part) => (part.type === type && 'text' in part ? part.text : '')).join('');
const isOver = (message: ThreadMessage | undefined): boolean =>
  message?.role === 'assistant' && message.status.type !== 'running';

it('answers whole through 8 cuts, of which the thread does not hear, by one model call each', async () => {
  const before = relay.simulator.requests.length;
  relay.simulator.always(({ question }) => ({ deltas: deltasFor(question) }));
  let fault = 0;
  await using proxy = await startFaultProxy(relay.url, () => ({
    fault: { afterBytes: 300 + ((fault++ * 397) % 3000), kind: fault % 2 ? 'cut' : 'reset' },
  }));
  let asked = 0;
  while (proxy.faults < 8) {
    const { thread, answer } = threadAt(proxy.url);
    const question = `question ${++asked}`;
    thread.append(question);
    await until(() => isOver(answer()));
    expect(textOf(answer())).toBe(deltasFor(question).join(''));
    expect(answer()?.status).toEqual({ type: 'complete', reason: 'stop' });
    expect(answer()?.metadata.custom).toMatchObject({ usage: { source: 'final' }, stopReason: 'end_turn' });
  }
  expect(relay.simulator.requests.length - before).toBe(asked);
}, 60_000);

it('stops the model by a cancel of the thread, whose receipt comes by onEnd', async () => {
  relay.simulator.script('stall');
  const ended: Answer[] = [];
  const { thread, answer } = threadAt(relay.url, { onEnd: (end) => ended.push(end) });
  thread.append('Why?');
  await until(() => textOf(answer()) !== '');
  thread.cancelRun();
  await until(() => ended.length === 1 && relay.simulator.stats.open === 0);
  expect(ended[0]).toMatchObject({
    outcome: 'cancelled',
    content: textOf(answer()),
    usage: expect.anything(),
  });
  expect(answer()?.status).toEqual({ type: 'incomplete', reason: 'cancelled' });
});

it('lets an answer go on where its thread goes, and takes it up elsewhere, whole and by the same call', async () => {
  relay.simulator.script('stall');
  const before = relay.simulator.requests.length;
  const first = threadAt(relay.url);
  first.thread.append('Why?');
  await until(() => textOf(first.answer()) !== '');
  const question = first.thread.getState().messages[0];
  const text = textOf(first.answer());
  first.core.threads.getMainThreadRuntimeCore().detach();
  const second = threadAt(relay.url);
  second.thread.import({ messages: [{ parentId: null, message: question as ThreadMessage }] });
  second.thread.resumeRun({ parentId: question?.id ?? null, stream: second.model.resume });
  await until(() => textOf(second.answer()) === text);
  expect(relay.simulator.stats.open).toBe(1);
  second.thread.cancelRun();
  await until(() => relay.simulator.stats.open === 0);
  expect(relay.simulator.requests.length - before).toBe(1);
});

it('shows errors with their codes, beside the text that had come, and what the relay would refuse', async () => {
  relay.simulator.script('overloaded-midway');
  const { thread, answer } = threadAt(relay.url);
  thread.append('Why?');
  await until(() => isOver(answer()));
  expect(textOf(answer())).not.toBe('');
  const code = expect.stringMatching(/^upstream_/);
  expect(answer()?.status).toMatchObject({ reason: 'error', error: { code, retryable: true } });
  const refused = threadAt(relay.url);
  refused.thread.append({
    role: 'user',
    content: [{ type: 'text', text: 'Why?' }],
    runConfig: { custom: { tools: [] } },
  });
  await until(() => isOver(refused.answer()));
  const message = expect.stringContaining('actions file');
  expect(refused.answer()?.status).toMatchObject({
    reason: 'error',
    error: { code: 'bad_request', message },
  });
});
