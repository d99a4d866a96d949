/** A transport has proved itself when something that was sent by it was answered, and what has done so is not given up lightly. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { startTestRelay } from '../../src/testing/index.ts';
import { settled } from '../support/quiet.ts';
import { doneFrame, EPOCH, ScriptedRelay } from './scripted-relay.ts';
import { startSwallowingProxy } from './swallowing-proxy.ts';
import { connectTo, QUESTION } from './test-client.ts';

/** Plays the relay to a client until it has used another transport than a WebSocket, or the time is over. */
async function play(relay: ScriptedRelay, ms: number, onSocket: () => void): Promise<number> {
  let seen = 0;
  for (let passed = 0; passed < ms; passed += 250) {
    if (relay.sockets.length > seen) {
      seen = relay.sockets.length;
      onSocket();
    }
    await relay.pass(250);
  }
  return seen;
}

/** Lets time pass until so many sockets were dialled, the last of them a moment ago. */
async function dialled(relay: ScriptedRelay, count: number): Promise<void> {
  for (let step = 0; step < 100 && relay.sockets.length < count; step++) await relay.pass(100, 100);
  expect(relay.sockets).toHaveLength(count);
}

const BY_HTTP = [200, { ...doneFrame('', 1), type: undefined, content: 'by HTTP' }] as const;

describe('a WebSocket that greets', () => {
  it('and swallows what is sent is left for another transport before the question is given up', async () => {
    const relay = new ScriptedRelay();
    relay.routes['/v1/chat'] = BY_HTTP;
    const stream = relay.ask();
    await settled();
    const handshakes = await play(relay, 20_000, () => relay.greet());
    expect(await stream.final).toMatchObject({ content: 'by HTTP', transport: 'sse' });
    expect(handshakes).toBe(1);
  });

  it.each([1006, 1000, 1001, 1002, 1008, 1011])(
    'and is cut with %d when something is sent is left for another transport',
    async (code) => {
      const relay = new ScriptedRelay();
      relay.routes['/v1/chat'] = BY_HTTP;
      const stream = relay.ask();
      await settled();
      const handshakes = await play(relay, 10_000, () => {
        relay.greet();
        relay.socket.end(code);
      });
      expect(await stream.final).toMatchObject({ content: 'by HTTP', transport: 'sse' });
      expect(handshakes).toBeLessThan(3);
    },
  );

  it('is dialled less and less often where nothing else answers either', async () => {
    const relay = new ScriptedRelay({ transports: ['websocket'] });
    delete relay.routes['/v1/session'];
    delete relay.routes['/v1/config'];
    const stream = relay.ask();
    await settled();
    const handshakes = await play(relay, 31_000, () => {
      relay.greet();
      relay.socket.end(1006);
    });
    await expect(stream.final).rejects.toMatchObject({ code: 'unreachable' });
    expect(handshakes).toBeLessThan(15);
  });

  it('and answers but brings nothing is dialled less and less often', async () => {
    const relay = new ScriptedRelay();
    const stream = await relay.streaming();
    const before = relay.sockets.length;
    relay.socket.end(1006);
    await play(relay, 60_000, () => {
      if (relay.sockets.length === before) return;
      relay.greet();
      relay.resume(stream.id, 1);
      relay.socket.end(1006);
    });
    expect(relay.sockets.length).toBeLessThan(20);
    expect(stream.phase).toBe('reconnecting');
  });

  it('and swallows a question behind others is noticed, and the streams go on', async () => {
    const relay = new ScriptedRelay();
    const first = await relay.streaming();
    const second = relay.ask();
    await relay.pass(9000);
    expect(relay.sockets).toHaveLength(2);
    relay.greet();
    expect(relay.socket.sent.map(({ type }) => type)).toEqual(['resume', 'start']);
    relay.resume(first.id, 1);
    relay.accept(second.id);
    await relay.pass(9000);
    expect(relay.sockets).toHaveLength(2);
  });

  it('is given time to send a long question', async () => {
    const relay = new ScriptedRelay();
    const content = 'x'.repeat(200_000);
    relay.client.stream({ action: 'chat', messages: [{ role: 'user', content }] });
    await settled();
    relay.greet();
    await relay.pass(20_000);
    expect(relay.socket.closed).toBe(false);
  });
});

describe('a WebSocket that worked', () => {
  /** The next handshake fails, and the one behind it would work. */
  it.each([
    ['is reset', (relay: ScriptedRelay) => relay.socket.end(1006)],
    ['hangs', () => {}],
  ] as const)('is dialled again where one handshake %s', async (_how, fail) => {
    const relay = new ScriptedRelay();
    const stream = await relay.streaming();
    relay.socket.end(1006);
    await dialled(relay, 2);
    fail(relay);
    await dialled(relay, 3);
    relay.greet();
    relay.resume(stream.id, 1);
    expect(stream.phase).toBe('streaming');
    relay.ask();
    await settled();
    expect(relay.socket.sentOf('start')).toHaveLength(1);
  });

  it('is dialled again where its machine is shutting down and another answers HTTP', async () => {
    const relay = new ScriptedRelay();
    const stream = await relay.streaming();
    relay.socket.say({ type: 'going_away', reconnectAfterMs: 500, deadlineMs: 60_000, resume: 'here' });
    relay.socket.end(1012);
    await dialled(relay, 2);
    relay.socket.end(1006); // 503 shutting_down
    await dialled(relay, 3);
    relay.greet();
    expect(relay.socket.sent).toEqual([{ type: 'resume', id: stream.id, epoch: EPOCH, after: 1 }]);
  });

  it('is left for seconds, not minutes, where two fail', async () => {
    const relay = new ScriptedRelay();
    relay.routes['/v1/chat'] = BY_HTTP;
    const stream = await relay.streaming();
    relay.socket.say(doneFrame(stream.id, 1));
    relay.socket.end(1006);
    const other = relay.ask();
    await settled();
    await play(relay, 3000, () => {
      if (relay.sockets.length > 1) relay.socket.end(1006);
    });
    expect(await other.final).toMatchObject({ transport: 'sse' });
    const tried = relay.sockets.length;
    await relay.pass(15_000);
    relay.ask();
    await settled();
    expect(relay.sockets).toHaveLength(tried + 1);
  });

  it('is not left because the app had no token for it once', async () => {
    let fails = false;
    const relay = new ScriptedRelay({
      getToken: () => {
        if (fails) throw new Error('no network');
        return 'token';
      },
    });
    await relay.streaming();
    fails = true;
    relay.socket.end(1006);
    await relay.pass(3000);
    fails = false;
    await dialled(relay, 2);
    expect(relay.socket.closed).toBe(false);
  });
});

describe('events over HTTP', () => {
  it('that worked are asked for again where one request fails', async () => {
    let fails = false;
    const used: string[] = [];
    const relay = await startTestRelay();
    onTestFinished(() => relay.close());
    const { client } = connectTo(relay, {
      transports: ['sse'],
      fetch: async (url, init) => {
        if (fails && url.endsWith('/v1/chat')) {
          fails = false;
          throw new TypeError('reset');
        }
        if (url.endsWith('/v1/chat')) used.push(init.headers?.['accept'] ?? '');
        return await fetch(url, init);
      },
    });
    await client.stream(QUESTION).final;
    fails = true;
    expect((await client.stream(QUESTION).final).transport).toBe('sse');
    expect((await client.stream(QUESTION).final).transport).toBe('sse');
    expect(new Set(used)).toEqual(new Set(['text/event-stream']));
  });

  it('whose body is held back are left for one JSON answer', async () => {
    const relay = new ScriptedRelay({
      transports: ['sse'],
      fetch: async (url, { headers, signal }) => {
        if (!url.endsWith('/v1/chat')) return Response.json({ userId: 'someone' });
        if (headers?.['accept'] !== 'text/event-stream') return Response.json(BY_HTTP[1]);
        const held = new ReadableStream({
          start: (body) => signal?.addEventListener('abort', () => body.error(new Error('aborted'))),
        });
        return new Response(held, { headers: { 'content-type': 'text/event-stream' } });
      },
    });
    const stream = relay.ask();
    await relay.pass(10_000);
    expect(await stream.final).toMatchObject({ content: 'by HTTP', transport: 'json' });
  });
});

describe.each(['swallow', 'cut'] as const)('a proxy that does to frames of the client: %s', (how) => {
  it('gets the answer by events', async () => {
    const relay = await startTestRelay();
    onTestFinished(() => relay.close());
    const proxy = await startSwallowingProxy(relay.url, how);
    const { client, sockets } = connectTo({ url: proxy.url, token: relay.token }, { connectMs: 700 });
    const answer = await client.stream(QUESTION).final;
    expect(answer).toMatchObject({ outcome: 'done', transport: 'sse' });
    expect(relay.simulator.requests).toHaveLength(1);
    expect(sockets).toHaveLength(1);
  });
});
