/** A socket of the AI SDK's frames with time in the test's hand, and the core in memory. */
import { expect, it } from 'vitest';
import { connectChats } from '../../src/http/ai-sdk/chat-socket.ts';
import { ChatStreams } from '../../src/http/ai-sdk/chat-streams.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';
import type { RelayOptions } from '../../src/relay/relay.ts';
import { ALICE, createCore, principal } from '../support/core.ts';
import { FakeSocket } from '../support/fake-socket.ts';
import { createMemoryAnswers } from '../support/memory-answers.ts';
import { settled } from '../support/quiet.ts';
import { type ChatResponse, question, resume, textIn } from './chat-client.ts';

const LIFE_MS = 3_600_000;

function chatCore(overrides: Partial<RelayOptions> = {}) {
  const core = createCore(overrides);
  const chats = new ChatStreams(core.relay, false);
  const open = () => {
    const socket = new FakeSocket();
    const info = { connectionId: 'c', principal: principal(ALICE, core.clock.now() + LIFE_MS) };
    return socket.attach(connectChats(socket, info, core.relay.connect, { chats, ...core }));
  };
  return { ...core, open };
}

function told({ frames }: FakeSocket, requestId: string): ChatResponse[] {
  return (frames as unknown as readonly ChatResponse[]).filter((frame) => frame.requestId === requestId);
}

it('a page that answers no ping is closed, and its answer waits for it', async () => {
  const { clock, upstream, open } = chatCore();
  const page = open();
  page.send(question('r', 'chat'));
  await settled();
  page.answersPings = false;
  clock.advance(25_000);
  expect(page.closedWith).toBeUndefined();
  clock.advance(10_000);
  expect(page.closedWith).toEqual({ code: 4408, reason: 'noPong' });
  await settled();
  upstream.last.text('Here it is.');
  const back = open();
  back.send(resume('s', 'chat'));
  await settled();
  expect(textIn(told(back, 's'))).toBe('Here it is.');
});

it('is told nothing but frames of its requests: no greeting, no warning of its token, no deploy', async () => {
  const { clock, relay, upstream, open } = chatCore();
  const page = open();
  page.send(question('r', 'chat'));
  await settled();
  const before = page.frames.length;
  clock.advance(LIFE_MS - 30_000);
  void relay.drain(60_000);
  await settled();
  expect(page.frames.slice(before)).toEqual([]);
  page.send(question('s', 'other'));
  await settled();
  const shuttingDown = { type: 'error', errorText: expect.stringMatching(/^shutting_down: /) };
  expect(told(page, 's')).toMatchObject([shuttingDown]);
  upstream.last.end();
  await settled();
  expect(told(page, 'r').at(-1)).toMatchObject({ type: 'end' });
  expect(page.closedWith).toEqual({ code: 1001, reason: 'goingAway' });
});

it('a page is let go before a deploy once nothing is read on it, however long others read', async () => {
  const { relay, upstream, open } = chatCore();
  const [idle, asking, other] = [open(), open(), open()];
  asking.send(question('r', 'chat'));
  other.send(question('r', 'other'));
  await settled();
  void relay.drain(60_000);
  await settled();
  expect(idle.closedWith).toEqual({ code: 1001, reason: 'goingAway' });
  expect(asking.closedWith).toBeUndefined();
  upstream.calls[0]?.end();
  await settled();
  expect(told(asking, 'r').at(-1)).toMatchObject({ type: 'end' });
  expect([asking.closedWith?.code, other.closedWith]).toEqual([1001, undefined]);
});

it('what runs here is resumed and stopped also while others cannot be asked', async () => {
  const answers = createMemoryAnswers();
  const { upstream, open } = chatCore({ answers });
  open().send(question('r', 'chat'));
  await settled();
  upstream.last.text('word');
  answers.refuse(true);
  const page = open();
  page.send(resume('s', 'chat'));
  page.send(resume('t', 'gone'));
  await settled();
  expect(textIn(told(page, 's'))).toBe('word');
  expect(told(page, 't')).toMatchObject([
    { type: 'error', errorText: expect.stringMatching(/^unavailable: /) },
  ]);
});

it('`end` comes after the ending alone, and an answer whose ending no pong followed is told again', async () => {
  const { upstream, open } = chatCore();
  const page = open();
  page.send(question('r', 'chat'));
  await settled();
  page.answersPings = false;
  upstream.last.text('word');
  await settled();
  expect(told(page, 'r').some(({ type }) => type === 'end')).toBe(false);
  upstream.last.end();
  await settled();
  expect(told(page, 'r').slice(-2)).toMatchObject([{ chunk: { type: 'finish' } }, { type: 'end' }]);
  page.drop();
  const back = open();
  back.send(resume('s', 'chat'));
  await settled();
  expect(textIn(told(back, 's'))).toBe('word');
  back.drop();
  const done = open();
  done.send(resume('t', 'chat'));
  await settled();
  expect(told(done, 't')).toEqual([{ type: 'no-active', requestId: 't' }]);
});

it('a pong behind several pings is the answer to all of them', async () => {
  const { clock, upstream, open } = chatCore();
  const page = open();
  page.answersPings = false;
  for (const chat of ['one', 'two']) {
    page.send(question(chat, chat));
    await settled();
    upstream.last.end();
    await settled();
    clock.advance(100); // pings that ask rest between two of them
  }
  page.pong('chat 2');
  const back = open();
  for (const chat of ['one', 'two']) back.send(resume(chat, chat));
  await settled();
  expect(back.frames).toMatchObject([{ type: 'no-active' }, { type: 'no-active' }]);
});

it('ten chats that resume at once have one list read, and each of them is a frame of the connection', async () => {
  const answers = createMemoryAnswers();
  let lists = 0;
  const counted: typeof answers.list = (...asked) => {
    lists += 1;
    return answers.list(...asked);
  };
  const { open } = chatCore({ answers: { ...answers, list: counted } });
  const page = open();
  for (let chat = 0; chat < 10; chat += 1) page.send(resume(`r${chat}`, `chat ${chat}`));
  await settled();
  expect(page.frames.map(({ type }) => type)).toEqual(Array.from({ length: 10 }, () => 'no-active'));
  expect(lists).toBe(1);
  for (let sent = 10; sent < 300 && page.closedWith === undefined; sent += 1) {
    page.send(resume(`r${sent}`, 'chat'));
    await settled();
  }
  expect([page.closedWith?.code, page.frames.length]).toEqual([4429, 240]);
});

it('the abort of a resume stops the run once no other resume of the chat has come', async () => {
  const { clock, upstream, open } = chatCore();
  open().send(question('r', 'chat'));
  await settled();
  upstream.last.text('word');
  const page = open();
  page.send(resume('s', 'chat'));
  await settled();
  page.send({ type: 'abort', requestId: 's' });
  clock.advance(24);
  page.send(resume('t', 'chat'));
  clock.advance(100);
  await settled();
  expect(upstream.last.ending).toBeNull();
  expect(textIn(told(page, 't'))).toBe('word');
  page.send({ type: 'abort', requestId: 't' });
  clock.advance(25);
  await settled();
  expect(upstream.last.ending).toMatchObject({ kind: 'aborted' });
  expect(told(page, 't').at(-1)).toMatchObject({ type: 'end' });
});

it('of two resumes in one breath the second has the answer from its beginning, once', async () => {
  const { upstream, open } = chatCore();
  open().send(question('r', 'chat'));
  await settled();
  upstream.last.text('word');
  const page = open();
  page.send(resume('s', 'chat'));
  await Promise.resolve();
  for (const frame of [{ type: 'abort', requestId: 's' }, resume('t', 'chat'), resume('u', 'chat')]) {
    page.send(frame);
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve(); // its stream is found before anything is written
  }
  await settled();
  const types = told(page, 'u').map(({ type, chunk }) => chunk?.type ?? type);
  expect(types).toEqual(['start', 'start', 'start-step', 'text-start', 'text-delta']);
  expect(told(page, 't').map(({ type }) => type)).toEqual(['error']);
});

it('an abort whose page leaves at once is a stop', async () => {
  const { upstream, open } = chatCore();
  open().send(question('r', 'chat'));
  await settled();
  const page = open();
  page.send(resume('s', 'chat'));
  await settled();
  page.send({ type: 'abort', requestId: 's' });
  page.drop();
  await settled();
  expect(upstream.last.ending).toMatchObject({ kind: 'aborted' });
});

it.each(['leaves while the stream is looked for', 'is closed'])(
  'no stop is lost where its page %s',
  async (how) => {
    const { clock, upstream, open } = chatCore({ answers: createMemoryAnswers() }); // which are asked first
    open().send(question('r', 'chat'));
    await settled();
    const page = open();
    page.send(resume('s', 'chat'));
    if (how === 'is closed') await settled();
    page.send({ type: 'abort', requestId: 's' });
    if (how === 'is closed')
      for (let sent = 0; sent < 300; sent += 1) page.send({ type: 'abort', requestId: 's' });
    else page.drop();
    clock.advance(25);
    await settled();
    expect(upstream.last.ending).toMatchObject({ kind: 'aborted' });
  },
);

it('what is refused is logged by no stream that never was', async () => {
  const { observed, open } = chatCore({
    answers: Object.assign(createMemoryAnswers(), { list: unavailable }),
  });
  const page = open();
  page.send({ ...question('r', 'chat'), messages: [] });
  page.send(resume('s', 'chat'));
  await settled();
  expect(page.frames).toMatchObject([
    { requestId: 'r', type: 'error' },
    { requestId: 's', type: 'error' },
  ]);
  const refused = observed.flatMap(({ kind, event }) => (kind === 'refused' ? [event] : []));
  expect(refused).toMatchObject([
    { of: 'start', streamId: null },
    { of: 'resume', streamId: null },
  ]);
});

const unavailable = async (): Promise<never> => {
  throw new RelayError('unavailable', 'kept answers cannot be read now');
};

it('a reader that is slow gets merged text, numbered without a gap', async () => {
  const { upstream, open } = chatCore();
  const page = open();
  page.send(question('r', 'chat'));
  await settled();
  page.stalled = true;
  const words = Array.from({ length: 3000 }, (_, at) => `${'x'.repeat(100)} ${at} `);
  for (const word of words) {
    upstream.last.text(word);
    if (page.bufferedBytes === 0) await settled();
  }
  upstream.last.end();
  await settled();
  page.drain();
  await settled();
  const frames = told(page, 'r');
  const numbers = frames.flatMap(({ sequence }) => (sequence === undefined ? [] : [sequence]));
  expect(numbers).toEqual(numbers.map((_, at) => at));
  expect(numbers.length).toBeLessThan(words.length);
  expect(textIn(frames)).toBe(words.join(''));
});

it('a run that fails before its first word is an error of its request', async () => {
  const { upstream, open } = chatCore();
  const page = open();
  page.send(question('r', 'chat'));
  await settled();
  upstream.last.fail(new RelayError('upstream_overloaded', 'the model is overloaded'));
  await settled();
  expect(told(page, 'r').slice(-3)).toMatchObject([
    { chunk: { type: 'message-metadata', messageMetadata: { error: { code: 'upstream_overloaded' } } } },
    { chunk: { type: 'error', errorText: 'upstream_overloaded: the model is overloaded' } },
    { type: 'end' },
  ]);
});
