/** `GET /v1/config`: whether to ask here, and which transport this user is to use. The remote rollout and kill switch. */
import { createHash } from 'node:crypto';
import type { RouteHandlerMethod } from 'fastify';
import type { ConfigFrame } from '../../protocol/frames.ts';
import { principalOf } from '../admission/request-guard.ts';

/** How long a client may rely on the answer, ms: a switch reaches everybody within that, and who is connected at once. */
const POLL_AFTER_MS = 300_000;

/** What holds, and in a word where it is set. */
interface Switch<Value> {
  readonly value: Value;
  readonly from: string;
}

export interface TransportSwitches {
  /** False refuses every question. */
  readonly relayEnabled: Switch<boolean>;
  /** False moves everybody to JSON. */
  readonly streamingEnabled: Switch<boolean>;
  /** Those outside stream over SSE. */
  readonly websocketPercent: Switch<number>;
}

/** `uploads`: files are taken here. */
export function configHandler(switches: () => TransportSwitches, uploads: boolean): RouteHandlerMethod {
  return (request) => {
    const { userId } = principalOf(request);
    const now = switches();
    const { relayEnabled, streamingEnabled, websocketPercent } = now;
    const decisive = streamingEnabled.value ? websocketPercent : streamingEnabled;
    return {
      ...configOf(userId, now),
      uploads,
      from: { transport: decisive.from, enabled: relayEnabled.from },
    };
  };
}

/** What a user's client is to do. */
export function configOf(
  userId: string,
  { relayEnabled, streamingEnabled, websocketPercent }: TransportSwitches,
): Omit<ConfigFrame, 'type'> {
  const transport = streamingEnabled.value ? transportOf(userId, websocketPercent.value) : 'json';
  return { transport, pollAfterMs: POLL_AFTER_MS, enabled: relayEnabled.value };
}

/** Where streaming is on. Stable: a user inside at 10 percent is inside at any higher one. */
export function transportOf(userId: string, websocketPercent: number): 'websocket' | 'sse' {
  const share = createHash('sha256').update(`websocket-rollout:${userId}`).digest().readUInt32BE(0) / 2 ** 32;
  return share * 100 < websocketPercent ? 'websocket' : 'sse';
}
