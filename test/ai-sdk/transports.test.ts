/** Unmodified transports and chats of `ai` against the whole relay. */
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../scenarios/upstream-case.ts';
import { ask } from '../support/http-doors.ts';
import { dataDirectory, startSimulatedRelay } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { CHAT_DOORS, chatOn, heldBy } from './chats.ts';

const PACE = { firstTokenMs: 5, deltasPerSecond: 1000 } as const;
const SLOW = { firstTokenMs: 5, deltasPerSecond: 200 } as const;

describe.each(CHAT_DOORS)('by $name', (door) => {
  it('a chat of two turns is answered: text, model, usage, one call and one row each', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE, keepBodies: true });
    relay.simulator.always({ deltas: ['A fraction ', 'is "½" ', '🍕.'] });
    const chat = chatOn(door.transport(relay.url, await relay.token()), 'a chat / with ½ any id');
    await chat.sendMessage({ text: 'What is a fraction?' });
    expect(chat.status).toBe('ready');
    const { text, metadata } = heldBy(chat);
    expect(text).toBe('A fraction is "½" 🍕.');
    expect(metadata).toMatchObject({ ending: 'done', stopReason: 'end_turn', usage: { source: 'final' } });
    await chat.sendMessage({ text: 'And two?' });
    expect(heldBy(chat)).toMatchObject({ text, messages: 4 });
    expect(relay.simulator.requests[1]?.body).toMatchObject({
      messages: [
        { role: 'user' },
        { role: 'assistant', content: expect.anything() },
        { role: 'user', content: expect.anything() },
      ],
    });
    const rows = await relay.usageRows();
    expect(rows).toMatchObject([{ status: 'done' }, { status: 'done' }]);
    expect(rows.map(({ streamId }) => streamId)).toContain(metadata.streamId);
    expect(JSON.stringify(rows)).not.toContain('any id');
  });

  it('another page of the user goes on with the same answer, and stops it for all', async () => {
    await using relay = await startSimulatedRelay({ pace: SLOW });
    const token = await relay.token();
    const first = chatOn(door.transport(relay.url, token, { model: 'sim:stall' }), 'shared');
    const second = chatOn(door.transport(relay.url, token), 'shared');
    const asked = first.sendMessage({ text: 'Why is the sky blue?' });
    await eventually('the first has text', () => heldBy(first).text !== '');
    void second.resumeStream();
    await eventually('both have the same', () => heldBy(second).text === heldBy(first).text);
    if (door.name === 'WebSocketChatTransport') await second.stop();
    else
      await fetch(`${relay.url}/v1/ai-sdk/chat/shared/stream`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${token}` },
      });
    await asked;
    expect(first.status).toBe('ready');
    expect(heldBy(first).metadata).toMatchObject({
      ending: 'cancelled',
      timing: { upstreamClosedMs: expect.any(Number) },
    });
    expect(relay.simulator.requests).toHaveLength(1);
    expect(await relay.usageRows()).toMatchObject([{ status: 'cancelled' }]);
    const third = chatOn(door.transport(relay.url, token), 'shared');
    await third.resumeStream();
    expect([third.status, third.messages]).toEqual(['ready', []]);
  });

  it('of another user’s chat, or one that never was, nothing is there', async () => {
    await using relay = await startSimulatedRelay({ pace: SLOW });
    const chat = chatOn(door.transport(relay.url, await relay.token(1), { model: 'sim:stall' }), 'mine');
    void chat.sendMessage({ text: 'Mine alone.' });
    await eventually('it is answered', () => heldBy(chat).text !== '');
    const theirs = door.transport(relay.url, await relay.token(2));
    const own = door.transport(relay.url, await relay.token(1));
    expect(await theirs.reconnectToStream({ chatId: 'mine' })).toBeNull();
    expect(await own.reconnectToStream({ chatId: 'other' })).toBeNull();
    expect(await own.reconnectToStream({ chatId: 'mine' })).not.toBeNull();
  });

  it.each([
    ['sim:overloaded-midway', 'upstream_overloaded'],
    ['sim:truncate', 'upstream_truncated'],
  ])('a model that fails (%s) is told by its code, with the text so far', async (model, code) => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const chat = chatOn(door.transport(relay.url, await relay.token(), { model }), 'fails');
    await chat.sendMessage({ text: 'Why?' });
    expect(chat.status).toBe('error');
    expect(chat.error?.message).toMatch(new RegExp(`^${code}: `));
    const { text, metadata } = heldBy(chat);
    expect(text).not.toBe('');
    expect(metadata).toMatchObject({ ending: 'error', error: { code } });
  });

  it('what is thought is reasoning', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    relay.simulator.always({ deltas: ['So.'], thinking: { tokens: 20, display: 'summarized' } });
    const chat = chatOn(
      door.transport(relay.url, await relay.token(), { action: 'homework_help' }),
      'thinks',
    );
    await chat.sendMessage({ text: 'Why?' });
    const types = chat.lastMessage?.parts.map(({ type }) => type);
    expect(types).toEqual(['step-start', 'reasoning', 'text']);
  });

  it('an answer that ended meanwhile is told once more to who may not hold it, and not to who does', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const token = await relay.token();
    const leaver = door.transport(relay.url, token);
    const stream = await leaver.sendMessages({
      chatId: 'left',
      trigger: 'submit-message',
      messageId: undefined,
      messages: [{ id: 'q', role: 'user', parts: [{ type: 'text', text: 'Why?' }] }],
      abortSignal: undefined,
    });
    await stream.getReader().read();
    leaver.close?.(); // a page that is gone; of HTTP its connection stays, which reads nothing more
    await relay.logged('stream ended');
    const back = chatOn(door.transport(relay.url, token), 'left');
    await back.resumeStream();
    const held = heldBy(back);
    expect(held.metadata).toMatchObject({ ending: 'done' });
    expect(sha256(held.text).length).toBe(64);
    expect(held.text.length).toBe(held.metadata.textLength);
    // By the same connection, which shows that it has read what came before.
    await eventually('it is not told again', async () => {
      const again = chatOn(door.transport(relay.url, token), 'left');
      await again.resumeStream();
      await wait(1);
      return again.messages.length === 0;
    });
    expect(relay.simulator.requests).toHaveLength(1);
  });
});

it('an answer that is kept is resumed after a restart by both', async () => {
  using directory = dataDirectory();
  const environment = { DATA_DIR: directory.path, KEEP_ANSWERS_HOURS: '1' };
  const [socket, http] = CHAT_DOORS;
  if (socket === undefined || http === undefined) throw new Error('both');
  let text = '';
  {
    await using relay = await startSimulatedRelay({ pace: PACE }, environment);
    const chat = chatOn(socket.transport(relay.url, await relay.token()), 'lasts');
    await chat.sendMessage({ text: 'Why?' });
    text = heldBy(chat).text;
  }
  await using relay = await startSimulatedRelay({ pace: PACE }, environment);
  for (const door of [http, socket]) {
    const chat = chatOn(door.transport(relay.url, await relay.token()), 'lasts');
    await chat.resumeStream();
    expect(heldBy(chat)).toMatchObject({ text, metadata: { ending: 'done' } });
  }
  expect(text).not.toBe('');
  expect(relay.simulator.requests).toEqual([]);
});

describe('POST /v1/ai-sdk/chat', () => {
  const body = {
    id: 'raw',
    action: 'chat',
    messages: [{ id: 'q', role: 'user', parts: [{ type: 'text', text: 'Why?' }] }],
  };

  it('is a UI message stream as the library’s own servers write it, refused in the shape of all other routes', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const token = await relay.token();
    const at = `${relay.url}/v1/ai-sdk/chat`;
    const answer = await ask(at, { method: 'POST', token, body });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'x-vercel-ai-ui-message-stream': 'v1',
    });
    expect(answer.body).toMatch(/^data: \{"type":"start".*\n\n(data: \{.*\}\n\n)+data: \[DONE\]\n\n$/);
    const none = await ask(`${at}/never%20was/stream`, { token });
    expect([none.status, none.body]).toEqual([204, '']);
    const gone = await ask(`${at}/raw/stream`, { method: 'DELETE', token });
    expect([gone.status, gone.body]).toEqual([204, '']);
    const system = { ...body, messages: [{ ...body.messages[0], role: 'system' }] };
    const refused = await ask(at, { method: 'POST', token, body: system });
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.body)).toMatchObject({ error: { code: 'bad_request', retryable: false } });
    expect(await relay.logged('refused')).toMatchObject([{ door: 'ai_sdk', of: 'start', streamId: null }]);
    expect((await ask(`${at}/raw/stream`)).status).toBe(401);
    const head = await ask(`${at}/raw/stream`, { method: 'HEAD', token }); // which would read it, for nobody
    expect([head.status, head.headers.allow]).toEqual([405, 'GET, DELETE']);
  });

  it('stops by DELETE all that is said to a chat, also what was asked anew in the middle', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const [token, at] = [await relay.token(), `${relay.url}/v1/ai-sdk/chat`];
    const asking = [1, 2].map(() =>
      ask(at, { method: 'POST', token, body: { ...body, model: 'sim:stall' } }),
    );
    await eventually('both are asked', () => relay.simulator.requests.length === 2);
    const stopped = await ask(`${at}/raw/stream`, { method: 'DELETE', token });
    expect(JSON.parse(stopped.body)).toMatchObject({ type: 'cancelled' });
    for (const { body: told } of await Promise.all(asking)) expect(told).toContain('"ending":"cancelled"');
  });

  it('ends the run of who hangs up where the body says so', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    const hangUp = new AbortController();
    const stalled = { ...body, model: 'sim:stall', onDisconnect: 'cancel' };
    const answer = await fetch(`${relay.url}/v1/ai-sdk/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await relay.token()}`, 'content-type': 'application/json' },
      body: JSON.stringify(stalled),
      signal: hangUp.signal,
    });
    await answer.body?.getReader().read();
    hangUp.abort();
    expect((await relay.logged('stream ended'))[0]).toMatchObject({
      abortReason: 'disconnected',
      door: 'ai_sdk',
    });
  });
});
