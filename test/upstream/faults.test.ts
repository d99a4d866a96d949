import { afterEach, describe, expect, test } from 'vitest';
import type { AnthropicUpstreamOptions } from '../../src/upstream/anthropic.ts';
import type { Upstream } from '../../src/upstream/port.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  messageEnd,
  messageStart,
  PING,
  SSE_HEADERS,
  sse,
  streamedError,
  textDelta,
  wholeMessage,
} from './message-script.ts';
import { type Answer, type ModelServer, startModelServer, type Wire } from './model-server.ts';
import { openCall, REQUEST, upstreamTo } from './recorded-call.ts';

let server: ModelServer;
let upstream: Upstream;
afterEach(async () => {
  await upstream.close();
  await server.close();
});

async function serve(wire: Wire, answer: Answer, options: Partial<AnthropicUpstreamOptions> = {}) {
  server = await startModelServer(wire, answer);
  upstream = upstreamTo(server, { random: () => -0.6, ...options });
}

/** Writes a body and leaves the response open. */
const begin =
  (...parts: readonly string[]): Answer =>
  (response) => {
    response.writeHead(200, SSE_HEADERS);
    for (const part of parts) response.write(part);
  };

const wires: readonly Wire[] = ['http', 'https', 'h2'];

describe.each(wires)('over %s', (wire) => {
  test('a body that ends without message_stop is upstream_truncated, with its text and an estimate', async () => {
    await serve(wire, (response) => {
      response.writeHead(200, SSE_HEADERS);
      response.end(
        `${messageStart()}${textDelta('some words of an answer')}event: content_block_delta\ndata: {"type":`,
      );
    });
    const recorded = openCall(upstream);
    const ending = await recorded.call.ended;
    expect(ending).toMatchObject({
      kind: 'failed',
      error: { code: 'upstream_truncated', requestId: 'req_1' },
    });
    expect(recorded.text).toBe('some words of an answer');
    expect(recorded.call.usage()).toMatchObject({ inputTokens: 10, source: 'estimated' });
    expect(recorded.call.usage().outputTokens).toBeGreaterThan(1);
    expect(server.requests).toHaveLength(1);
  });

  test('a connection cut after some text is upstream_reset, and is not tried again', async () => {
    await serve(wire, begin(messageStart(), textDelta('some')));
    const recorded = openCall(upstream);
    await recorded.first;
    for (const socket of server.sockets) socket.destroy();
    expect(await recorded.call.ended).toMatchObject({ kind: 'failed', error: { code: 'upstream_reset' } });
    expect(recorded.text).toBe('some');
    expect(server.requests).toHaveLength(1);
    expect(upstream.openRequests).toBe(0);
  });

  test('a connection cut after message_stop is still done', async () => {
    await serve(wire, begin(wholeMessage('all'), sse({ type: 'later' })));
    const recorded = openCall(upstream, { events: 'all' });
    await expect.poll(() => recorded.events.at(-1)).toEqual({ type: 'later' });
    for (const socket of server.sockets) socket.destroy();
    expect(await recorded.call.ended).toMatchObject({ kind: 'done', stopReason: 'end_turn' });
    expect(recorded.call.usage()).toMatchObject({ outputTokens: 42, source: 'final' });
  });

  test('a body that stays open after message_stop is done a few seconds later, and closed', async () => {
    const clock = new ManualClock();
    await serve(wire, begin(wholeMessage('all')), { clock });
    const recorded = openCall(upstream);
    await recorded.first;
    await expect.poll(() => recorded.call.usage().outputTokens).toBe(42);
    clock.advance(5_500);
    expect(await recorded.call.ended).toMatchObject({ kind: 'done' });
    await server.idle();
  });

  test('silence before the headers is upstream_timeout', async () => {
    const clock = new ManualClock();
    await serve(wire, () => {}, { clock });
    const recorded = openCall(upstream);
    await expect.poll(() => server.requests.length).toBe(1);
    clock.advance(21_000);
    const ending = await recorded.call.ended;
    expect(ending).toMatchObject({
      kind: 'failed',
      error: { code: 'upstream_timeout', cause: { code: 'idle' } },
    });
    await server.idle();
    expect(server.requests).toHaveLength(1);
  });

  test('silence within the body is upstream_timeout, and the request is closed', async () => {
    const clock = new ManualClock();
    await serve(wire, begin(messageStart(), textDelta('some')), { clock });
    const recorded = openCall(upstream);
    await recorded.first;
    clock.advance(19_000);
    expect(upstream.openRequests).toBe(1);
    clock.advance(2_000);
    expect(await recorded.call.ended).toMatchObject({ kind: 'failed', error: { code: 'upstream_timeout' } });
    await server.idle();
  });
});

test('pings only, for ever, are upstream_timeout', async () => {
  const clock = new ManualClock();
  let send = () => {};
  await serve(
    'h2',
    (response) => {
      begin(messageStart(), textDelta('some'))(response, 0, {} as never);
      send = () => response.write(PING);
    },
    { clock },
  );
  const recorded = openCall(upstream);
  await recorded.first;
  let ended = false;
  void recorded.call.ended.then(() => {
    ended = true;
  });
  let seconds = 0;
  for (; seconds < 60 && !ended; seconds += 5) {
    send();
    // Loopback: the ping is here within a few turns of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 20));
    clock.advance(5_000);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(await recorded.call.ended).toMatchObject({
    error: { code: 'upstream_timeout', cause: { code: 'no_content' } },
  });
  expect(seconds).toBeGreaterThan(20);
});

test('an answer longer than the total limit is upstream_timeout, however lively', async () => {
  const clock = new ManualClock();
  await serve('h2', begin(messageStart(), textDelta('some')), {
    clock,
    timeouts: { connectMs: 5_000, idleMs: 500_000, totalMs: 60_000 },
  });
  const recorded = openCall(upstream);
  await recorded.first;
  clock.advance(60_500);
  expect(await recorded.call.ended).toMatchObject({
    error: { code: 'upstream_timeout', cause: { code: 'total' } },
  });
});

test('a process that was stopped for a while ends no live stream for silence', async () => {
  let stopped = 0;
  const clock = new ManualClock();
  const elapsed = clock.elapsed.bind(clock);
  clock.elapsed = () => elapsed() + stopped;
  let finish = () => {};
  await serve(
    'h2',
    (response) => {
      response.writeHead(200, SSE_HEADERS);
      response.write(messageStart() + textDelta('some'));
      finish = () => void response.end(messageEnd());
    },
    { clock },
  );
  const recorded = openCall(upstream);
  await recorded.first;
  clock.advance(1_000);
  stopped = 600_000;
  clock.advance(1_000);
  finish();
  expect(await recorded.call.ended).toMatchObject({ kind: 'done' });
});

test('a second message in the body that is cut is upstream_truncated, though the first was whole', async () => {
  await serve('h2', (response) => {
    response.writeHead(200, SSE_HEADERS);
    response.end(wholeMessage('one') + messageStart() + textDelta(' two'));
  });
  const recorded = openCall(upstream);
  expect(await recorded.call.ended).toMatchObject({ error: { code: 'upstream_truncated' } });
  expect(recorded.began).toBe(2);
  expect(recorded.call.usage()).toMatchObject({ inputTokens: 20, source: 'estimated' });
});

describe('an error inside the stream', () => {
  test.each([
    ['overloaded_error', 'upstream_overloaded'],
    ['rate_limit_error', 'upstream_rate_limited'],
    ['api_error', 'upstream_error'],
    ['something_new', 'upstream_error'],
  ])('%s after some text is %s', async (type, code) => {
    await serve('h2', begin(messageStart(), textDelta('some'), streamedError(type), textDelta('late')));
    const recorded = openCall(upstream);
    const ending = await recorded.call.ended;
    expect(ending).toMatchObject({
      kind: 'failed',
      error: { code, requestId: 'req_1', cause: { status: 200, type } },
    });
    expect(recorded.text).toBe('some');
    expect(JSON.stringify(ending)).not.toContain('secret');
    expect(server.requests).toHaveLength(1);
    await server.idle();
  });

  test('is seen without an event name, and without a type', async () => {
    await serve('h2', begin(messageStart(), 'data: {"error":{"type":"overloaded_error"}}\n\n'));
    expect(await openCall(upstream).call.ended).toMatchObject({ error: { code: 'upstream_overloaded' } });
  });
});

test.each([
  ['is not JSON', 'data: {"type":"content_block_delta",\n\n'],
  ['is longer than any event', `data: ${'x'.repeat(5_000_000)}`],
])('an event that %s is upstream_error', async (_, bytes) => {
  await serve('h2', begin(messageStart(), bytes));
  expect(await openCall(upstream).call.ended).toMatchObject({ error: { code: 'upstream_error' } });
  await server.idle();
});

test('a sink that throws fails its own call as internal, and nothing else', async () => {
  await serve('h2', begin(wholeMessage('x')));
  const sink = {
    text() {
      throw new Error('sink');
    },
    event() {},
    thinking() {},
    tool() {},
    began() {},
  };
  const call = upstream.open(REQUEST, sink, new AbortController().signal);
  expect(await call.ended).toMatchObject({ kind: 'failed', error: { code: 'internal' } });
  await server.idle();
});
