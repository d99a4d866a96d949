/** Several handles of one stream in one client, and what is asked at the call. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Message, Transport } from '../../src/client/index.ts';
import { startTestRelay } from '../../src/testing/index.ts';
import { settled } from '../support/quiet.ts';
import { ScriptedRelay } from './scripted-relay.ts';
import { connectTo, QUESTION, until } from './test-client.ts';

const WORDS = Array.from({ length: 60 }, (_, at) => `${at} `);

async function twoHandles(transport: Transport, deadlineMs?: number) {
  const relay = await startTestRelay({ pace: { firstTokenMs: 5, deltasPerSecond: 60 } });
  onTestFinished(() => relay.close());
  relay.simulator.script({ deltas: WORDS });
  const { client } = connectTo(relay);
  const first = client.stream(QUESTION, { deadlineMs });
  await until(() => first.content.length > 20);
  const { id, epoch = '' } = first.position;
  const other = transport === 'websocket' ? client : connectTo(relay, { transports: [transport] }).client;
  return { relay, client, first, second: other.attach(id, epoch, 0) };
}

describe.each(['websocket', 'sse'] as const)('two handles of one stream, the second over %s', (transport) => {
  it('both get all of it', async () => {
    const { relay, first, second } = await twoHandles(transport);
    const answers = await Promise.all([first.final, second.final]);
    for (const { content, outcome } of answers)
      expect({ content, outcome }).toEqual({ content: WORDS.join(''), outcome: 'done' });
    expect(relay.simulator.requests).toHaveLength(1);
  });

  it.each(['first', 'second'] as const)('go on where the %s is let go', async (which) => {
    const { relay, ...handles } = await twoHandles(transport);
    await until(() => handles.second.content.length > 20);
    handles[which].detach();
    const kept = which === 'first' ? handles.second : handles.first;
    expect(await kept.final).toMatchObject({ outcome: 'done', content: WORDS.join('') });
  });

  it('are both stopped by Stop of either', async () => {
    const { relay, first, second } = await twoHandles(transport);
    await until(() => second.content.length > 20);
    const receipts = await Promise.all([second.cancel(), first.final]);
    expect(receipts.map(({ outcome }) => outcome)).toEqual(['cancelled', 'cancelled']);
    expect(receipts[0].content).toBe(receipts[1].content);
    await until(() => relay.simulator.stats.open === 0);
  });
});

it('leaves the model to the other handle where one’s deadline is over', async () => {
  const { first, second } = await twoHandles('websocket', 500);
  await expect(first.final).rejects.toMatchObject({ code: 'deadline_exceeded' });
  expect(await second.final).toMatchObject({ outcome: 'done', content: WORDS.join('') });
});

it('gives three handles, and one that comes late, the same text', async () => {
  const { client, first, second } = await twoHandles('websocket');
  const { id, epoch = '', after } = first.position;
  const third = client.attach(id, epoch, after, { content: first.content });
  const texts = (await Promise.all([first.final, second.final, third.final])).map(({ content }) => content);
  expect(new Set(texts)).toEqual(new Set([WORDS.join('')]));
  expect((await client.attach(id, epoch, 0).final).content).toBe(WORDS.join(''));
});

describe('what the caller changes after the call', () => {
  it.each(['websocket', 'json'] as const)('is not asked over %s', async (transport) => {
    const bodies: unknown[] = [];
    const relay = new ScriptedRelay({
      transports: [transport],
      fetch: async (url, { body }) => {
        if (url.endsWith('/v1/chat')) bodies.push(JSON.parse(String(body)));
        if (url.endsWith('/v1/chat')) throw new TypeError('reset');
        return Response.json({ userId: 'someone' });
      },
    });
    const block = { type: 'text' as const, text: 'Why?' };
    const messages: Message[] = [{ role: 'user', content: [block] }];
    const context = { grade: { level: 4 } };
    relay.client.stream({ action: 'chat', messages, context });
    messages.push({ role: 'user', content: 'placeholder' });
    block.text = 'changed';
    context.grade.level = 5;
    await settled();
    if (transport === 'websocket') relay.greet();
    else await relay.pass(3000);
    const asked = transport === 'websocket' ? relay.socket.sentOf('start') : bodies;
    expect(asked.length).toBeGreaterThan(0);
    for (const each of asked) {
      expect(each).toMatchObject({
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Why?' }] }],
        context: { grade: { level: 4 } },
      });
    }
  });

  it('cannot be asked where it has no end, and says so', async () => {
    const relay = new ScriptedRelay();
    const context: Record<string, unknown> = {};
    context['self'] = context;
    const stream = relay.client.stream({ action: 'chat', messages: [], context });
    await expect(stream.final).rejects.toMatchObject({ code: 'bad_request', retryable: false });
    expect(relay.clock.pending).toBe(0);
  });
});
