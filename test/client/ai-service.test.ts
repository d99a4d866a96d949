import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createAIService, type StreamingFlags } from '../../src/client/ai-service.ts';
import type { StreamingMetrics } from '../../src/client/index.ts';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';

let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay({ pace: { firstTokenMs: 0, deltasPerSecond: 500 } });
});
afterAll(() => relay.close());

const ON = { EXPO_PUBLIC_AI_STREAMING_ENABLED: 'true', EXPO_PUBLIC_USE_WEBSOCKET_STREAMING: 'true' };
const params = { action: 'general_assistance', messages: [{ role: 'user', content: 'Hello' }] } as const;

function serviceWith(flags: StreamingFlags) {
  const tracked: [string, StreamingMetrics][] = [];
  const service = createAIService({
    flags: { EXPO_PUBLIC_DASH_RELAY_URL: relay.url, ...flags },
    getToken: () => relay.token(),
    platform: 'android',
    onMetrics: (event, fields) => tracked.push([event, fields]),
  });
  onTestFinished(() => service.client.close());
  return { service, tracked };
}

it('has the plan’s signature: chunks as they come, the whole answer at the end', async () => {
  const { service, tracked } = serviceWith(ON);
  const chunks: string[] = [];
  // Far enough from one another that also a busy machine does not merge all of them.
  relay.simulator.script({
    deltas: ['One, ', 'two, ', 'three.'],
    pace: { firstTokenMs: 0, deltasPerSecond: 2 },
  });
  const { content, metadata } = await service.callAIServiceStreaming(params, (chunk) => chunks.push(chunk));
  expect(chunks.length).toBeGreaterThan(1);
  expect(chunks.join('')).toBe(content);
  expect(metadata).toMatchObject({
    stopReason: 'end_turn',
    transport: 'websocket',
    usage: { source: 'final' },
  });
  expect(tracked).toEqual([
    [
      'edudash.dash_ai.streaming_metrics',
      {
        first_token_ms: expect.any(Number),
        total_duration_ms: expect.any(Number),
        chunks_received: chunks.length,
        bytes_streamed: Buffer.byteLength(content),
        platform: 'android',
        transport: 'websocket',
        resumes: 0,
        status: 'done',
      },
    ],
  ]);
});

it.each([ON, {}])('resolves without what the model said before it declined: %j', async (flags) => {
  const { service } = serviceWith(flags);
  relay.simulator.script('refusal-midway');
  const chunks: string[] = [];
  const { content, metadata } = await service.callAIServiceStreaming(params, (chunk) => chunks.push(chunk));
  expect(chunks.join('')).not.toBe('');
  expect([content, metadata.refusal?.partial]).toEqual(['', true]);
});

describe('the app’s flags', () => {
  it.each<[string, StreamingFlags, boolean, string]>([
    ['both on', ON, true, 'websocket'],
    [
      'the older name',
      { ...ON, EXPO_PUBLIC_AI_STREAMING_ENABLED: undefined, EXPO_PUBLIC_ENABLE_AI_STREAMING: 'true' },
      true,
      'websocket',
    ],
    ['WebSockets rolled back', { ...ON, EXPO_PUBLIC_USE_WEBSOCKET_STREAMING: 'false' }, false, 'json'],
    ['WebSockets not rolled out yet', { EXPO_PUBLIC_AI_STREAMING_ENABLED: 'true' }, true, 'sse'],
    ['streaming off', { EXPO_PUBLIC_USE_WEBSOCKET_STREAMING: 'true' }, false, 'json'],
    ['streaming off in words', { ...ON, EXPO_PUBLIC_AI_STREAMING_ENABLED: 'false' }, false, 'json'],
    ['none', {}, false, 'json'],
  ])('%s', async (_name, flags, streamingEnabled, transport) => {
    const { service } = serviceWith(flags);
    expect(service.streamingEnabled).toBe(streamingEnabled);
    const { metadata } = await service.callAIServiceStreaming(params, () => {});
    expect(metadata.transport).toBe(transport);
  });
});

it('sends only the fields that the plan names', async () => {
  const { service } = serviceWith(ON);
  const more = { ...params, stream: true, conversationId: 'c1' };
  await expect(service.callAIServiceStreaming(more, () => {})).resolves.toBeDefined();
});

it.each([
  ['websocket', ON],
  ['sse', { EXPO_PUBLIC_AI_STREAMING_ENABLED: 'true' }],
  ['json', {}],
])('sends parameters by %s, and says which of them does not fit', async (_, flags) => {
  const { service } = serviceWith(flags);
  const ask = (language: string) =>
    service.callAIServiceStreaming({ ...params, parameters: { language, grade: '4' } }, () => {});
  await expect(ask('af')).resolves.toBeDefined();
  await expect(ask('Klingon')).rejects.toMatchObject({
    code: 'bad_request',
    message: expect.stringMatching(/^parameters\.language: one of en, af/),
  });
});

it('stops by a signal and resolves with what there is', async () => {
  relay.simulator.script('stall');
  const { service } = serviceWith(ON);
  const abort = new AbortController();
  const answer = service.callAIServiceStreaming(params, () => abort.abort(), { signal: abort.signal });
  expect((await answer).metadata.outcome).toBe('cancelled');
});

it('rejects with a message where the model fails, and never hangs', async () => {
  relay.simulator.script('truncate');
  const { service } = serviceWith(ON);
  await expect(service.callAIServiceStreaming(params, () => {})).rejects.toMatchObject({
    code: 'upstream_truncated',
    retryable: true,
  });
});

it('says which variable is missing', async () => {
  const { service } = serviceWith({ ...ON, EXPO_PUBLIC_DASH_RELAY_URL: undefined });
  await expect(service.callAIServiceStreaming(params, () => {})).rejects.toThrow(
    'EXPO_PUBLIC_DASH_RELAY_URL',
  );
});
