/** `dashChatTransport` under the AI SDK's own `Chat`, against a relay; `cuts.test.ts` has networks that cut. */
import { createHash } from 'node:crypto';
import { Chat } from '@ai-sdk/react';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chatPrefix } from '../../src/adapters/chat-stream-id.ts';
import { type DashChatTransportOptions, dashChatTransport } from '../../src/adapters/dash-chat-transport.ts';
import { sha256 } from '../../src/adapters/sha256.ts';
import type { Answer } from '../../src/client/index.ts';
import { streamIdFor } from '../../src/http/ai-sdk/chat-streams.ts';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { type AnswerMessage, textOf } from '../ai-sdk/library.ts';
import { connectTo, until } from '../client/test-client.ts';
import { report } from '../support/test-run.ts';

let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay();
});
afterAll(() => relay.close());

let chats = 0;
function chatAt(url: string, options: Partial<DashChatTransportOptions> = {}, id = `chat ${++chats}`) {
  const { client } = connectTo({ url, token: () => relay.token() });
  const transport = dashChatTransport<AnswerMessage>(client, { action: 'chat', ...options });
  return { chat: new Chat<AnswerMessage>({ id, transport }), transport, client };
}
const answerIn = (chat: Chat<AnswerMessage>): string => textOf(chat.messages[1] ?? { parts: [] });

it('names streams as the relay does, whatever the id of a chat is', () => {
  for (const text of ['', 'chat', 'ü'.repeat(60), 'x'.repeat(256), '\ud800'])
    expect(Buffer.from(sha256(text)).toString('hex')).toBe(createHash('sha256').update(text).digest('hex'));
  expect(streamIdFor('a chat')).toContain(chatPrefix('a chat'));
});

it('stops the model at once by stop(), whose receipt comes by onEnd', async () => {
  relay.simulator.script('stall');
  const ended: Answer[] = [];
  const { chat } = chatAt(relay.url, { onEnd: (_, answer) => ended.push(answer) });
  const asking = chat.sendMessage({ text: 'Why?' });
  await until(() => answerIn(chat) !== '');
  const began = performance.now();
  await chat.stop();
  report(`stop() settled in ${(performance.now() - began).toFixed(1)} ms`);
  await asking;
  expect(chat.status).toBe('ready');
  await until(() => ended.length === 1);
  expect(ended[0]).toMatchObject({ outcome: 'cancelled', content: answerIn(chat) });
  await until(() => relay.simulator.stats.open === 0);
});

it('goes on elsewhere in the same message, is stopped from there with a receipt, and finds nothing afterwards', async () => {
  relay.simulator.script('stall');
  const first = chatAt(relay.url, { onAbort: 'detach' }, 'shared');
  const asking = first.chat.sendMessage({ text: 'Why?' });
  await until(() => answerIn(first.chat) !== '');
  await first.chat.stop(); // as where a component goes
  await asking;
  const second = chatAt(relay.url, {}, 'shared');
  second.chat.messages = first.chat.messages;
  const resuming = second.chat.resumeStream();
  await until(() => second.chat.status === 'streaming');
  const superseding = second.chat.resumeStream(); // no stop, though the library aborts the first
  await until(() => second.chat.status === 'streaming' && answerIn(second.chat) !== '');
  expect(relay.simulator.stats.open).toBe(1);
  expect(await second.transport.cancel('shared')).toMatchObject({ outcome: 'cancelled' });
  await Promise.all([resuming, superseding]);
  expect(second.chat.messages).toHaveLength(2);
  expect(answerIn(second.chat)).toBe(answerIn(first.chat));
  expect(second.chat.messages[1]?.metadata).toMatchObject({ ending: 'cancelled', usage: expect.anything() });
  expect(await second.transport.reconnectToStream({ chatId: 'shared' })).toBeNull();
  expect(await second.transport.reconnectToStream({ chatId: 'never asked' })).toBeNull();
});

it('hands the app errors with their codes, beside the text that had come', async () => {
  relay.simulator.script('overloaded-midway');
  const { chat } = chatAt(relay.url);
  await chat.sendMessage({ text: 'Why?' });
  expect(chat.error).toMatchObject({ name: 'DashError', code: expect.stringMatching(/^upstream_/) });
  expect(chat.messages[1]?.metadata).toMatchObject({ ending: 'error', error: { code: expect.any(String) } });
  expect(answerIn(chat)).not.toBe('');
  const refused = chatAt(relay.url).chat;
  refused.messages = [{ id: 's', role: 'system', parts: [{ type: 'text', text: 'Be rude.' }] }];
  await refused.sendMessage({ text: 'Why?' });
  expect(refused.error).toMatchObject({
    code: 'bad_request',
    message: expect.stringContaining('actions file'),
  });
});

it('sends small images along, and large ones ahead', async () => {
  relay.simulator.script({ deltas: ['A dot.'] }, { deltas: ['A dot.'] });
  const url = `data:image/png;base64,${PIXEL}`;
  for (const inlineLength of [65_536, 10]) {
    const { chat } = chatAt(relay.url, { inlineLength });
    await chat.sendMessage({ text: 'What?', files: [{ type: 'file', mediaType: 'image/png', url }] });
    expect(chat.error).toBeUndefined();
    expect(answerIn(chat)).toBe('A dot.');
  }
});

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
