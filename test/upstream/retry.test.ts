import { afterEach, describe, expect, test } from 'vitest';
import type { AttemptFailed } from '../../src/upstream/call.ts';
import type { Upstream } from '../../src/upstream/port.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { SSE_HEADERS, sse, streamedError, wholeMessage } from './message-script.ts';
import { type Answer, type ModelResponse, type ModelServer, startModelServer } from './model-server.ts';
import { openCall, upstreamTo } from './recorded-call.ts';

let server: ModelServer;
let upstream: Upstream;
afterEach(async () => {
  await upstream.close();
  await server.close();
});

const good = (response: ModelResponse) => {
  response.writeHead(200, SSE_HEADERS);
  response.end(wholeMessage('second'));
};

/** A server whose first answer is `bad` and whose second is good; resolves once the first try has failed. */
async function failFirst(bad: Answer) {
  server = await startModelServer('h2', (response, call, request) =>
    call === 0 ? bad(response, call, request) : good(response),
  );
  const clock = new ManualClock();
  const failed = Promise.withResolvers<AttemptFailed>();
  upstream = upstreamTo(server, { clock, random: () => 0.5, onAttemptFailed: failed.resolve });
  const recorded = openCall(upstream);
  return { clock, recorded, failed: await failed.promise };
}

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(code, headers);
    response.end('{}');
  };

describe('before the model has begun', () => {
  test.each<[string, Answer]>([
    ['429', status(429)],
    ['500', status(500)],
    ['529', status(529)],
    [
      'an error as first event',
      (response) => {
        response.writeHead(200, SSE_HEADERS);
        response.end(streamedError('overloaded_error'));
      },
    ],
    ['a lost connection', () => server.sockets.forEach((socket) => void socket.destroy())],
    [
      'an empty body',
      (response) => {
        response.writeHead(200, SSE_HEADERS);
        response.end();
      },
    ],
  ])('%s is tried once more, after about half a second', async (_, bad) => {
    const { clock, recorded, failed } = await failFirst(bad);
    expect(failed).toMatchObject({ epoch: 'epoch-000', attempt: 1, willRetry: true });
    clock.advance(549);
    expect(server.requests).toHaveLength(1);
    clock.advance(1);
    expect(await recorded.call.ended).toMatchObject({ kind: 'done' });
    expect(recorded.text).toBe('second');
    expect(server.requests).toHaveLength(2);
    expect(recorded.call.usage()).toMatchObject({ inputTokens: 10, outputTokens: 42, source: 'final' });
  });

  test('the wait the API asks for is honoured up to 5 s', async () => {
    const { clock, recorded } = await failFirst(status(429, { 'retry-after': '5' }));
    clock.advance(4_999);
    expect(server.requests).toHaveLength(1);
    clock.advance(1);
    expect(await recorded.call.ended).toMatchObject({ kind: 'done' });
  });

  test('an abort ends the wait at once, and no second request is made', async () => {
    const { clock, recorded } = await failFirst(status(429, { 'retry-after': '5' }));
    recorded.controller.abort();
    expect(await recorded.call.ended).toEqual({ kind: 'aborted', requestId: null });
    expect(recorded.call.usage()).toMatchObject({ source: 'none', inputTokens: 0 });
    clock.advance(10_000);
    expect(server.requests).toHaveLength(1);
    expect(upstream.openRequests).toBe(0);
  });
});

test('a slow failure leaves the second try its time to connect', async () => {
  server = await startModelServer('http', (response, call) => {
    if (call === 0) first.resolve(response);
    else good(response);
  });
  const first = Promise.withResolvers<ModelResponse>();
  const clock = new ManualClock();
  const failed = Promise.withResolvers<void>();
  upstream = upstreamTo(server, { clock, random: () => 0, onAttemptFailed: () => failed.resolve() });
  const recorded = openCall(upstream);
  const response = await first.promise;
  clock.advance(15_000);
  response.writeHead(500);
  response.end();
  await failed.promise;
  clock.advance(1_000);
  expect(await recorded.call.ended).toMatchObject({ kind: 'done' });
});

describe('an error as first event of a stream', () => {
  const streamed = (type: string, error_code?: string) =>
    sse({ type: 'error', error: { type, message: 'a secret word', details: { error_code } } });

  test.each([
    ['invalid_request_error', undefined, 'upstream_refused', false],
    ['request_too_large', undefined, 'upstream_refused', false],
    ['authentication_error', undefined, 'upstream_account', false],
    ['permission_error', undefined, 'upstream_account', false],
    ['billing_error', undefined, 'upstream_account', false],
    ['not_found_error', undefined, 'upstream_account', false],
    ['rate_limit_error', 'enforced_spend_limit_reached', 'upstream_account', false],
    ['a_new_error', undefined, 'upstream_error', true],
  ])('of %s (%s) is %s, and not asked twice', async (type, errorCode, code, retryable) => {
    server = await startModelServer('h2', (response) => {
      response.writeHead(200, SSE_HEADERS);
      response.end(streamed(type, errorCode));
    });
    upstream = upstreamTo(server, { random: () => -0.6 });
    const ending = await openCall(upstream).call.ended;
    expect(ending).toMatchObject({ kind: 'failed', error: { code, retryable } });
    expect(ending).toMatchObject({ error: { cause: { status: 200, type, errorCode: errorCode ?? null } } });
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    ['overloaded_error', 'upstream_overloaded'],
    ['api_error', 'upstream_error'],
    ['timeout_error', 'upstream_error'],
    ['rate_limit_error', 'upstream_rate_limited'],
  ])('of %s is asked once more, and then %s', async (type, code) => {
    server = await startModelServer('h2', (response) => {
      response.writeHead(200, SSE_HEADERS);
      response.end(streamed(type));
    });
    upstream = upstreamTo(server, { random: () => -0.6 });
    expect(await openCall(upstream).call.ended).toMatchObject({ error: { code, retryable: true } });
    expect(server.requests).toHaveLength(2);
  });
});

test('a second failure ends the call with that failure', async () => {
  server = await startModelServer('h2', (response, call) => {
    response.writeHead(call === 0 ? 500 : 529, { 'request-id': `req_${call}` });
    response.end();
  });
  upstream = upstreamTo(server, { random: () => -0.6 });
  expect(await openCall(upstream).call.ended).toMatchObject({
    error: { code: 'upstream_overloaded', requestId: 'req_1' },
  });
  expect(server.requests).toHaveLength(2);
});
