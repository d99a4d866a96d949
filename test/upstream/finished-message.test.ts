import { afterEach, describe, expect, test } from 'vitest';
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
import { type ModelResponse, type ModelServer, startModelServer } from './model-server.ts';
import { openCall, upstreamTo } from './recorded-call.ts';

let server: ModelServer;
let upstream: Upstream;
afterEach(async () => {
  await upstream.close();
  await server.close();
});

const DONE = { kind: 'done', stopReason: 'end_turn', refusal: null, model: 'model-named' };
const BEHIND: readonly [string, string | Buffer][] = [
  ['the mark of another API', 'data: [DONE]\n\n'],
  ['a keep-alive as data', 'data: keep-alive\n\n'],
  ['a keep-alive as a comment', ': keep-alive\n\n'],
  ['an error', streamedError('overloaded_error')],
  ['an error that is final', streamedError('authentication_error')],
  ['an error without a name', 'data: {"error":{"type":"api_error","message":"x"}}\n\n'],
  ['half an event', 'event: error\ndata: {"type":"err'],
  ['a page', '<html><body>502 Bad Gateway</body></html>\n\n'],
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 10, 10, ...Buffer.from('data: '), 0xff, 10, 10])],
  ['the start of no message', sse({ type: 'message_start' })],
  ['the start of an empty one', sse({ type: 'message_start', message: null })],
  ['another stop', sse({ type: 'message_stop' })],
  [
    'totals that fell',
    sse({ type: 'message_delta', delta: { stop_reason: 'refusal' }, usage: { output_tokens: 0 } }),
  ],
  ['text of no message', textDelta('of no message')],
  [
    'a block of no message',
    sse({ type: 'content_block_start', content_block: { type: 'text', text: 'no' } }),
  ],
  ['more than any event', `data: ${'x'.repeat(5 * 1024 * 1024)}\n\n`],
];

async function answerWith(...parts: readonly (string | Buffer)[]) {
  server = await startModelServer('h2', (response) => void respond(response, parts));
  upstream = upstreamTo(server, { random: () => -0.6 });
  return openCall(upstream);
}

/** Each part arrives by itself: it waits until the one before has left. */
async function respond(response: ModelResponse, parts: readonly (string | Buffer)[]): Promise<void> {
  response.writeHead(200, SSE_HEADERS);
  for (const part of parts) {
    response.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}

describe.each(BEHIND)('%s behind a finished message', (_, behind) => {
  test.each([
    [
      'in the same chunk',
      [Buffer.concat([wholeMessage('all of it'), behind].map((part) => Buffer.from(part)))],
    ],
    ['in a later one', [wholeMessage('all of it'), behind]],
    ['behind several messages', [wholeMessage('all '), wholeMessage('of it'), behind]],
  ])('%s changes nothing', async (_place, parts) => {
    const recorded = await answerWith(...parts);
    expect(await recorded.call.ended).toMatchObject(DONE);
    expect(recorded.text).toBe('all of it');
    expect(recorded.call.usage()).toMatchObject({
      outputTokens: parts.length === 3 ? 84 : 42,
      source: 'final',
    });
    expect(server.requests).toHaveLength(1);
  });
});

test('between two messages nothing is lost either', async () => {
  const recorded = await answerWith(
    wholeMessage('one, '),
    `data: [DONE]\n\n${streamedError('api_error')}${PING}`,
    wholeMessage('two'),
  );
  expect(await recorded.call.ended).toMatchObject(DONE);
  expect(recorded.text).toBe('one, two');
});

test.each([
  ['an error', streamedError('overloaded_error'), 'upstream_overloaded'],
  ['the end', '', 'upstream_truncated'],
  ['no JSON', 'data: [DONE]\n\n', 'upstream_error'],
])('a second message that began is not finished: %s is a failure', async (_, rest, code) => {
  const recorded = await answerWith(wholeMessage('one, '), messageStart() + textDelta('tw'), rest);
  expect(await recorded.call.ended).toMatchObject({ kind: 'failed', error: { code } });
  expect(recorded.text).toBe('one, tw');
});

test.each([
  ['keep-alives', 'data: keep-alive\n\n'],
  ['comments', ': keep-alive\n\n'],
])('%s without end hold a finished message back for five seconds only', async (_, noise) => {
  const clock = new ManualClock();
  const responses: ModelResponse[] = [];
  server = await startModelServer('http', (response) => {
    responses.push(response);
    response.writeHead(200, SSE_HEADERS);
    response.write(wholeMessage('all of it'));
  });
  upstream = upstreamTo(server, { clock });
  const recorded = openCall(upstream);
  await expect.poll(() => recorded.call.usage().outputTokens).toBe(42);
  let ended = false;
  void recorded.call.ended.then(() => {
    ended = true;
  });
  for (let second = 0; second < 4; second += 1) {
    responses[0]?.write(noise);
    await new Promise((resolve) => setTimeout(resolve, 20));
    clock.advance(1_000);
  }
  expect(ended).toBe(false);
  clock.advance(2_000);
  expect(await recorded.call.ended).toMatchObject(DONE);
  await server.idle();
});

test('a second message is waited for while it comes, however slowly', async () => {
  const clock = new ManualClock();
  const second = Buffer.from(wholeMessage('two'));
  const responses: ModelResponse[] = [];
  server = await startModelServer('http', (response) => {
    responses.push(response);
    response.writeHead(200, SSE_HEADERS);
    response.write(wholeMessage('one, '));
  });
  upstream = upstreamTo(server, { clock });
  const recorded = openCall(upstream);
  await expect.poll(() => recorded.call.usage().outputTokens).toBe(42);
  for (let at = 0; at < 60; at += 20) {
    responses[0]?.write(second.subarray(at, at + 20));
    await new Promise((resolve) => setTimeout(resolve, 50));
    clock.advance(4_000);
  }
  responses[0]?.end(second.subarray(60));
  expect(await recorded.call.ended).toMatchObject(DONE);
  expect(recorded.text).toBe('one, two');
});

describe('what a message says elsewhere than in its deltas', () => {
  const block = (text: unknown) =>
    sse({ type: 'content_block_start', index: 0, content_block: { type: 'text', text } });

  test('text given with its block is shown, as it is metered', async () => {
    const recorded = await answerWith(
      messageStart(),
      block('Grüße "aus" \u2028 dem\nBlock, '),
      textDelta('und mehr'),
      messageEnd(),
    );
    expect(await recorded.call.ended).toMatchObject(DONE);
    expect(recorded.text).toBe('Grüße "aus" \u2028 dem\nBlock, und mehr');
  });

  test.each([[''], [null], [7], [{ secret: 'no text' }]])('%j is no text', async (text) => {
    const recorded = await answerWith(messageStart(), block(text), textDelta('all'), messageEnd());
    expect(await recorded.call.ended).toMatchObject(DONE);
    expect(recorded.text).toBe('all');
  });

  test('text given with the message is shown', async () => {
    const message = {
      model: 'model-named',
      content: [{ type: 'text', text: 'all of it' }, null, { type: 'tool_use', input: {} }],
      usage: { input_tokens: 3, output_tokens: 1 },
    };
    const recorded = await answerWith(sse({ type: 'message_start', message }), messageEnd());
    expect(await recorded.call.ended).toMatchObject(DONE);
    expect(recorded.text).toBe('all of it');
  });

  test('thinking given with its block is not', async () => {
    const content_block = { type: 'thinking', thinking: 'hm', signature: '' };
    const recorded = await answerWith(
      messageStart() + sse({ type: 'content_block_start', index: 0, content_block }) + messageEnd(),
    );
    await recorded.call.ended;
    expect(recorded.text).toBe('');
  });

  test('a stop reason given with the message counts until the totals give another', async () => {
    const message = {
      model: 'model-named',
      stop_reason: 'tool_use',
      usage: { input_tokens: 3, output_tokens: 5 },
    };
    const start = sse({ type: 'message_start', message });
    const totals = sse({ type: 'message_delta', delta: {}, usage: { output_tokens: 5 } });
    const stop = sse({ type: 'message_stop' });
    const whole = await answerWith(start, totals, stop);
    expect(await whole.call.ended).toMatchObject({ kind: 'done', stopReason: 'tool_use' });
    await upstream.close();
    await server.close();
    const replaced = await answerWith(start, messageEnd(5, 'end_turn'));
    expect(await replaced.call.ended).toMatchObject({ kind: 'done', stopReason: 'end_turn' });
  });
});
