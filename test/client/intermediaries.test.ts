/** What proxies, portals and load balancers answer in the relay's place is a fault of the network, whatever it looks like. */
import { describe, expect, it } from 'vitest';
import { settled } from '../support/quiet.ts';
import { doneFrame, ScriptedRelay } from './scripted-relay.ts';

const REFUSED = { code: 'unknown_action', message: 'no such action', retryable: false };

/** Error bodies as others write them. */
const FOREIGN = {
  'a message (Kong)': [503, { message: 'name resolution failed' }],
  'a text (Envoy, Spring)': [503, { error: 'Service Unavailable', status: 503, path: '/v1/session' }],
  Google: [502, { error: { code: 502, message: 'Bad Gateway', status: 'UNAVAILABLE' } }],
  Vercel: [504, { error: { code: '504', message: 'FUNCTION_INVOCATION_TIMEOUT' } }],
  'a code that is ours, in another’s shape': [
    404,
    { error: { code: 'not_found', message: 'The page is gone' } },
  ],
  'our shape with a code that is not ours': [
    403,
    { error: { code: 'WAF', message: 'no', retryable: false } },
  ],
  'a code every object has': [403, { error: { code: 'constructor', message: 'no', retryable: false } }],
  'no object': [502, 'Bad Gateway'],
  null: [500, null],
  'a list': [500, [{ error: REFUSED }]],
  'unauthorized of a gateway': [401, { message: 'Unauthorized' }],
} as const;

type Foreign = readonly [status: number, body: unknown];

/** A relay behind something that answers in its place while it is `down`. */
function behind(transport: 'websocket' | 'sse' | 'json', answer: () => Response) {
  const requests: string[] = [];
  const state = { down: true };
  const relay = new ScriptedRelay({
    transports: [transport],
    reconnectMs: 600_000,
    fetch: async (url, { method = 'GET', headers }) => {
      const { pathname } = new URL(url);
      requests.push(`${method} ${pathname}`);
      if (state.down) return answer();
      if (pathname === '/v1/config') return Response.json({ transport: 'websocket', pollAfterMs: 300_000 });
      if (pathname === '/v1/session') return Response.json({ userId: 'someone' });
      if (headers?.['accept'] === 'text/event-stream') return events('late');
      return Response.json({ ...doneFrame('', 1), type: undefined, content: 'late' });
    },
  });
  return { relay, requests, state };
}

function events(content: string): Response {
  const frames = [
    { type: 'accepted', id: 'x', epoch: 'epoch-0001', model: 'm' },
    { type: 'chunk', id: 'x', seq: 1, content },
    doneFrame('x', 1),
  ];
  const text = frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join('');
  return new Response(text, { headers: { 'content-type': 'text/event-stream' } });
}

describe.each(Object.entries(FOREIGN) as [string, Foreign][])('%s', (_name, [status, body]) => {
  it.each(['sse', 'json'] as const)('is waited out, more and more patiently, over %s', async (transport) => {
    const { relay, requests, state } = behind(transport, () => Response.json(body, { status }));
    const stream = relay.ask();
    await relay.pass(10_000);
    expect(stream.phase).not.toBe('failed');
    expect(requests.length).toBeLessThan(50);
    expect(requests.filter((each) => each === 'POST /v1/chat').length).toBeGreaterThan(2);
    state.down = false;
    relay.signal('online');
    await relay.pass(1000);
    expect(await stream.final).toMatchObject({ outcome: 'done', content: 'late' });
  });

  it('is waited out by a socket that cannot be opened', async () => {
    const { relay, requests, state } = behind('websocket', () => Response.json(body, { status }));
    const stream = relay.ask();
    await settled();
    for (let second = 0; second < 10; second++) {
      if (!relay.socket.closed) relay.socket.end(1006);
      await relay.pass(1000);
    }
    expect(stream.phase).toBe('connecting');
    expect(requests.length).toBeLessThan(40);
    state.down = false;
    relay.signal('online');
    await settled();
    relay.greet();
    expect(relay.socket.sentOf('start')).toHaveLength(1);
  });
});

it.each([
  [
    'a portal’s page',
    () => new Response('<h1>Sign in to the Wi-Fi</h1>', { headers: { 'content-type': 'text/html' } }),
  ],
  ['JSON of somebody else', () => Response.json({ ok: true, timing: {} })],
  [
    'events of somebody else',
    () => new Response('data: {"hello":1}\n\n', { headers: { 'content-type': 'text/event-stream' } }),
  ],
  [
    'events that are no JSON',
    () => new Response('data: keep-alive\n\n', { headers: { 'content-type': 'text/event-stream' } }),
  ],
] as const)('takes %s with 200 for no answer', async (_name, answer) => {
  for (const transport of ['sse', 'json'] as const) {
    const { relay, requests, state } = behind(transport, answer);
    const stream = relay.ask();
    await relay.pass(10_000);
    expect(stream.phase).not.toBe('failed');
    expect(stream.content).toBe('');
    expect(requests.length).toBeLessThan(50);
    state.down = false;
    relay.signal('online');
    await relay.pass(1000);
    expect((await stream.final).content).toBe('late');
  }
});

it('does not take the token for refused where something else says 401', async () => {
  const { relay, state } = behind('json', () => Response.json({ message: 'Unauthorized' }, { status: 401 }));
  relay.ask();
  await relay.pass(10_000);
  expect(relay.tokensAsked).not.toContain(true);
  state.down = false;
});

it('does not believe that a stream was stopped because something answered', async () => {
  let deleted = 0;
  const relay = new ScriptedRelay({
    transports: ['json'],
    fetch: async (url, { method, signal }) => {
      if (method === 'DELETE') {
        deleted += 1;
        if (deleted < 3) return deleted === 1 ? new Response('<h1>ok</h1>') : Response.json({ ok: true });
        return Response.json({ ...doneFrame('x', 1), type: 'cancelled' });
      }
      if (url.endsWith('/v1/chat')) return await untilAborted(signal);
      throw new TypeError('no network');
    },
  });
  const stream = relay.ask();
  await settled();
  void stream.cancel();
  await relay.pass(5000);
  expect(deleted).toBe(3);
  expect(await stream.final).toMatchObject({ outcome: 'cancelled', usage: { source: 'final' } });
});

describe('what the relay itself refuses', () => {
  it.each(['sse', 'json'] as const)('ends the stream at once over %s', async (transport) => {
    const { relay } = behind(transport, () => Response.json({ error: REFUSED }, { status: 400 }));
    await expect(relay.ask().final).rejects.toMatchObject(REFUSED);
  });

  it.each([
    ['absent', undefined, undefined],
    ['seconds', '7', 7000],
    ['a date', 'Sun, 22 Nov 2026 12:01:00 GMT', 60_000],
    ['a date long past', 'Sun, 22 Nov 2020 12:01:00 GMT', 0],
    ['nonsense', 'soon', undefined],
    ['longer than a timer can wait', '9999999999', 2 ** 31 - 1],
  ])('has a Retry-After that an app can use: %s', async (_name, header, retryAfterMs) => {
    const error = { code: 'rate_limited', message: 'slow down', retryable: true };
    const headers = header === undefined ? {} : { 'retry-after': header };
    const { relay } = behind('json', () => Response.json({ error }, { status: 429, headers }));
    await expect(relay.ask().final).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs });
  });
});

describe('times that others name', () => {
  it.each([
    ['a date', 'Sun, 22 Nov 2026 12:00:20 GMT'],
    ['absent', undefined],
    ['zero', '0'],
    ['nonsense', 'NaN'],
    ['a date of the past', 'Sun, 22 Nov 1998 12:00:20 GMT'],
  ])('never make a storm of handshakes: Retry-After %s', async (_name, header) => {
    const error = { code: 'unavailable', message: 'full', retryable: true };
    const headers = header === undefined ? {} : { 'retry-after': header };
    const { relay, requests } = behind('websocket', () => Response.json({ error }, { status: 503, headers }));
    relay.ask();
    for (let step = 0; step < 60; step++) {
      if (relay.sockets.at(-1)?.closed === false) relay.socket.end(1006);
      await relay.pass(250);
    }
    expect(requests.length).toBeLessThan(40);
    expect(relay.sockets.length).toBeLessThan(20);
    expect(relay.sockets.length).toBeGreaterThan(0);
  });

  it.each([Number.NaN, -1, 1e15, '5', null, undefined])(
    'hold for the configuration: pollAfterMs %s',
    async (poll) => {
      const relay = new ScriptedRelay();
      relay.routes['/v1/config'] = [200, { transport: 'sse', pollAfterMs: poll }];
      relay.ask();
      await settled();
      relay.routes['/v1/config'] = [200, { transport: 'websocket', pollAfterMs: poll }];
      await relay.pass(3_600_000, 300_000);
      relay.ask();
      await settled();
      expect(relay.sockets).toHaveLength(1);
    },
  );

  it.each([Number.NaN, -1, '5', undefined])(
    'hold for going_away: reconnectAfterMs %s',
    async (reconnectAfterMs) => {
      const relay = new ScriptedRelay();
      await relay.streaming();
      for (let step = 0; step < 40; step++) {
        const frame = { type: 'going_away', reconnectAfterMs, deadlineMs: 1, resume: 'elsewhere' };
        relay.socket.onmessage?.({ data: JSON.stringify(frame) });
        await relay.pass(250);
        if (!relay.socket.closed && relay.socket.sent.length === 0) relay.greet();
      }
      expect(relay.sockets.length).toBeLessThan(20);
    },
  );
});

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))));
}
