/** Streams shared over Redis, for the composition root. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../time/clock.ts';
import type { StreamLogs } from './port.ts';
import { LEASE_MS, StoreSharedStreams } from './shared-streams.ts';
import { RedisSharedStore } from './store/redis.ts';

export interface OpenSharedStreamsOptions {
  readonly url: string;
  /** Names this computer to people; the process adds what tells it from the one before it. */
  readonly instanceId: string;
  readonly logs: StreamLogs;
  readonly clock: Clock;
  /** The longest a run can take, ms. */
  readonly longestRunMs: number;
  /** RESUME_WINDOW_MS. */
  readonly endedMs: number;
  readonly onDown: (cause: unknown) => void;
  readonly onUp: () => void;
}

/** Connects in the background. `connection` is for others who count in the same Redis. */
export function openSharedStreams({ url, instanceId, longestRunMs, ...options }: OpenSharedStreamsOptions): {
  readonly streams: StoreSharedStreams;
  readonly connection: object;
} {
  const store = new RedisSharedStore({
    url,
    machine: `${instanceId}.${randomBytes(6).toString('base64url')}`,
    leaseMs: LEASE_MS,
    liveMs: longestRunMs + options.endedMs,
    endedMs: options.endedMs,
  });
  return { streams: new StoreSharedStreams({ ...options, store }), connection: store.connection };
}
