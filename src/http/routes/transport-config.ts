/** `GET /v1/config`: whether to ask here, and which transport this user is to use. The remote rollout and kill switch. */
import { createHash } from 'node:crypto';
import type { RouteHandlerMethod } from 'fastify';
import { principalOf } from '../admission/request-guard.ts';

/** How long a client may rely on the answer, ms: a switch reaches everybody within that. */
const POLL_AFTER_MS = 300_000;

export interface TransportPolicy {
  /** RELAY_ENABLED: false refuses every question. */
  readonly relayEnabled: boolean;
  /** STREAMING_ENABLED: false moves everybody to JSON. */
  readonly streamingEnabled: boolean;
  /** WEBSOCKET_ROLLOUT_PERCENT: the others stream over SSE. */
  readonly websocketPercent: number;
}

export function transportHandler(policy: TransportPolicy): RouteHandlerMethod {
  return (request) => {
    const { userId } = principalOf(request);
    const { relayEnabled: enabled } = policy;
    return { transport: transportOf(userId, policy), pollAfterMs: POLL_AFTER_MS, enabled };
  };
}

/** Stable: a user inside at 10 percent is inside at any higher one. */
export function transportOf(
  userId: string,
  policy: Omit<TransportPolicy, 'relayEnabled'>,
): 'websocket' | 'sse' | 'json' {
  if (!policy.streamingEnabled) return 'json';
  const share = createHash('sha256').update(`websocket-rollout:${userId}`).digest().readUInt32BE(0) / 2 ** 32;
  return share * 100 < policy.websocketPercent ? 'websocket' : 'sse';
}
