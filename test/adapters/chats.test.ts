/** Chats of the AI SDK by `dashChatTransport`: several of them, on several devices, of several users. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DashChatTransportOptions, dashChatTransport } from '../../src/adapters/dash-chat-transport.ts';
import type { Answer, DashClientOptions } from '../../src/client/index.ts';
import { systemClock } from '../../src/time/clock.ts';
import { CHAT_DOORS, chatOn, heldBy } from '../ai-sdk/chats.ts';
import type { AnswerMessage } from '../ai-sdk/library.ts';
import { connectTo } from '../client/test-client.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { eventually, LONG, percentiles, report } from '../support/test-run.ts';

let relay: SimulatedRelay;
beforeAll(async () => {
  relay = await startSimulatedRelay({ pace: { firstTokenMs: 5, deltasPerSecond: 1000 } });
});
afterAll(() => relay[Symbol.asyncDispose]());

function deviceOf(
  user: number,
  options: Partial<DashChatTransportOptions> = {},
  more: Partial<DashClientOptions> = {},
) {
  const connected = connectTo({ url: relay.url, token: () => relay.token(user) }, more);
  const transport = dashChatTransport<AnswerMessage>(connected.client, { action: 'chat', ...options });
  return { ...connected, transport };
}

it.each(['websocket', 'sse', 'json'] as const)('is asked and asked anew by %s', async (by) => {
  const before = relay.simulator.requests.length;
  const { transport } = deviceOf(1, {}, { transports: [by] });
  const chat = chatOn(transport, `anew by ${by}`);
  await chat.sendMessage({ text: 'Why?' });
  const first = heldBy(chat);
  await chat.regenerate();
  const second = heldBy(chat);
  expect([first, second]).toMatchObject(
    Array(2).fill({ messages: 2, metadata: { ending: 'done', usage: { source: 'final' } } }),
  );
  expect(chat.lastMessage?.id).toBe(second.metadata.streamId);
  expect(second.metadata.streamId).not.toBe(first.metadata.streamId);
  expect(relay.simulator.requests).toHaveLength(before + 2);
});

it('ten chats on one socket: where one fails, by its code, the other nine go on', async () => {
  const { transport, sockets } = deviceOf(2);
  const chats = Array.from({ length: 10 }, (_, at) => chatOn(transport, `chat ${at}`));
  const body = { model: 'sim:overloaded-midway' };
  await Promise.all(chats.map((chat, at) => chat.sendMessage({ text: 'Why?' }, at === 4 ? { body } : {})));
  expect(chats.map(({ status }) => status)).toEqual(chats.map((_, at) => (at === 4 ? 'error' : 'ready')));
  expect(chats[4]?.error).toMatchObject({ name: 'DashError', code: 'upstream_overloaded' });
  for (const [at, chat] of chats.entries())
    if (at !== 4) expect(heldBy(chat)).toMatchObject({ metadata: { ending: 'done' }, messages: 2 });
  expect(sockets).toHaveLength(1);
});

it('stop() settles at once and reaches the model, each time with a receipt', async () => {
  const count = LONG ? 300 : 20;
  const receipts: Answer[] = [];
  const { transport } = deviceOf(3, { model: 'sim:stall', onEnd: (_, answer) => receipts.push(answer) });
  const settled: number[] = [];
  const closed: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const chat = chatOn(transport, `stop ${at}`);
    const before = relay.simulator.requests.length;
    const asking = chat.sendMessage({ text: 'Why?' });
    await eventually('there is text', () => heldBy(chat).text !== '');
    const began = systemClock.elapsed();
    await chat.stop();
    await asking;
    settled.push(systemClock.elapsed() - began);
    const record = relay.simulator.requests[before];
    await eventually('the model is stopped', () => record?.closedAt !== null);
    closed.push((record?.closedAt ?? Number.NaN) - began);
  }
  report(`stop() settled, ms: ${percentiles(settled)}; the model's side closed, ms: ${percentiles(closed)}`);
  expect(relay.simulator.requests.slice(-count).every(({ aborted }) => aborted)).toBe(true);
  await eventually('each has its receipt', () => receipts.length === count);
  expect(receipts.every(({ outcome, timing }) => outcome === 'cancelled' && timing.totalMs > 0)).toBe(true);
});

describe('an answer under way', () => {
  it('is found by the other transports of the library, and by nobody else', async () => {
    const { transport } = deviceOf(4, { model: 'sim:stall' });
    const chat = chatOn(transport, 'shared by all');
    const asking = chat.sendMessage({ text: 'Why?' });
    await eventually('there is text', () => heldBy(chat).text !== '');
    for (const door of CHAT_DOORS) {
      const other = chatOn(door.transport(relay.url, await relay.token(4)), 'shared by all');
      void other.resumeStream();
      await eventually(`${door.name} has it`, () => heldBy(other).text === heldBy(chat).text);
      expect(other.lastMessage?.id).toBe(chat.lastMessage?.id);
    }
    expect(await deviceOf(5).transport.reconnectToStream({ chatId: 'shared by all' })).toBeNull();
    expect(await transport.cancel('shared by all')).toMatchObject({ outcome: 'cancelled' });
    await asking;
    expect(heldBy(chat).metadata).toMatchObject({ ending: 'cancelled' });
  });

  it('is let go where its user signs out, and the next one finds nothing of it', async () => {
    let user = 6;
    const { client, transport } = deviceOf(6, { model: 'sim:stall' }, { getToken: () => relay.token(user) });
    const chat = chatOn(transport, 'of one user');
    const asking = chat.sendMessage({ text: 'Why?' });
    await eventually('there is text', () => heldBy(chat).text !== '');
    client.signOut();
    await asking;
    expect(chat.error).toMatchObject({ code: 'detached' });
    user = 7;
    expect(await transport.reconnectToStream({ chatId: 'of one user' })).toBeNull();
    user = 6;
    client.signOut();
    expect(await transport.cancel('of one user')).toMatchObject({ outcome: 'cancelled' });
  });
});

it('a question whose file is still on its way is not asked as who signs in meanwhile', async () => {
  const before = relay.simulator.requests.length;
  let user = 8;
  let uploading: (() => void) | undefined;
  const { client, transport } = deviceOf(
    8,
    { inlineLength: 10 },
    {
      getToken: () => relay.token(user),
      fetch: async (url, init) => {
        if (url.endsWith('/v1/uploads')) await new Promise<void>((resolve) => (uploading = resolve));
        return fetch(url, init);
      },
    },
  );
  const chat = chatOn(transport, 'with a photo');
  const url = `data:image/png;base64,${PIXEL}`;
  const asking = chat.sendMessage({ text: 'What?', files: [{ type: 'file', mediaType: 'image/png', url }] });
  await eventually('the file is on its way', () => uploading !== undefined);
  user = 9;
  client.signOut();
  uploading?.();
  await asking;
  expect(chat.error).toMatchObject({ code: 'detached' });
  expect(relay.simulator.requests).toHaveLength(before);
});

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
