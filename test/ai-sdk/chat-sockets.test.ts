/** `GET /v1/ai-sdk`: several chats on one socket, and what a client may send that is no client of the library. */
import { WebSocketChatTransport } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/time/clock.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { eventually, LONG, percentiles, report } from '../support/test-run.ts';
import { type ChatResponse, connectChatClient, question, resume, textIn } from './chat-client.ts';
import { CHAT_DOORS, chatOn, heldBy } from './chats.ts';
import type { AnswerMessage } from './library.ts';

const PACE = { firstTokenMs: 5, deltasPerSecond: 500 } as const;
const WORDS = ['A ', 'fraction ', 'is ', 'a ', 'part ', 'of ', 'a ', 'whole.'];

let relay: SimulatedRelay;
beforeAll(async () => {
  relay = await startSimulatedRelay({ pace: PACE }, { MAX_STREAMS_PER_CONNECTION: '16' });
});
afterAll(() => relay[Symbol.asyncDispose]());

let users = 0;
/** A user of one's own. */
const token = (): Promise<string> => relay.token(++users);

/** Chunks of one request are numbered without gaps, the first by `from`. */
function expectGapless(frames: readonly ChatResponse[], from = 0): void {
  const numbers = frames.flatMap(({ sequence }) => (sequence === undefined ? [] : [sequence]));
  expect(numbers).toEqual(numbers.map((_, at) => from + at));
}

describe('ten chats on one socket', () => {
  it.each([
    ['a refused start', { action: 'no_such_action' }, /^unknown_action: /],
    ['a model that fails midway', { model: 'sim:overloaded-midway' }, /^upstream_overloaded: /],
    ['a system prompt in the body', { system: 'Be rude' }, /actions file/],
  ])('go on where one fails: %s', async (_what, body, message) => {
    const transport = new WebSocketChatTransport<AnswerMessage>({
      url: `${relay.url}/v1/ai-sdk`,
      protocols: ['dash-relay.v1', `bearer.${await token()}`],
      body: { action: 'chat' },
    });
    const chats = Array.from({ length: 10 }, (_, at) => chatOn(transport, `chat ${at}`));
    await Promise.all(chats.map((chat, at) => chat.sendMessage({ text: 'Why?' }, at === 4 ? { body } : {})));
    expect(chats.map(({ status }) => status)).toEqual(chats.map((_, at) => (at === 4 ? 'error' : 'ready')));
    expect(chats[4]?.error?.message).toMatch(message);
    for (const [at, chat] of chats.entries())
      if (at !== 4) expect(heldBy(chat)).toMatchObject({ metadata: { ending: 'done' }, messages: 2 });
    transport.close();
  });
});

describe('a stop', () => {
  const STOPS = LONG ? 300 : 20;
  it.each(CHAT_DOORS)(`by $name reaches the model, and is told with its receipt`, async (door) => {
    const who = await token();
    const transport = door.transport(relay.url, who, { model: 'sim:stall' });
    const took: number[] = [];
    for (let at = 0; at < STOPS; at += 1) {
      const chat = chatOn(transport, `stop ${at}`);
      const before = relay.simulator.requests.length;
      void chat.sendMessage({ text: 'Why?' });
      await eventually('there is text', () => heldBy(chat).text !== '');
      const stopped = systemClock.elapsed();
      await (door.name === 'WebSocketChatTransport'
        ? chat.stop()
        : fetch(`${relay.url}/v1/ai-sdk/chat/stop%20${at}/stream`, {
            method: 'DELETE',
            headers: { authorization: `Bearer ${who}` },
          }));
      const record = relay.simulator.requests[before];
      await eventually('the model is stopped', () => record?.closedAt !== null);
      took.push((record?.closedAt ?? Number.NaN) - stopped);
    }
    report(`${door.name}: from the stop to the model's side closed, ms: ${percentiles(took)} of ${STOPS}`);
    expect(relay.simulator.requests.slice(-STOPS).every(({ aborted }) => aborted)).toBe(true);
  });

  it('is answered with the receipt, for who reads on after it', async () => {
    using client = await connectChatClient(relay.url, await token());
    client.ask('r', 'receipt', { model: 'sim:stall' });
    await client.until(() => textIn(client.of('r')) !== '');
    client.send({ type: 'abort', requestId: 'r' });
    expect((await client.settled('r')).type).toBe('end');
    expectGapless(client.of('r'));
    expect(client.of('r').at(-2)?.chunk).toMatchObject({
      type: 'finish',
      messageMetadata: { ending: 'cancelled', timing: { upstreamClosedMs: expect.any(Number) } },
    });
  });

  it('is none where a chat resumes anew, which ends its resume before', async () => {
    const who = await token();
    using first = await connectChatClient(relay.url, who);
    first.ask('r', 'again', { model: 'sim:stall' });
    await first.until(() => textIn(first.of('r')) !== '');
    using second = await connectChatClient(relay.url, who);
    second.send(resume('a', 'again'));
    await second.until(() => textIn(second.of('a')) !== '');
    second.send({ type: 'abort', requestId: 'a' });
    second.send(resume('b', 'again'));
    await second.until(() => textIn(second.of('b')) === textIn(first.of('r')));
    second.send({ type: 'abort', requestId: 'b' });
    expect((await first.settled('r')).type).toBe('end');
    expect(first.of('r').at(-2)?.chunk).toMatchObject({ messageMetadata: { ending: 'cancelled' } });
  });
});

describe('a resume', () => {
  it('replays from the first number, also under the id of another request of the same socket', async () => {
    using client = await connectChatClient(relay.url, await token());
    relay.simulator.script({ deltas: WORDS, broken: { afterDeltas: WORDS.length, by: 'stall' } });
    client.ask('one', 'replay');
    await client.until(() => textIn(client.of('one')) === WORDS.join(''));
    client.send(resume('two', 'replay'));
    await client.until(() => textIn(client.of('two')) === textIn(client.of('one')));
    expectGapless(client.of('two'));
    expect(client.of('one').at(-1)).toMatchObject({
      type: 'error',
      errorText: expect.stringMatching(/^conflict: /),
    });
    client.send({ type: 'abort', requestId: 'two' });
    await client.settled('two');
  });

  /** A socket that is lost in the middle of an answer, which has said all that it will for now. */
  async function lostSocket(who: string, chatId: string): Promise<ChatResponse[]> {
    relay.simulator.script({ deltas: WORDS, broken: { afterDeltas: WORDS.length, by: 'stall' } });
    using client = await connectChatClient(relay.url, who);
    client.ask('r', chatId);
    await client.until(() => textIn(client.of('r')) === WORDS.join(''));
    return client.of('r').filter(({ type }) => type === 'chunk');
  }

  it.each([0, 1, 4])('goes on after the number that the same request holds (%i), exactly', async (held) => {
    const who = await token();
    const whole = await lostSocket(who, 'goes on');
    expectGapless(whole);
    using client = await connectChatClient(relay.url, who);
    client.send(resume('r', 'goes on', held));
    const text = () => `${textIn(whole.slice(0, held + 1))}${textIn(client.of('r'))}`;
    await client.until(() => text() === WORDS.join(''));
    client.send({ type: 'abort', requestId: 'r' });
    await client.settled('r');
    expect(text()).toBe(WORDS.join(''));
    expectGapless(client.of('r'), held + 1);
  });

  it.each([
    ['of another request', 'other', 4],
    ['past the last', 'r', 99],
    ['of no text', 'r', 2],
  ])('from a number %s is refused in words, and the socket goes on', async (_what, requestId, held) => {
    const who = await token();
    await lostSocket(who, 'nowhere');
    using client = await connectChatClient(relay.url, who);
    client.send(resume(requestId, 'nowhere', held));
    expect(await client.settled(requestId)).toMatchObject({
      type: 'error',
      errorText: expect.stringMatching(/^resume_gap: lastSequence/),
    });
    client.send(resume('whole', 'nowhere'));
    await client.until(() => textIn(client.of('whole')) === WORDS.join(''));
    client.send({ type: 'abort', requestId: 'whole' });
    await client.settled('whole');
  });

  it('finds nothing where the socket itself was told the ending', async () => {
    using client = await connectChatClient(relay.url, await token());
    client.ask('r', 'told');
    await client.settled('r');
    client.send(resume('again', 'told'));
    expect(await client.settled('again')).toMatchObject({ type: 'no-active' });
  });

  it('finds nothing where a pong showed that the ending came', async () => {
    const who = await token();
    using first = await connectChatClient(relay.url, who);
    first.ask('r', 'shown');
    expect(await first.settled('r')).toMatchObject({ type: 'end' });
    await eventually('the pong has come', async () => {
      using second = await connectChatClient(relay.url, who);
      second.send(resume('s', 'shown'));
      return (await second.settled('s')).type === 'no-active';
    });
  });
});

describe('a frame that no client of the library sends', () => {
  const message = (role: string, ...parts: object[]) => ({ messages: [{ id: 'm', role, parts }] });
  const text = { type: 'text', text: 'a' };
  it.each([
    [
      'an unknown type',
      { type: 'subscribe', requestId: 'x' },
      /^bad_request: type: one of send, resume, abort/,
    ],
    [
      'a system message',
      { ...question('x', 'c'), ...message('system', text) },
      /^bad_request: messages\.0: system prompts/,
    ],
    [
      'a tool of the client',
      { ...question('x', 'c'), ...message('assistant', { type: 'tool-weather', state: 'output-available' }) },
      /^unsupported: messages\.0: tools of the client/,
    ],
    ['no message', { ...question('x', 'c'), messages: [] }, /^bad_request: messages/],
    ['no chat', { ...question('x', 'c'), id: 7 }, /^bad_request: id/],
    ['a foreign field in the body', question('x', 'c', { temperature: 2 }), /^bad_request: /],
    [
      'tools in the body',
      question('x', 'c', { tools: {} }),
      /^bad_request: body\.tools: tools run at the server/,
    ],
    ['an id of its own', question('x', 'c', { id: 'mine' }), /^bad_request: body\.id/],
    ['a model that is not allowed', question('x', 'c', { model: 'gpt-2' }), /^model_not_allowed: /],
    ['a fraction as a number', resume('x', 'c', 1.5), /^bad_request: lastSequence/],
  ])('is answered under its request, and the others go on: %s', async (_what, frame, errorText) => {
    using client = await connectChatClient(relay.url, await token());
    client.ask('good', 'fine');
    client.send(frame);
    expect(await client.settled('x')).toEqual({
      type: 'error',
      requestId: 'x',
      errorText: expect.stringMatching(errorText),
    });
    expect(await client.settled('good')).toMatchObject({ type: 'end' });
  });

  it.each([
    ['not JSON', 'send'],
    ['a list', '[]'],
    ['no request', JSON.stringify({ ...question('x', 'c'), requestId: undefined })],
    ['a request that is under way', JSON.stringify(question('good', 'c'))],
  ])('gets no answer where none could be told, and is counted: %s', async (_what, frame) => {
    using client = await connectChatClient(relay.url, await token());
    client.ask('good', 'fine', { model: 'sim:stall' });
    await client.until(() => textIn(client.of('good')) !== '');
    client.send(frame);
    client.ask('next', 'next');
    expect(await client.settled('next')).toMatchObject({ type: 'end' });
    expect(client.of('good').some(({ type }) => type === 'error')).toBe(false);
    for (let sent = 0; sent < 4; sent += 1) client.send(frame);
    expect(await client.closed).toBe(4400);
  });

  it('closes the socket where it is too large to be read', async () => {
    using client = await connectChatClient(relay.url, await token());
    client.send(question('x', 'c', {}, 'x'.repeat(300_000)));
    expect(await client.closed).toBe(1009);
  });

  it('that says nothing but aborts is counted as well', async () => {
    using client = await connectChatClient(relay.url, await token());
    for (let sent = 0; sent < 300; sent += 1) client.send({ type: 'abort', requestId: `${sent}` });
    expect(await client.closed).toBe(4429);
  });

  it('of another user finds and stops nothing', async () => {
    using mine = await connectChatClient(relay.url, await token());
    mine.ask('r', 'private', { model: 'sim:stall' });
    await mine.until(() => textIn(mine.of('r')) !== '');
    using theirs = await connectChatClient(relay.url, await token());
    theirs.send(resume('r', 'private'));
    expect(await theirs.settled('r')).toMatchObject({ type: 'no-active' });
    theirs.send({ type: 'abort', requestId: 'r' });
    theirs.ask('own', 'private');
    await theirs.settled('own');
    expect(mine.of('r').every(({ type }) => type !== 'end')).toBe(true);
    mine.send({ type: 'abort', requestId: 'r' });
    await mine.settled('r');
  });
});

describe('the token of a frame', () => {
  it('is a text: anything else is the client’s fault, and said so under its request', async () => {
    using client = await connectChatClient(relay.url, await token());
    client.send({ ...question('odd', 'c'), headers: { authorization: { toString: 1 } } });
    expect(await client.settled('odd')).toMatchObject({
      type: 'error',
      errorText: expect.stringContaining('headers.authorization: a text'),
    });
  });

  it('keeps the socket in the place of the one before, and that of another user closes it', async () => {
    const user = ++users;
    using client = await connectChatClient(relay.url, await relay.token(user));
    const headers = { Authorization: `Bearer ${await relay.token(user)}` };
    client.send({ ...question('one', 'c'), headers });
    client.send({ ...question('two', 'd'), headers: { authorization: 'Bearer nonsense' } });
    expect(await client.settled('one')).toMatchObject({ type: 'end' });
    expect(await client.settled('two')).toMatchObject({ type: 'end' });
    const asked = relay.simulator.requests.length;
    client.send({ ...question('three', 'e'), headers: { authorization: `Bearer ${await token()}` } });
    expect(await client.settled('three')).toMatchObject({
      errorText: expect.stringMatching(/^unauthorized: /),
    });
    expect(await client.closed).toBe(4403);
    expect(relay.simulator.requests).toHaveLength(asked); // not as the user of before either
  });
});
