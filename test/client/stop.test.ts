/** Stop answers in time, whatever the network does, and the model is told. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { startTestRelay } from '../../src/testing/index.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { settled } from '../support/quiet.ts';
import { doneFrame, EPOCH, ScriptedRelay } from './scripted-relay.ts';
import { connectTo, QUESTION, until } from './test-client.ts';

/** A relay over HTTP by hand: `chat`, `read` and `stop` answer POST, GET and DELETE of streams. */
function byHand(
  transport: 'sse' | 'json',
  answers: Partial<Record<'chat' | 'read' | 'stop', () => Promise<Response>>>,
) {
  const requests: string[] = [];
  const open = new Set<string>();
  const relay = new ScriptedRelay({
    transports: [transport],
    fetch: async (url, { method = 'GET', signal }) => {
      const { pathname } = new URL(url);
      if (pathname === '/v1/config' || pathname === '/v1/session')
        return Response.json({ userId: 'someone' });
      const name = method === 'POST' ? 'chat' : method === 'DELETE' ? 'stop' : 'read';
      requests.push(`${name}, open: ${[...open]}`);
      open.add(name);
      try {
        return await Promise.race([answers[name]?.() ?? new Promise<never>(() => {}), aborted(signal)]);
      } finally {
        open.delete(name);
      }
    },
  });
  return { relay, requests };
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))));
}

const cancelled = (seq: number, textLength: number) => ({
  ...doneFrame('x', seq),
  type: 'cancelled',
  textLength,
});
const events = (...frames: readonly object[]) =>
  new Response(frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join(''), {
    headers: { 'content-type': 'text/event-stream' },
  });
const resumed = { type: 'resumed', id: 'x', epoch: EPOCH, after: 0, head: 1, model: 'm', state: 'ended' };

describe.each(['sse', 'json'] as const)('Stop over %s', (transport) => {
  it('frees its own connection, tells the relay, and then reads what it missed', async () => {
    const { relay, requests } = byHand(transport, {
      stop: async () => Response.json(cancelled(1, 5)),
      read: async () =>
        events(resumed, { type: 'chunk', id: 'x', seq: 1, content: 'Hello' }, cancelled(1, 5)),
    });
    const stream = relay.ask();
    await relay.pass(1000);
    expect(stream.phase).toBe(transport === 'json' ? 'thinking' : 'connecting');
    const receipt = stream.cancel();
    await settled();
    expect(await receipt).toMatchObject({
      outcome: 'cancelled',
      content: 'Hello',
      usage: { source: 'final' },
    });
    expect(requests).toEqual(['chat, open: ', 'stop, open: ', 'read, open: ']);
    expect(relay.clock.pending).toBe(1); // until it is idle
  });

  it('takes the ending from the relay’s word where no more can be read', async () => {
    const { relay } = byHand(transport, {
      stop: async () => Response.json(cancelled(1, 5)),
      read: async () => Promise.reject(new TypeError('no network')),
    });
    const stream = relay.ask();
    await relay.pass(1000);
    void stream.cancel();
    await settled();
    expect(await stream.final).toMatchObject({
      outcome: 'cancelled',
      content: '',
      usage: { source: 'final' },
    });
  });

  it('calls what it holds only a part of cancelled, also where the model was faster', async () => {
    const { relay } = byHand(transport, {
      stop: async () => Response.json({ ...cancelled(1, 5), type: 'done' }),
      read: async () => Response.json({ message: 'Bad Gateway' }, { status: 502 }),
    });
    const stream = relay.ask();
    await relay.pass(1000);
    expect(await stream.cancel()).toMatchObject({ outcome: 'cancelled', content: '' });
  });

  it('answers within ten seconds though nobody answers it, and goes on telling', async () => {
    const { relay, requests } = byHand(transport, {});
    const stream = relay.ask();
    await relay.pass(1000);
    let outcome: string | undefined;
    void stream.cancel().then((answer) => {
      outcome = answer.outcome;
    });
    await relay.pass(10_500);
    expect(outcome).toBe('cancelled');
    const told = requests.length;
    await relay.pass(12_000);
    expect(requests.length).toBeGreaterThan(told);
    await relay.pass(200_000);
    const finally_ = requests.length;
    await relay.pass(200_000);
    expect(requests).toHaveLength(finally_);
  });

  it('asks twice for a run that nobody knows, since its start may be on its way, and never starts it', async () => {
    const unknown = { error: { code: 'unknown_stream', message: 'no such stream', retryable: false } };
    const { relay, requests } = byHand(transport, {
      stop: async () => Response.json(unknown, { status: 404 }),
    });
    const stream = relay.ask();
    await relay.pass(1000);
    void stream.cancel();
    await relay.pass(2000);
    expect(await stream.final).toMatchObject({ outcome: 'cancelled', usage: { source: 'none' } });
    expect(requests.map((each) => each.split(',')[0])).toEqual(['chat', 'stop', 'stop']);
  });

  it('is refused where the relay refuses it', async () => {
    const error = { code: 'forbidden', message: 'no', retryable: false };
    const { relay } = byHand(transport, { stop: async () => Response.json({ error }, { status: 403 }) });
    const stream = relay.ask();
    await relay.pass(1000);
    void stream.cancel();
    await relay.pass(2000);
    await expect(stream.final).rejects.toMatchObject(error);
  });
});

describe('Stop over a WebSocket', () => {
  it('goes by HTTP while the socket is away', async () => {
    const relay = await startTestRelay();
    onTestFinished(() => relay.close());
    relay.simulator.script('stall');
    let refusing = false;
    await using proxy = await startFaultProxy(relay.url);
    const { client, requests } = connectTo(
      { url: proxy.url, token: relay.token },
      {
        webSocket: (url, protocol, token) => {
          if (refusing) throw new Error('no sockets');
          return new WebSocket(url, [protocol, `bearer.${token}`]) as never;
        },
      },
    );
    const stream = client.stream(QUESTION);
    await until(() => stream.content !== '');
    refusing = true;
    for (const link of proxy.links) link.reset();
    await until(() => stream.phase === 'reconnecting');
    const receipt = await stream.cancel();
    expect(receipt).toMatchObject({ outcome: 'cancelled' });
    expect(Buffer.byteLength(receipt.content)).toBe(receipt.timing.bytes);
    expect(requests.some((each) => each.startsWith('DELETE '))).toBe(true);
    await until(() => relay.simulator.stats.open === 0);
  });

  it('answers within ten seconds on a socket that carries nothing any more', async () => {
    const relay = new ScriptedRelay();
    const stream = await relay.streaming();
    void stream.cancel();
    await relay.pass(10_500);
    expect(await stream.final).toMatchObject({
      outcome: 'cancelled',
      content: 'Hello',
      usage: { source: 'none' },
    });
  });
});

it.each(['websocket', 'sse', 'json'] as const)('a deadline stops the model over %s', async (transport) => {
  const relay = await startTestRelay();
  onTestFinished(() => relay.close());
  relay.simulator.script('silent');
  const { client } = connectTo(relay, { transports: [transport] });
  const stream = client.stream(QUESTION, { deadlineMs: 400 });
  await until(() => relay.simulator.stats.open === 1);
  await expect(stream.final).rejects.toMatchObject({ code: 'deadline_exceeded' });
  await until(() => relay.simulator.stats.open === 0);
});

describe('`unreachable` over JSON alone', () => {
  it.each([
    ['fails at once', async () => Promise.reject(new TypeError('refused'))],
    ['hangs', () => new Promise<never>(() => {})],
    ['is answered by something else', async () => Response.json({ message: 'no route' }, { status: 502 })],
  ] as const)('comes within the time for a first contact where every request %s', async (_how, answer) => {
    const relay = new ScriptedRelay({
      transports: ['json'],
      fetch: (_url, { signal }) => Promise.race([answer(), aborted(signal)]),
    });
    const stream = relay.ask();
    await relay.pass(30_000);
    expect(stream.phase).toBe('failed');
    await expect(stream.final).rejects.toMatchObject({ code: 'unreachable', retryable: true });
  });

  it.each(['fails', 'hangs'])(
    'comes `reconnectMs` after the contact was lost where every request %s',
    async (how) => {
      let down = false;
      const relay = new ScriptedRelay({
        transports: ['json'],
        fetch: async (url, { signal }) => {
          if (down && how === 'fails') throw new TypeError('refused');
          if (down || url.endsWith('/v1/chat')) return await aborted(signal);
          return Response.json({ userId: 'someone', state: 'live' });
        },
      });
      const stream = relay.ask();
      await relay.pass(60_000);
      expect(stream.phase).toBe('thinking');
      down = true;
      relay.signal('wake');
      await relay.pass(80_000);
      expect(stream.phase).not.toBe('failed');
      await relay.pass(55_000);
      await expect(stream.final).rejects.toMatchObject({ code: 'unreachable' });
    },
  );
});
