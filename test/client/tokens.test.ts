import { describe, expect, it, onTestFinished } from 'vitest';
import { startTestRelay } from '../../src/testing/index.ts';
import { settled } from '../support/quiet.ts';
import { ScriptedRelay } from './scripted-relay.ts';
import { connectTo, QUESTION } from './test-client.ts';

const UNAUTHORIZED = [
  401,
  { error: { code: 'unauthorized', message: 'bad token', retryable: false } },
] as const;

describe('a token that is about to expire', () => {
  it('is replaced in-band when the relay says so', async () => {
    const relay = new ScriptedRelay();
    await relay.streaming();
    relay.socket.say({ type: 'token_expiring', expiresInMs: 60_000 });
    await settled();
    expect(relay.tokensAsked.at(-1)).toBe(true);
    expect(relay.socket.sentOf('auth')).toEqual([
      { type: 'auth', token: `token-${relay.tokensAsked.length}` },
    ]);
  });

  it('is replaced when the device wakes up, by what the app has then', async () => {
    const relay = new ScriptedRelay();
    await relay.streaming();
    relay.signal('wake');
    await settled();
    expect(relay.tokensAsked.at(-1)).toBe(false);
    expect(relay.socket.sentOf('auth')).toEqual([
      { type: 'auth', token: `token-${relay.tokensAsked.length}` },
    ]);
  });

  it('is tried to be replaced again where tokens cannot be checked at the moment, or none is given', async () => {
    let failures = 1;
    const relay = new ScriptedRelay({
      getToken: ({ refresh }) => {
        if (refresh && failures-- > 0) throw new Error('no network');
        return refresh ? 'fresh-token' : 'token';
      },
    });
    await relay.streaming();
    relay.socket.say({ type: 'token_expiring', expiresInMs: 60_000 });
    await relay.pass(5_250);
    expect(relay.socket.sentOf('auth')).toHaveLength(1);
    relay.socket.say({ type: 'error', code: 'internal', message: '', retryable: true });
    await relay.pass(10_250);
    expect(relay.socket.sentOf('auth')).toHaveLength(2);
  });
});

describe('a token that has expired', () => {
  it('is replaced, and the streams resume', async () => {
    const relay = new ScriptedRelay();
    const stream = await relay.streaming();
    relay.socket.end(4401);
    await settled();
    expect(relay.tokensAsked.at(-1)).toBe(true);
    relay.greet();
    expect(relay.socket.sentOf('resume')).toHaveLength(1);
    expect(stream.phase).toBe('reconnecting');
  });

  it('stops everything where the next one expires at once as well', async () => {
    const relay = new ScriptedRelay();
    const stream = await relay.streaming();
    relay.socket.end(4401);
    await settled();
    relay.greet();
    relay.socket.end(4401);
    await expect(stream.final).rejects.toMatchObject({ code: 'unauthorized', content: 'Hello' });
    await relay.pass(30_000);
    expect(relay.sockets).toHaveLength(2);
  });

  it('is no second refusal where the next one had lasted', async () => {
    const relay = new ScriptedRelay();
    const stream = await relay.streaming();
    for (let hour = 0; hour < 3; hour++) {
      relay.socket.end(4401);
      await settled();
      relay.greet();
      relay.resume(stream.id, 1);
      await relay.pass(12_000);
    }
    expect(stream.phase).toBe('streaming');
  });
});

describe('a token that is refused', () => {
  it('is replaced once at the handshake, where the browser is not told why', async () => {
    const relay = new ScriptedRelay();
    relay.routes['/v1/session'] = UNAUTHORIZED;
    const stream = relay.ask();
    await settled();
    relay.socket.end(1006);
    await expect(stream.final).rejects.toMatchObject({ code: 'unauthorized', retryable: false });
    expect(relay.tokensAsked).toContain(true);
  });

  it('counts once for all streams that learn of it, and a good one makes it forgotten', async () => {
    const relay = await startTestRelay();
    onTestFinished(() => relay.close());
    let good = false;
    const { client } = connectTo(relay, {
      transports: ['sse'],
      getToken: async ({ refresh }) => {
        good ||= refresh;
        return good ? await relay.token() : 'not-a-token';
      },
    });
    const answers = await Promise.all(Array.from({ length: 4 }, () => client.stream(QUESTION).final));
    expect(answers.every(({ outcome }) => outcome === 'done')).toBe(true);
  });

  it('ends as `unauthorized` where nobody is signed in', async () => {
    const relay = await startTestRelay();
    onTestFinished(() => relay.close());
    for (const transport of ['websocket', 'sse', 'json'] as const) {
      const { client } = connectTo(relay, { transports: [transport], getToken: () => null });
      await expect(client.stream(QUESTION).final).rejects.toMatchObject({ code: 'unauthorized' });
    }
  });
});

it('asks for one token at a time', async () => {
  let asked = 0;
  const relay = new ScriptedRelay({
    getToken: () => {
      asked += 1;
      return new Promise((resolve) => setImmediate(resolve, 'token'));
    },
    transports: ['json'],
  });
  relay.routes['/v1/chat'] = [400, { error: { code: 'unknown_action', message: '', retryable: false } }];
  const streams = Array.from({ length: 5 }, () => relay.ask());
  await Promise.allSettled(streams.map(({ final }) => final));
  expect(asked).toBe(2); // for the configuration, then for all streams
});

it('outlives its token on a real relay by a fresh one in-band', async () => {
  const relay = await startTestRelay({ pace: { firstTokenMs: 0, deltasPerSecond: 12 } });
  onTestFinished(() => relay.close());
  const { client, sockets } = connectTo(relay, {
    getToken: ({ refresh }) => relay.token(undefined, { expiresIn: refresh ? 3600 : 1 }),
  });
  relay.simulator.script({ deltas: Array.from({ length: 80 }, (_, at) => `${at} `) });
  const answer = await client.stream(QUESTION).final; // takes longer than token and grace together
  expect(answer.content.split(' ')).toHaveLength(81);
  expect(sockets).toHaveLength(1);
});

it('is disconnected on a real relay without a fresh one, and says so', async () => {
  const relay = await startTestRelay({ pace: { firstTokenMs: 0, deltasPerSecond: 10 } });
  onTestFinished(() => relay.close());
  const first = await relay.token(undefined, { expiresIn: 1 });
  const { client } = connectTo(relay, { getToken: () => first });
  relay.simulator.script({ deltas: Array.from({ length: 400 }, (_, at) => `${at} `) });
  const stream = client.stream(QUESTION);
  const error = await stream.final.catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: 'unauthorized', content: stream.content });
  expect(stream.content).not.toBe('');
});
