/** A prompt counted by the API beside a call: what is sent and when, what is made of the answer, and when none is asked for. */
import { afterEach, describe, expect, test } from 'vitest';
import type { AnthropicUpstream } from '../../src/upstream/anthropic.ts';
import type { TokenCount } from '../../src/upstream/port.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventually } from '../support/test-run.ts';
import { SSE_HEADERS, wholeMessage } from './message-script.ts';
import { type Answer, type ModelServer, startModelServer, type Wire } from './model-server.ts';
import { openCall, REQUEST, upstreamTo } from './recorded-call.ts';

let server: ModelServer;
let upstream: AnthropicUpstream;
let clock: ManualClock;
let paths: string[];

afterEach(async () => {
  await upstream.close();
  await server.close();
});

async function serve(count: Answer, wire: Wire = 'http'): Promise<void> {
  paths = [];
  clock = new ManualClock();
  server = await startModelServer(wire, (response, call, request) => {
    paths.push(request.url ?? '');
    if (request.url === '/v1/messages') {
      response.writeHead(200, SSE_HEADERS);
      response.end(wholeMessage('Hi'));
    } else count(response, call, request);
  });
  upstream = upstreamTo(server, { clock });
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_1', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
const counted = json(200, { input_tokens: 4321 });
const refused = (status: number, type: string, headers: Record<string, string> = {}) =>
  json(status, { type: 'error', error: { type, message: 'Molo, the words of a user' } }, headers);
const silent: Answer = () => {};

const count = (signal = new AbortController().signal) => upstream.countTokens(REQUEST, signal);
const PAUSED: TokenCount = { kind: 'skipped', reason: 'paused' };

describe.each<Wire>(['http', 'h2'])('over %s', (wire) => {
  test('the prompt is sent as in the call, and nothing else', async () => {
    await serve(counted, wire);
    const schema = { type: 'object', properties: {}, additionalProperties: false };
    const request = {
      ...REQUEST,
      model: 'claude-sonnet-5-5',
      thinking: { thinking: { type: 'between_tools' }, output_config: { effort: 'low' } },
      outputFormat: { type: 'json_schema', schema },
      cache: { system: '5m', messages: [{ message: 0, block: 0, ttl: '1h' }] },
    } as const;
    const { call } = openCall(upstream, request);
    await call.flushed;
    const answer = await upstream.countTokens(request, new AbortController().signal);
    expect(answer).toEqual({ kind: 'counted', tokens: 4321 });
    await call.ended;
    expect(paths).toEqual(['/v1/messages', '/v1/messages/count_tokens']);
    const [asked, prompt] = server.requests.map(({ body }) => JSON.parse(body) as object);
    expect(prompt).toEqual({
      model: 'claude-sonnet-5-5',
      thinking: { type: 'between_tools' },
      output_config: { effort: 'low', format: { type: 'json_schema', schema } },
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      messages: [
        {
          role: 'user',
          content: [{ type: 'text', text: 'Hello', cache_control: { type: 'ephemeral', ttl: '1h' } }],
        },
      ],
    });
    expect(asked).toEqual({ ...prompt, max_tokens: 256, stream: true, metadata: { user_id: 'user-hash' } });
    expect(server.requests[1]?.headers).toMatchObject({ authorization: 'Bearer test-key' });
  });

  test('an abort closes the request at once, and no pause follows', async () => {
    await serve(silent, wire);
    const controller = new AbortController();
    const answer = count(controller.signal);
    await eventually('it is asked', () => server.requests.length === 1);
    controller.abort();
    expect(await answer).toEqual({ kind: 'aborted' });
    await server.idle();
    const next = count();
    await eventually('the next is asked', () => server.requests.length === 2);
    clock.advance(5_000);
    await next;
  });
});

test('an abort before it is on its way asks nothing', async () => {
  await serve(counted);
  const controller = new AbortController();
  const answer = count(controller.signal);
  controller.abort();
  expect(await answer).toEqual({ kind: 'aborted' });
  expect(await count()).toMatchObject({ kind: 'counted' });
  expect(server.requests).toHaveLength(1);
});

test('an answer that does not come is given up after five seconds', async () => {
  await serve(silent);
  const answer = count();
  await eventually('it is asked', () => server.requests.length === 1);
  clock.advance(5_000);
  expect(await answer).toEqual({
    kind: 'failed',
    reason: 'unanswered',
    cause: { status: null, type: null, errorCode: null, upstreamRequestId: null },
  });
  await server.idle();
});

test('sixteen are asked at once, not more', async () => {
  const held: Parameters<Answer>[0][] = [];
  await serve((response) => void held.push(response));
  const answers = Array.from({ length: 16 }, () => count());
  expect(await count()).toEqual({ kind: 'skipped', reason: 'busy' });
  await eventually('all are asked', () => held.length === 16);
  expect(await count()).toEqual({ kind: 'skipped', reason: 'busy' });
  for (const response of held) counted(response, 0, undefined as never);
  expect((await Promise.all(answers)).every(({ kind }) => kind === 'counted')).toBe(true);
  const next = count();
  await eventually('the next is asked', () => held.length === 17);
  counted(held[16] as Parameters<Answer>[0], 0, undefined as never);
  expect(await next).toMatchObject({ kind: 'counted' });
});

describe('an answer that is no count', () => {
  test.each<[string, Answer]>([
    ['of another shape', json(200, { tokens: 5 })],
    ['of no number', json(200, { input_tokens: '5' })],
    ['of less than nothing', json(200, { input_tokens: -1 })],
    ['of a page', json(200, '<html>')],
  ])('%s is malformed', async (_, answer) => {
    await serve(answer);
    expect(await count()).toMatchObject({ kind: 'failed', reason: 'malformed', cause: { status: 200 } });
    expect(await count()).toEqual(PAUSED);
  });

  test('of names tells them, and no word of a user', async () => {
    await serve(refused(529, 'overloaded_error'));
    expect(await count()).toEqual({
      kind: 'failed',
      reason: 'refused',
      cause: { status: 529, type: 'overloaded_error', errorCode: null, upstreamRequestId: 'req_1' },
    });
  });
});

describe('after a failure nothing is asked', () => {
  test.each<[string, Answer, number]>([
    ['for a second, where the API is overloaded', refused(529, 'overloaded_error'), 1_000],
    ['for as long as it says', refused(429, 'rate_limit_error', { 'retry-after': '40' }), 40_000],
    ['for a second, where it does not', refused(429, 'rate_limit_error'), 1_000],
    ['for five minutes, where the key may not', refused(403, 'permission_error'), 300_000],
    ['for five minutes, where the route is not there', json(404, { detail: 'Not Found' }), 300_000],
  ])('%s', async (_, answer, pauseMs) => {
    await serve(answer);
    expect(await count()).toMatchObject({ kind: 'failed', reason: 'refused' });
    clock.advance(pauseMs - 1);
    expect(await count()).toEqual(PAUSED);
    expect(server.requests).toHaveLength(1);
    clock.advance(1);
    expect(await count()).toMatchObject({ kind: 'failed' });
    expect(server.requests).toHaveLength(2);
  });

  test('twice as long after each further one, five minutes at most, and anew after a count', async () => {
    let answer = refused(500, 'api_error');
    await serve((...asked) => answer(...asked));
    for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]) {
      expect(await count()).toMatchObject({ kind: 'failed' });
      clock.advance(seconds * 1000 - 1);
      expect(await count(), `${seconds} s`).toEqual(PAUSED);
      clock.advance(1);
    }
    answer = counted;
    expect(await count()).toMatchObject({ kind: 'counted' });
    answer = refused(500, 'api_error');
    expect(await count()).toMatchObject({ kind: 'failed' });
    clock.advance(1_000);
    expect(await count()).toMatchObject({ kind: 'failed' });
  });

  test.each<[string, Answer]>([
    ['a prompt that is refused', refused(400, 'invalid_request_error')],
    ['one that is too large', refused(413, 'request_too_large')],
    ['a model that is not there', refused(404, 'not_found_error')],
  ])('but where it is only %s', async (_, answer) => {
    await serve(answer);
    for (let prompt = 0; prompt < 3; prompt += 1)
      expect(await count()).toMatchObject({ kind: 'failed', reason: 'refused' });
    expect(server.requests).toHaveLength(3);
  });
});
