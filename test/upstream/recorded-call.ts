/** Opens a call and keeps what its sink was given. */
import { NO_BREAKPOINTS } from '../../src/models/cache.ts';
import { fromWire } from '../../src/protocol/wire-text.ts';
import { systemClock } from '../../src/time/clock.ts';
import {
  type AnthropicUpstream,
  type AnthropicUpstreamOptions,
  createAnthropicUpstream,
} from '../../src/upstream/anthropic.ts';
import type { Upstream, UpstreamCall, UpstreamRequest } from '../../src/upstream/port.ts';
import { type ModelServer, TEST_CERTIFICATE } from './model-server.ts';

export interface RecordedCall {
  readonly call: UpstreamCall;
  readonly controller: AbortController;
  /** All text, decoded. */
  readonly text: string;
  readonly deltas: readonly string[];
  /** Null where the model began to think, and then what it thinks. */
  readonly thoughts: readonly (string | null)[];
  readonly events: readonly Record<string, unknown>[];
  /** `message_start`s. */
  readonly began: number;
  /** Resolves with the first delta or event. */
  readonly first: Promise<void>;
}

export const REQUEST: UpstreamRequest = {
  epoch: 'epoch-000',
  model: 'model-under-test',
  maxTokens: 256,
  thinking: {},
  cache: NO_BREAKPOINTS,
  thinkingPace: { tokensPerSecond: 60, maxTokens: 4096 },
  system: 'Be brief.',
  messages: [{ role: 'user', content: 'Hello' }],
  userHash: 'user-hash',
  events: 'text',
  showThinking: false,
};

export function upstreamTo(
  server: Pick<ModelServer, 'baseURL'>,
  options: Partial<AnthropicUpstreamOptions> = {},
): AnthropicUpstream {
  return createAnthropicUpstream({
    apiKey: 'test-key',
    baseURL: server.baseURL,
    timeouts: { connectMs: 5_000, idleMs: 20_000, totalMs: 60_000 },
    clock: systemClock,
    ca: TEST_CERTIFICATE,
    ...options,
  });
}

export function openCall(upstream: Upstream, request: Partial<UpstreamRequest> = {}): RecordedCall {
  const controller = new AbortController();
  const first = Promise.withResolvers<void>();
  const deltas: string[] = [];
  const thoughts: (string | null)[] = [];
  const events: Record<string, unknown>[] = [];
  let began = 0;
  const sink = {
    text(json: Parameters<typeof fromWire>[0]) {
      deltas.push(JSON.parse(`"${fromWire(json)}"`));
      first.resolve();
    },
    event(json: Parameters<typeof fromWire>[0]) {
      events.push(JSON.parse(fromWire(json)));
      first.resolve();
    },
    thinking(json?: Parameters<typeof fromWire>[0]) {
      thoughts.push(json === undefined ? null : fromWire(json));
    },
    tool() {},
    began() {
      began += 1;
    },
  };
  return {
    call: upstream.open({ ...REQUEST, ...request }, sink, controller.signal),
    controller,
    deltas,
    events,
    thoughts,
    get text() {
      return deltas.join('');
    },
    get began() {
      return began;
    },
    first: first.promise,
  };
}
