/** `dashChatModel` under assistant-ui's own local runtime, against a relay. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssistantRuntimeImpl, LocalRuntimeCore } from '@assistant-ui/core/internal';
import type { ThreadHistoryAdapter, ThreadMessage } from '@assistant-ui/react';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DashChatModelOptions, dashChatModel } from '../../src/adapters/dash-chat-model.ts';
import type { Answer } from '../../src/client/index.ts';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { connectTo, until } from '../client/test-client.ts';
import { deltasFor } from '../support/deltas-for.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { type SteppedCall, type SteppedModel, startSteppedModel } from '../support/stepped-model.ts';

const CUTS = 3;
const CAPS = { system: '', defaultMaxTokens: 1024, maxTokens: 4096 };
const ACTIONS = { chat: CAPS, think_aloud: { ...CAPS, thinking: { display: 'summarized' } } };
const OVERLOADED = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };

let model: SteppedModel;
let relay: TestRelay;
let calls = 0;
const directory = mkdtempSync(join(tmpdir(), 'actions-'));
beforeAll(async () => {
  const file = join(directory, 'actions.json');
  writeFileSync(file, JSON.stringify(ACTIONS));
  model = await startSteppedModel();
  relay = await startTestRelay({ environment: { ...model.environment, ACTIONS_FILE: file } });
});
afterAll(async () => {
  await relay.close();
  await model[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

interface ThreadOptions extends Partial<DashChatModelOptions> {
  readonly url?: string;
  readonly history?: (model: ReturnType<typeof dashChatModel>) => ThreadHistoryAdapter;
}

function openThread({ url = relay.url, history, ...options }: ThreadOptions = {}) {
  const { client } = connectTo({ url, token: () => relay.token() });
  const model = dashChatModel(client, { action: 'chat', ...options });
  const core = new LocalRuntimeCore({ adapters: { chatModel: model, history: history?.(model) } }, undefined);
  const { thread } = new AssistantRuntimeImpl(core);
  const answer = (): ThreadMessage | undefined => thread.getState().messages[1];
  return { client, model, thread, answer, core: core.threads.getMainThreadRuntimeCore() };
}

/** What an app keeps of a thread: as it comes, and in mid-answer the question alone. */
function createHistory() {
  const kept: Awaited<ReturnType<ThreadHistoryAdapter['load']>>['messages'] = [];
  return ({ resume }: ReturnType<typeof dashChatModel>): ThreadHistoryAdapter => ({
    resume,
    async load() {
      return { messages: [...kept], unstable_resume: kept.at(-1)?.message.role === 'user' };
    },
    async append(item) {
      kept.push(item);
    },
  });
}

const textOf = (message: ThreadMessage | undefined, type = 'text'): string =>
  (message?.content ?? []).map((part) => (part.type === type && 'text' in part ? part.text : '')).join('');
const isOver = (message: ThreadMessage | undefined): boolean =>
  message?.role === 'assistant' && message.status.type !== 'running';

/** Asks by the thread; what the model then says is the test's. */
async function ask({ thread }: Pick<ReturnType<typeof openThread>, 'thread'>): Promise<SteppedCall> {
  thread.append('Why?');
  return await model.call(calls++);
}

it(`answers whole through ${CUTS} cuts, of which the thread does not hear, by one model call`, async () => {
  const deltas = deltasFor('Why?');
  await using proxy = await startFaultProxy(relay.url, () =>
    proxy.faults < CUTS ? { fault: { afterBytes: 900 + 400 * proxy.faults, kind: 'reset' } } : {},
  );
  const page = openThread({ url: proxy.url });
  const call = await ask(page);
  call.text(...deltas);
  call.end();
  await until(() => isOver(page.answer()));
  expect(proxy.faults).toBe(CUTS);
  expect(textOf(page.answer())).toBe(deltas.join(''));
  expect(page.answer()?.status).toEqual({ type: 'complete', reason: 'stop' });
  expect(page.answer()?.metadata.custom).toMatchObject({
    usage: { outputTokens: 42 },
    stopReason: 'end_turn',
  });
  expect(model.requests).toHaveLength(calls);
});

it('tells what the model thinks as reasoning, ahead of its text, and does not ask it back', async () => {
  const page = openThread({ action: 'think_aloud' });
  const call = await ask(page);
  call.think('Blue ', 'light?');
  await until(() => textOf(page.answer(), 'reasoning') === 'Blue light?');
  call.text('It ', 'bends.');
  call.end();
  await until(() => isOver(page.answer()));
  expect(page.answer()?.content).toEqual([
    { type: 'reasoning', text: 'Blue light?' },
    { type: 'text', text: 'It bends.' },
  ]);
  (await ask(page)).end();
  expect(model.requests.at(-1)?.body).toContain('It bends.');
  expect(model.requests.at(-1)?.body).not.toContain('Blue light?');
});

it('lets an answer go on where its page goes, and a history takes it up elsewhere, whole and by the same call', async () => {
  const history = createHistory();
  const first = openThread({ history });
  const call = await ask(first);
  call.text('Air ');
  await until(() => textOf(first.answer()) === 'Air ');
  first.core.detach();
  const second = openThread({ history });
  await second.core.__internal_load();
  await until(() => textOf(second.answer()) === 'Air ');
  call.text('bends it.');
  call.end();
  await until(() => isOver(second.answer()));
  expect(textOf(second.answer())).toBe('Air bends it.');
  expect(textOf(first.answer())).toBe('Air ');
  const third = openThread({ history });
  await third.core.__internal_load();
  expect(third.thread.getState()).toMatchObject({ isRunning: false, messages: { length: 2 } });
  expect(textOf(third.answer())).toBe('Air bends it.'); // it was kept: nothing is resumed
  expect(model.requests).toHaveLength(calls);
});

it('stops the model by the thread’s own cancel, whose receipt comes by onEnd', async () => {
  const ended: Answer[] = [];
  const page = openThread({ onEnd: (end) => ended.push(end) });
  (await ask(page)).text('Air ');
  await until(() => textOf(page.answer()) === 'Air ');
  page.thread.cancelRun();
  await model.idle();
  await until(() => ended.length === 1);
  expect(ended[0]).toMatchObject({ outcome: 'cancelled', content: 'Air ', usage: { source: 'estimated' } });
  expect(page.answer()?.status).toEqual({ type: 'incomplete', reason: 'cancelled' });
});

it('stops it by cancel(), also from another page, and the receipt is in the metadata', async () => {
  const page = openThread();
  const answer = (): ThreadMessage | undefined => page.thread.getState().messages.at(-1);
  for (const { model: by } of [page, openThread()]) {
    (await ask(page)).text('Air ');
    await until(() => textOf(answer()) === 'Air ');
    const receipt = await by.cancel(page.thread.getState());
    await model.idle();
    await until(() => isOver(answer()));
    expect(receipt).toMatchObject({ outcome: 'cancelled', usage: { source: 'estimated' } });
    expect(answer()?.status).toEqual({ type: 'incomplete', reason: 'cancelled' });
    const { usage, timing } = receipt ?? {};
    expect(answer()?.metadata.custom).toMatchObject({ usage, timing });
    expect(await by.cancel(page.thread.getState())).toBeUndefined();
  }
});

it('shows errors with their codes, beside the text that had come, and what the relay would refuse', async () => {
  const page = openThread();
  const call = await ask(page);
  call.text('Air ');
  call.send(OVERLOADED);
  await until(() => isOver(page.answer()));
  expect(textOf(page.answer())).toBe('Air ');
  const code = 'upstream_overloaded';
  expect(page.answer()?.status).toMatchObject({ reason: 'error', error: { code, retryable: true } });
  const refused = openThread();
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
