/** Whose a question is: always of whoever is signed in when it is asked, whatever is open or under way of another user. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DashClientOptions, Transport } from '../../src/client/index.ts';
import { startTestRelay } from '../../src/testing/index.ts';
import { settled } from '../support/quiet.ts';
import { doneFrame, ScriptedRelay } from './scripted-relay.ts';
import { connectTo, QUESTION, until } from './test-client.ts';
import { ALICE, BOB, tokenOf, userOf } from './users.ts';

/** Who is signed in, changed by the test. */
function signedIn(user: string | null = ALICE) {
  const session = { user, getToken: () => (session.user === null ? null : tokenOf(session.user)) };
  return session;
}

function scripted(options: Partial<DashClientOptions> = {}) {
  const session = signedIn();
  const relay = new ScriptedRelay({ getToken: () => session.getToken(), ...options });
  const sent = (): string[] =>
    relay.sockets.flatMap(({ token, sent: frames }) =>
      frames.map(({ type }) => `${type} as ${nameOf(token)}`),
    );
  return { session, relay, sent };
}

const nameOf = (token: string): string =>
  token === '' ? 'nobody' : userOf(token) === ALICE ? 'Alice' : 'Bob';

async function ended(relay: ScriptedRelay): Promise<void> {
  const stream = await relay.streaming();
  relay.socket.say(doneFrame(stream.id, 1));
  await stream.final;
}

describe('over the connection that another user left open', () => {
  it('the next question goes by a connection of its own', async () => {
    const { session, relay, sent } = scripted();
    await ended(relay);
    session.user = BOB;
    const stream = relay.ask();
    await relay.pass(1_000);
    expect(relay.sockets.map(({ token, closed }) => [nameOf(token), closed])).toEqual([
      ['Alice', true],
      ['Bob', false],
    ]);
    relay.greet();
    relay.accept(stream.id);
    expect(sent()).toEqual(['start as Alice', 'start as Bob']);
    expect(stream.phase).toBe('thinking');
  });

  it('the same user asks again', async () => {
    const { relay, sent } = scripted();
    await ended(relay);
    await relay.streaming();
    expect(relay.sockets).toHaveLength(1);
    expect(sent()).toEqual(['start as Alice', 'start as Alice']);
  });

  it('nobody asks anything', async () => {
    const { session, relay, sent } = scripted();
    await ended(relay);
    session.user = null;
    await expect(relay.ask().final).rejects.toMatchObject({ code: 'unauthorized', retryable: false });
    expect(relay.socket.closed).toBe(true);
    await relay.pass(30_000);
    expect(sent()).toEqual(['start as Alice']);
  });

  it('a question waits as long as nobody knows whose it is, and is not refused', async () => {
    let isAway = false;
    const session = signedIn();
    const relay = new ScriptedRelay({
      getToken: () => {
        if (isAway) throw new TypeError('no network');
        return session.getToken();
      },
    });
    await ended(relay);
    isAway = true;
    const stream = relay.ask();
    await relay.pass(5_000);
    expect(stream.phase).toBe('connecting');
    expect(relay.socket.sentOf('start')).toHaveLength(1);
    isAway = false;
    while (relay.socket.sentOf('start').length < 2) await relay.pass(250);
    relay.accept(stream.id);
    isAway = true;
    const lost = relay.ask();
    await relay.pass(31_000);
    await expect(lost.final).rejects.toMatchObject({ code: 'unreachable', retryable: true });
  });
});

it('a question that waited for a token is not asked as whoever signs in meanwhile', async () => {
  let isAway = false;
  const session = signedIn();
  const relay = new ScriptedRelay({
    getToken: () => {
      if (isAway) throw new TypeError('no network');
      return session.getToken();
    },
  });
  await ended(relay);
  isAway = true;
  const stream = relay.ask();
  await relay.pass(2_000);
  session.user = BOB;
  isAway = false;
  await relay.pass(10_000);
  expect(stream.phase).toBe('detached');
  expect(relay.sockets).toHaveLength(1);
});

describe('where another user comes while answers are under way', () => {
  it('they are let go of, and no frame of theirs is heard any more', async () => {
    const { session, relay } = scripted();
    const [one, two] = [await relay.streaming(), await relay.streaming()];
    const left = relay.socket;
    session.user = BOB;
    const stream = relay.ask();
    await relay.pass(1_000);
    for (const each of [one, two]) {
      expect(each.phase).toBe('detached');
      await expect(each.final).rejects.toMatchObject({ code: 'detached', content: 'Hello' });
    }
    left.say({ type: 'chunk', id: one.id, seq: 2, content: ' more' });
    expect(one.content).toBe('Hello');
    relay.greet();
    relay.accept(stream.id);
    expect(relay.socket.sent.map(({ type }) => type)).toEqual(['start']);
  });

  it.each(['token_expiring', 'wake', 'a lost connection', 'an expired token'])(
    'also found at %s',
    async (how) => {
      const { session, relay } = scripted();
      const stream = await relay.streaming();
      session.user = BOB;
      if (how === 'token_expiring') relay.socket.say({ type: 'token_expiring', expiresInMs: 60_000 });
      else if (how === 'wake') relay.signal('wake');
      else relay.socket.end(how === 'an expired token' ? 4401 : 1006);
      await relay.pass(1_000);
      expect(stream.phase).toBe('detached');
      expect(relay.sockets.flatMap((socket) => socket.sentOf('auth'))).toEqual([]);
      expect(relay.sockets.flatMap((socket) => socket.sentOf('resume'))).toEqual([]);
    },
  );

  it.each(['sse', 'json'] as const)(
    'nothing of theirs is sent with the other token: %s',
    async (transport) => {
      const session = signedIn();
      const requests: string[] = [];
      let fail: ((error: Error) => void) | undefined;
      const relay = new ScriptedRelay({
        getToken: () => session.getToken(),
        transports: [transport],
        fetch: (url, { method, headers = {}, signal }) => {
          const token = headers['authorization']?.slice('Bearer '.length) ?? '';
          const { pathname } = new URL(url);
          if (signal?.aborted) return Promise.reject(new Error('aborted'));
          if (pathname.startsWith('/v1/chat') || method === 'DELETE')
            requests.push(`${method} ${nameOf(token)}`);
          if (!pathname.startsWith('/v1/chat')) return Promise.reject(new TypeError('no network'));
          return new Promise((_, reject) => {
            fail = reject;
          });
        },
      });
      const stopped = relay.ask();
      await settled();
      const stream = relay.ask();
      await settled();
      expect(requests).toEqual(['POST Alice', 'POST Alice']);
      session.user = BOB;
      void stopped.cancel().catch(() => {});
      fail?.(new TypeError('network error'));
      await relay.pass(2_000);
      expect([stopped.phase, stream.phase]).toEqual(['detached', 'detached']);
      expect(requests).toEqual(['POST Alice', 'POST Alice']);
    },
  );
});

describe('a token that was asked for before', () => {
  it('does not make a later question its user’s', async () => {
    const questions: ((token: string) => void)[] = [];
    const { relay, sent } = scripted({ getToken: () => new Promise((resolve) => questions.push(resolve)) });
    const answer = async (token: string): Promise<void> => {
      questions.shift()?.(token);
      await settled();
    };
    const first = relay.ask();
    await settled();
    const second = relay.ask(); // while the token of the first is on its way
    await settled();
    await answer(tokenOf(ALICE));
    while (relay.sockets.length === 0) await answer(tokenOf(BOB));
    await relay.pass(1_000);
    relay.greet();
    expect(first.phase).toBe('detached');
    expect(sent()).toEqual(['start as Bob']);
    expect(relay.socket.sentOf('start')).toMatchObject([{ id: second.id }]);
  });

  it('keeps its question its user’s, also where the next one asks before it has come', async () => {
    const { promise: late, resolve: come } = Promise.withResolvers<void>();
    const session = signedIn();
    const relay = new ScriptedRelay({
      getToken: async () => {
        const token = session.getToken();
        if (token && userOf(token) === ALICE) await late;
        return token;
      },
    });
    const first = relay.ask();
    await settled();
    session.user = BOB;
    const second = relay.ask();
    come();
    await relay.pass(1000);
    relay.greet();
    await settled();
    expect([first.phase, second.phase]).toEqual(['detached', 'connecting']);
    const starts = relay.sockets.flatMap(({ token, sent }) => sent.map((frame) => [nameOf(token), frame]));
    expect(starts).toMatchObject([['Bob', { type: 'start', id: second.id }]]);
  });

  it('is refused where it comes behind `signOut`', async () => {
    let give: ((token: string) => void) | undefined;
    const users: (string | null)[] = [];
    const { relay } = scripted({
      getToken: () =>
        new Promise((resolve) => {
          give = resolve;
        }),
    });
    relay.client.onUser((userId) => users.push(userId));
    const stream = relay.ask();
    await settled();
    relay.client.signOut();
    give?.(tokenOf(ALICE));
    await relay.pass(5_000);
    expect(stream.phase).toBe('detached');
    expect(users).toEqual([null]);
    expect(relay.sockets).toEqual([]);
  });
});

describe('signOut', () => {
  it('lets go of what is under way and of the connection, and the client goes on for the next user', async () => {
    const { session, relay, sent } = scripted();
    const heard: unknown[] = [];
    relay.client.onUser((...what) => heard.push(what));
    const stream = await relay.streaming();
    relay.client.signOut();
    await expect(stream.final).rejects.toMatchObject({ code: 'detached', content: 'Hello' });
    expect(relay.socket.closed).toBe(true);
    expect(relay.listening).toBe(false);
    session.user = BOB;
    relay.ask();
    await relay.pass(1_000);
    relay.greet();
    expect(sent()).toEqual(['start as Alice', 'start as Bob']);
    expect(heard).toEqual([
      [ALICE, false],
      [null, true],
      [BOB, false],
    ]);
  });
});

describe('who is signed in', () => {
  it('is told as soon as it is known, at changes, and no more afterwards', async () => {
    let isAway = true;
    const session = signedIn();
    const { relay } = scripted({
      getToken: () => {
        if (isAway) throw new TypeError('no network');
        return session.getToken();
      },
    });
    const heard: unknown[] = [];
    const unheed = relay.client.onUser((userId) => heard.push(userId));
    await relay.pass(2_000);
    expect(heard).toEqual([]);
    isAway = false;
    await relay.pass(15_000);
    expect(heard).toEqual([ALICE]);
    session.user = null;
    await relay.ask().final.catch(() => {});
    session.user = BOB;
    await relay.streaming();
    expect(heard).toEqual([ALICE, null, BOB]);
    unheed();
    session.user = ALICE;
    await relay.streaming();
    expect(heard).toHaveLength(3);
    relay.client.onUser((userId) => heard.push(userId));
    expect(heard.at(-1)).toBe(ALICE);
  });
});

describe('on a real relay', () => {
  const TRANSPORTS: readonly Transport[] = ['websocket', 'sse', 'json'];

  it.each(TRANSPORTS)('each question and its usage is of whoever asked it: %s', async (transport) => {
    const relay = await startTestRelay();
    onTestFinished(() => relay.close());
    let user: string | null = ALICE;
    const { client, sockets } = connectTo(relay, {
      transports: [transport],
      getToken: () => (user === null ? null : relay.token(user, { tier: 'free' })),
    });
    await client.stream(QUESTION).final;
    user = BOB;
    await client.stream(QUESTION).final;
    await client.stream(QUESTION).final;
    user = null;
    const calls = relay.simulator.requests.length;
    await expect(client.stream(QUESTION).final).rejects.toMatchObject({ code: 'unauthorized' });
    expect(relay.simulator.requests).toHaveLength(calls);
    if (transport === 'websocket') expect(sockets).toHaveLength(2);
    expect(await requestsUsed(relay.url, await relay.token(ALICE, { tier: 'free' }))).toBe(1);
    expect(await requestsUsed(relay.url, await relay.token(BOB, { tier: 'free' }))).toBe(2);
  });

  it('what the first user had under way is there for that user again, and for no other', async () => {
    const relay = await startTestRelay({ pace: { firstTokenMs: 0, deltasPerSecond: 40 } });
    onTestFinished(() => relay.close());
    relay.simulator.always({ deltas: Array.from({ length: 60 }, (_, at) => `${at} `) });
    let user = ALICE;
    const { client } = connectTo(relay, { getToken: () => relay.token(user) });
    const left = client.stream(QUESTION);
    await until(() => left.content !== '');
    user = BOB;
    const answer = await client.stream(QUESTION).final;
    expect(answer.outcome).toBe('done');
    const { id, epoch = '', after } = left.position;
    const { content } = left;
    await expect(client.attach(id, epoch, after, { content }).final).rejects.toMatchObject({
      code: expect.stringMatching(/unknown_stream|interrupted/),
    });
    user = ALICE;
    const back = await client.attach(id, epoch, after, { content }).final;
    expect(back.content).toBe(answer.content);
  });
});

async function requestsUsed(url: string, token: string): Promise<number> {
  const response = await fetch(`${url}/v1/usage`, { headers: { authorization: `Bearer ${token}` } });
  const { quotas } = (await response.json()) as {
    quotas: { of: string; used: number; action?: string }[];
  };
  return quotas.filter(({ of }) => of === 'requests').reduce((sum, { used }) => sum + used, 0);
}
