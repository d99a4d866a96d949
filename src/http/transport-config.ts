/** `GET /v1/config`: which transport this user is to use. The remote rollout and kill switch. */
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Authenticator } from '../auth/port.ts';
import type { Clock } from '../time/clock.ts';
import { requestPrincipal } from './request-principal.ts';

/** How long a client may rely on the answer, ms: a switch reaches everybody within that. */
const POLL_AFTER_MS = 300_000;

export interface TransportPolicy {
  /** STREAMING_ENABLED: false moves everybody to JSON. */
  readonly streamingEnabled: boolean;
  /** WEBSOCKET_ROLLOUT_PERCENT: the others stream over SSE. */
  readonly websocketPercent: number;
}

export interface TransportConfigParts {
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly policy: TransportPolicy;
}

export function transportConfigRoute(
  app: FastifyInstance,
  { authenticator, clock, policy }: TransportConfigParts,
): void {
  app.get('/v1/config', async (request) => {
    const { userId } = await requestPrincipal(request, authenticator, clock);
    return { transport: transportOf(userId, policy), pollAfterMs: POLL_AFTER_MS };
  });
}

/** Stable: a user inside at 10 percent is inside at any higher one. */
export function transportOf(userId: string, policy: TransportPolicy): 'websocket' | 'sse' | 'json' {
  if (!policy.streamingEnabled) return 'json';
  const share = createHash('sha256').update(`websocket-rollout:${userId}`).digest().readUInt32BE(0) / 2 ** 32;
  return share * 100 < policy.websocketPercent ? 'websocket' : 'sse';
}
