import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/client/index.ts';
import { NO_ANSWER } from '../../src/react/store/answer-state.ts';
import { Conversations } from '../../src/react/store/conversations.ts';
import { type ChatMessage, historyOf } from '../../src/react/store/messages.ts';
import { FakeClient } from './fake-client.ts';
import { manualFrames } from './manual-frames.ts';

const user = (content: string): ChatMessage => ({ role: 'user', id: 'q', content });
const answer = (content: string): ChatMessage => ({
  ...{ ...NO_ANSWER, role: 'assistant', id: 'a', content, status: 'done' },
});
const bytesOf = (messages: readonly Message[]) => Buffer.byteLength(JSON.stringify(messages));
const startsWith = (messages: readonly Message[], beginning: readonly Message[]) =>
  JSON.stringify(messages.slice(0, beginning.length)) === JSON.stringify(beginning);

/** What the model is told in each turn of a conversation. */
function windows(turns: readonly (readonly [string, string])[], limit: number): Message[][] {
  const messages: ChatMessage[] = [];
  return turns.map(([question, said]) => {
    messages.push(user(question));
    const told = historyOf(messages, limit);
    messages.push(answer(said));
    return told;
  });
}

const numbered = (count: number) =>
  Array.from({ length: count }, (_, turn) => [`question ${turn}`, `answer ${turn}`] as const);

describe('what the model is told', () => {
  it('begins where it began until the limit is reached, then half of it later', () => {
    const told = windows(numbered(13), 11);
    expect(told.map((messages) => `${messages[0]?.content}: ${messages.length}`)).toEqual([
      ...['question 0: 1', 'question 0: 3', 'question 0: 5', 'question 0: 7', 'question 0: 9'],
      ...['question 0: 11', 'question 3: 7', 'question 3: 9', 'question 3: 11'],
      ...['question 6: 7', 'question 6: 9', 'question 6: 11', 'question 9: 7'],
    ]);
  });

  it('is a conversation from a question to the newest one, within every limit', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).map((said) => `x${said}`),
      fc.nat({ max: 60_000 }).map((length) => 'ä'.repeat(length + 1)),
      fc.constant('"\n'.repeat(20_000).concat('x')),
    );
    const turns = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(turns, fc.integer({ min: 1, max: 21 }), (list, limit) => {
        const all = list.flat();
        for (const [turn, told] of windows(list, limit).entries()) {
          const contents = told.map(({ content }) => content);
          expect(contents).toEqual(all.slice(0, 2 * turn + 1).slice(-told.length));
          expect(told[0]?.role).toBe('user');
          expect(told.length).toBeLessThanOrEqual(limit);
          if (told.length > 1) expect(bytesOf(told)).toBeLessThanOrEqual(200_000);
        }
      }),
      { numRuns: 100 },
    );
  });

  it.each([7, 11, 21, 40])('goes on from what was told before in most turns (limit %i)', (limit) => {
    const told = windows(numbered(60), limit);
    const jumps = told.filter((messages, turn) => !startsWith(messages, told[turn - 1] ?? []));
    const turnsOfBlock = Math.round(limit / 4);
    expect(jumps.length).toBeLessThanOrEqual(Math.ceil(60 / turnsOfBlock));
    expect(jumps.length).toBeGreaterThan(0);
  });

  it('is never more than one request may hold', () => {
    const all = numbered(400).flatMap(([question, said]) => [user(question), answer(said)]);
    expect(historyOf(all, Number.POSITIVE_INFINITY)).toHaveLength(799 - 500 / 2 - 500 / 2);
  });

  it('is the question alone where nothing before it has room', () => {
    const messages = [user('x'.repeat(150_000)), answer('y'.repeat(150_000)), user('z'.repeat(300_000))];
    expect(historyOf(messages, 11)).toMatchObject([{ content: 'z'.repeat(300_000) }]);
  });
});

it('begins at the same question after a reload', async () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  };
  const open = () => {
    const client = new FakeClient();
    const conversations = new Conversations({ client, frames: manualFrames(), storage });
    conversations.open();
    client.signIn('u1');
    return { client, conversations };
  };
  const ask = async ({ client, conversations }: ReturnType<typeof open>, question: string) => {
    conversations.get('one').send(question, { action: 'chat' });
    await client.latest.accept().say('Yes').end();
    return client.latest.request?.messages ?? [];
  };
  const page = open();
  for (let turn = 0; turn < 8; turn += 1) await ask(page, `question ${turn}`);
  page.conversations.close();
  const told = await ask(open(), 'question 8');
  expect([told[0]?.content, told.length]).toEqual(['question 3', 11]);
});
