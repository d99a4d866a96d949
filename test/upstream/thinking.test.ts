/** Thinking that is not shown: a block that opens, and nothing but pings for minutes. */
import { afterEach, describe, expect, test } from 'vitest';
import type { AnthropicUpstream, AnthropicUpstreamOptions } from '../../src/upstream/anthropic.ts';
import type { UpstreamEnding } from '../../src/upstream/port.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { messageEnd, messageStart, PING, SSE_HEADERS, sse, textDelta } from './message-script.ts';
import { type ModelResponse, type ModelServer, startModelServer, type Wire } from './model-server.ts';
import { openCall, upstreamTo } from './recorded-call.ts';

const OPEN = sse({
  type: 'content_block_start',
  index: 0,
  content_block: { type: 'thinking', thinking: '', signature: '' },
});
const CLOSE =
  sse({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'signature_delta', signature: 's'.repeat(1000) },
  }) + sse({ type: 'content_block_stop', index: 0 });
const TEXT = sse({ type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } });
const STEP_MS = 5_000;

let server: ModelServer;
let upstream: AnthropicUpstream;
afterEach(async () => {
  await upstream.close();
  await server.close();
});

/** A call whose model has begun to think. */
async function thinking(wire: Wire = 'http', options: Partial<AnthropicUpstreamOptions> = {}) {
  const clock = new ManualClock();
  const answered = Promise.withResolvers<ModelResponse>();
  server = await startModelServer(wire, (response) => {
    response.writeHead(200, SSE_HEADERS);
    response.write(messageStart() + OPEN);
    answered.resolve(response);
  });
  const timeouts = { connectMs: 10_000, idleMs: 60_000, totalMs: 600_000 };
  upstream = upstreamTo(server, { clock, timeouts, ...options });
  const recorded = openCall(upstream, { thinkingPace: { tokensPerSecond: 60, maxTokens: 4096 } });
  const response = await answered.promise;
  await expect.poll(() => recorded.thoughts).toEqual([null]);
  let ending: UpstreamEnding | undefined;
  void recorded.call.ended.then((value) => {
    ending = value;
  });
  /** Time goes on, with a ping before each step of it; stops where the call ends. @returns seconds that passed */
  const pass = async (seconds: number, alive = true): Promise<number> => {
    let passed = 0;
    for (; passed < seconds * 1000 && ending === undefined; passed += STEP_MS) {
      if (alive) response.write(PING);
      await turns();
      clock.advance(STEP_MS);
      await turns();
    }
    return passed / 1000;
  };
  return { recorded, response, clock, pass, ended: () => ending };
}

/** Loopback: what was written is here within a few turns of the event loop. */
async function turns(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 10));
}

describe.each<Wire>(['http', 'h2'])('over %s', (wire) => {
  test('121 s of thinking with pings are alive, and end as ever', async () => {
    const { recorded, response, pass, ended } = await thinking(wire);
    expect(await pass(125)).toBe(125);
    expect(ended()).toBeUndefined();
    response.write(CLOSE + TEXT + textDelta('Light.') + messageEnd(3042));
    response.end();
    expect(await recorded.call.ended).toMatchObject({ kind: 'done', stopReason: 'end_turn' });
    expect(recorded.text).toBe('Light.');
    expect(recorded.call.usage()).toMatchObject({ outputTokens: 3042, source: 'final' });
  });
});

test('without pings the silence ends it', async () => {
  const { recorded, pass } = await thinking();
  expect(await pass(125, false)).toBeLessThanOrEqual(65);
  expect(await recorded.call.ended).toMatchObject({
    error: { code: 'upstream_timeout', cause: { code: 'idle' } },
  });
});

test('pings alone do not keep it for ever', async () => {
  const { recorded, pass } = await thinking();
  const seconds = await pass(600);
  expect(seconds).toBeGreaterThanOrEqual(300);
  expect(seconds).toBeLessThan(320);
  expect(await recorded.call.ended).toMatchObject({
    error: { code: 'upstream_timeout', cause: { code: 'thinking' } },
  });
});

test('the limit of a call holds for thinking too', async () => {
  const timeouts = { connectMs: 10_000, idleMs: 60_000, totalMs: 200_000 };
  const { recorded, pass } = await thinking('http', { timeouts });
  expect(await pass(600)).toBeLessThan(220);
  expect(await recorded.call.ended).toMatchObject({ error: { cause: { code: 'total' } } });
});

test('once the block is closed pings are no content again', async () => {
  const { recorded, response, pass } = await thinking();
  await pass(100);
  response.write(CLOSE);
  expect(await pass(600)).toBeLessThan(140);
  expect(await recorded.call.ended).toMatchObject({ error: { cause: { code: 'no_content' } } });
});

test('what was thought until a cancel is estimated by time', async () => {
  const { recorded, pass } = await thinking();
  await pass(50);
  recorded.controller.abort();
  expect(await recorded.call.ended).toMatchObject({ kind: 'aborted' });
  expect(recorded.call.usage()).toMatchObject({
    inputTokens: 10,
    outputTokens: 3004,
    thinkingTokens: 3000,
    source: 'estimated',
  });
});

test.each([
  [undefined, undefined],
  [true, 'thinking-token-count-2026-05-13'],
])('the API is asked to count only where that is set: %s', async (thinkingTokenCounts, header) => {
  await thinking('http', { thinkingTokenCounts });
  expect(server.requests[0]?.headers['anthropic-beta']).toBe(header);
});
