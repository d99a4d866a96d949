/** Another model in the place of one that is overloaded: when it is asked, by what request, and what is said of it. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { AttemptFailed } from '../../src/upstream/call.ts';
import type { Upstream } from '../../src/upstream/port.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { messageStart, SSE_HEADERS, sse, streamedError, textDelta, wholeMessage } from './message-script.ts';
import { type Answer, type ModelServer, startModelServer } from './model-server.ts';
import { openCall, REQUEST, upstreamTo } from './recorded-call.ts';

const FALLBACK = {
  ...REQUEST,
  model: 'model-in-reserve',
  maxTokens: 64,
  cache: { system: '1h', messages: [] },
  thinking: { thinking: { type: 'disabled' }, output_config: { effort: 'low' } },
} as const;
/** The wait before a second try is over at once. */
const UNPAUSED = { random: () => -0.6 };

let server: ModelServer;
let upstream: Upstream;
let failures: AttemptFailed[];
afterEach(async () => {
  await upstream.close();
  await server.close();
});

/** Answers by the model that is asked. */
async function serve(
  answers: { readonly first: Answer; readonly fallback?: Answer },
  options: Parameters<typeof upstreamTo>[1] = UNPAUSED,
) {
  const { first, fallback = good } = answers;
  server = await startModelServer('h2', (response, call, request) => {
    const answer = modelOf(server.requests[call]?.body) === FALLBACK.model ? fallback : first;
    answer(response, call, request);
  });
  failures = [];
  upstream = upstreamTo(server, { onAttemptFailed: (failure) => failures.push(failure), ...options });
}

const modelOf = (body = '{}') => (JSON.parse(body) as { readonly model?: string }).model;
const asked = () => server.requests.map(({ body }) => modelOf(body));
const ask = () => openCall(upstream, { fallback: FALLBACK });

const stream =
  (body: string): Answer =>
  (response) => {
    response.writeHead(200, SSE_HEADERS);
    response.end(body);
  };
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response, call) => {
    response.writeHead(code, { 'request-id': `req_${call}`, ...headers });
    response.end('{}');
  };
const good = stream(wholeMessage('from the reserve'));
const silent: Answer = () => {};

describe('a model that is overloaded before its first word', () => {
  test.each<[string, Answer]>([
    ['529', status(529)],
    ['503', status(503)],
    ['an error as first event', stream(streamedError('overloaded_error'))],
  ])('by %s is tried twice, then its fallback answers', async (_, overloaded) => {
    await serve({ first: overloaded });
    const recorded = ask();
    expect(await recorded.call.ended).toMatchObject({ kind: 'done', model: 'model-named' });
    expect(asked()).toEqual(['model-under-test', 'model-under-test', FALLBACK.model]);
    expect(recorded.text).toBe('from the reserve');
    expect(recorded.began).toBe(1);
    expect(recorded.call.usage()).toMatchObject({ inputTokens: 10, outputTokens: 42, source: 'final' });
    expect(failures).toMatchObject([
      { model: 'model-under-test', attempt: 1, willRetry: true, fallback: null },
      { model: 'model-under-test', attempt: 2, willRetry: false, fallback: FALLBACK.model },
    ]);
  });

  test('asks for longer than a try waits: the fallback is asked at once', async () => {
    await serve({ first: status(529, { 'retry-after': '30' }) });
    expect(await ask().call.ended).toMatchObject({ kind: 'done' });
    expect(asked()).toEqual(['model-under-test', FALLBACK.model]);
  });

  test('the fallback is asked in its own words, with the same prompt', async () => {
    await serve({ first: status(529) });
    await ask().call.ended;
    const [first, , last] = server.requests.map(({ body }) => JSON.parse(body));
    expect(first).toMatchObject({ model: 'model-under-test', max_tokens: 256 });
    expect(first).not.toHaveProperty('thinking');
    expect(last).toEqual({
      ...first,
      model: FALLBACK.model,
      max_tokens: 64,
      thinking: { type: 'disabled' },
      output_config: { effort: 'low' },
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral', ttl: '1h' } }],
    });
  });

  test('a fallback that names itself in no message is named all the same', async () => {
    const unnamed = sse({ type: 'message_start', message: { usage: { input_tokens: 3, output_tokens: 1 } } });
    await serve({ first: status(529), fallback: stream(unnamed + textDelta('x') + ENDED) });
    const { call } = ask();
    expect(await call.ended).toMatchObject({ kind: 'done', model: FALLBACK.model });
    expect(call.usage()).toMatchObject({ model: FALLBACK.model, inputTokens: 3 });
  });

  test('without a fallback fails as before', async () => {
    await serve({ first: status(529) });
    expect(await openCall(upstream).call.ended).toMatchObject({ error: { code: 'upstream_overloaded' } });
    expect(asked()).toEqual(['model-under-test', 'model-under-test']);
  });
});

const ENDED =
  sse({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5 } }) +
  sse({ type: 'message_stop' });

describe('no fallback is asked', () => {
  test.each<[string, Answer]>([
    ['500', status(500)],
    ['400', status(400)],
    ['401', status(401)],
    ['404', status(404)],
    ['429', status(429)],
    ['an account that is billed by nobody, as 503', accountAway()],
    ['a broken stream', stream('event: x\ndata: {\n\n')],
  ])('for %s', async (_, failure) => {
    await serve({ first: failure });
    expect(await ask().call.ended).toMatchObject({ kind: 'failed' });
    expect(asked()).not.toContain(FALLBACK.model);
  });

  test.each([
    ['the model has begun', messageStart()],
    ['the first token', messageStart() + textDelta('half')],
  ])('once %s is there', async (_, begun) => {
    await serve({ first: stream(begun + streamedError('overloaded_error')) });
    const { call } = ask();
    expect(await call.ended).toMatchObject({ kind: 'failed', error: { code: 'upstream_overloaded' } });
    expect(asked()).toEqual(['model-under-test']);
    expect(call.usage()).toMatchObject({ inputTokens: 10 });
  });
});

function accountAway(): Answer {
  return (response) => {
    response.writeHead(503, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ type: 'error', error: { type: 'billing_error', message: 'x' } }));
  };
}

describe('a fallback that fails too', () => {
  test('before it begins, the ending tells of the first model, and nothing more is tried', async () => {
    await serve({ first: status(529), fallback: status(500) });
    expect(await ask().call.ended).toMatchObject({
      error: { code: 'upstream_overloaded', requestId: 'req_1', retryable: true },
    });
    expect(asked()).toEqual(['model-under-test', 'model-under-test', FALLBACK.model]);
    expect(failures.at(-1)).toMatchObject({
      model: FALLBACK.model,
      attempt: 3,
      error: 'upstream_error',
      willRetry: false,
      fallback: null,
    });
  });

  test('is not asked again where it is overloaded itself', async () => {
    await serve({ first: status(529, { 'retry-after': '30' }), fallback: status(529) });
    expect(await ask().call.ended).toMatchObject({ error: { requestId: 'req_0' } });
    expect(asked()).toEqual(['model-under-test', FALLBACK.model]);
  });

  test('after its words, the ending tells of it, and of what it used', async () => {
    const cut = messageStart() + textDelta('half');
    await serve({ first: status(529), fallback: stream(cut) });
    const { call } = ask();
    expect(await call.ended).toMatchObject({ error: { code: 'upstream_truncated' } });
    expect(call.usage()).toMatchObject({ inputTokens: 10, source: 'estimated' });
  });
});

describe('a cancel', () => {
  test('between the tries of the first model leaves the fallback unasked', async () => {
    const clock = new ManualClock();
    const failed = Promise.withResolvers<void>();
    await serve({ first: status(529) }, { clock, onAttemptFailed: () => failed.resolve() });
    const { call, controller } = ask();
    await failed.promise;
    controller.abort();
    expect(await call.ended).toEqual({ kind: 'aborted', requestId: null });
    clock.advance(10_000);
    expect(asked()).toEqual(['model-under-test']);
  });

  test('while the fallback is asked closes its request', async () => {
    await serve({ first: status(529), fallback: silent });
    const { call, controller } = ask();
    await expect.poll(asked).toContain(FALLBACK.model);
    controller.abort();
    expect(await call.ended).toMatchObject({ kind: 'aborted' });
    await server.idle();
    expect(upstream.openRequests).toBe(0);
  });
});

describe('limits of time', () => {
  test('the whole of a call is one limit, over the fallback too', async () => {
    const clock = new ManualClock();
    await serve({ first: status(529, { 'retry-after': '30' }), fallback: silent }, { clock });
    const { call } = ask();
    await expect.poll(asked).toContain(FALLBACK.model);
    for (let second = 0; second < 60; second += 10) clock.advance(10_000);
    expect(await call.ended).toMatchObject({ error: { code: 'upstream_overloaded' } });
    await server.idle();
  });

  test('a fallback that is silent is given up as every model is', async () => {
    const clock = new ManualClock();
    await serve({ first: status(529, { 'retry-after': '30' }), fallback: silent }, { clock });
    const { call } = ask();
    await expect.poll(asked).toContain(FALLBACK.model);
    clock.advance(21_000);
    expect(await call.ended).toMatchObject({ error: { code: 'upstream_overloaded' } });
    expect(failures.at(-1)).toMatchObject({ model: FALLBACK.model, error: 'upstream_timeout', code: 'idle' });
  });

  test('a connection that is not there in time is tried anew for the fallback', async () => {
    const clock = new ManualClock();
    await serve({ first: good }, { clock });
    await upstream.close();
    const stalled = await firstConnectionStalls(Number(new URL(server.baseURL).port));
    upstream = upstreamTo(
      { baseURL: `https://127.0.0.1:${stalled.port}` },
      { clock, onAttemptFailed: (failure) => failures.push(failure) },
    );
    const recorded = ask();
    await expect.poll(() => stalled.connections).toBe(1);
    clock.advance(5_000);
    expect(await recorded.call.ended).toMatchObject({ kind: 'done' });
    expect(asked()).toEqual([FALLBACK.model]);
    expect(failures).toMatchObject([{ error: 'upstream_timeout', fallback: FALLBACK.model }]);
    await upstream.close();
    await stalled.close();
  });
});

/** Stands in front of a server: takes the first connection and says nothing, and passes the others on. */
async function firstConnectionStalls(target: number) {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket.on('error', () => {}));
    return socket;
  };
  const front = createServer((socket) => {
    keep(socket);
    if (sockets.size > 1) socket.pipe(keep(connect(target, '127.0.0.1'))).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  return {
    port: (front.address() as AddressInfo).port,
    get connections() {
      return sockets.size;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      front.close();
      await once(front, 'close');
    },
  };
}
