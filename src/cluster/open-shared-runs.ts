/** Streams shared over Redis, for the composition root. */
import { randomBytes } from 'node:crypto';
import type { StreamLogs } from '../stream-log/port.ts';
import type { Clock } from '../time/clock.ts';
import { LEASE_MS, StoreSharedRuns, type StoreSharedRunsOptions } from './shared-runs.ts';
import { RedisSharedStore } from './store/redis.ts';
import { RedisFailure } from './store/redis-failure.ts';

export interface OpenSharedRunsOptions {
  readonly url: string;
  /** What keys and channels begin with (REDIS_PREFIX). */
  readonly prefix: string;
  /** Names this computer to people; the process adds what tells it from the one before it. */
  readonly instanceId: string;
  readonly logs: StreamLogs;
  readonly clock: Clock;
  /** The longest a run can take, ms. */
  readonly longestRunMs: number;
  /** RESUME_WINDOW_MS. */
  readonly endedMs: number;
  /** Told once of each reason while it lasts. */
  readonly onDown: (failure: RedisFailure) => void;
  readonly onUp: () => void;
  readonly onMalformed: StoreSharedRunsOptions['onMalformed'];
  readonly onFormats: StoreSharedRunsOptions['onFormats'];
}

/** Of the instance's name, in the name of a machine. */
const MAX_NAME_LENGTH = 128;

/** Connects in the background. `connection` is for others who count in the same Redis. */
export function openSharedRuns({
  url,
  prefix,
  instanceId,
  longestRunMs,
  ...options
}: OpenSharedRunsOptions): {
  readonly streams: StoreSharedRuns;
  readonly connection: object;
} {
  const store = new RedisSharedStore({
    url,
    prefix,
    onMalformedMessage: () => options.onMalformed('a message'),
    machine: `${instanceId.slice(0, MAX_NAME_LENGTH)}.${randomBytes(6).toString('base64url')}`,
    leaseMs: LEASE_MS,
    liveMs: longestRunMs + options.endedMs,
    endedMs: options.endedMs,
  });
  const onDown = (cause: unknown): void =>
    options.onDown(cause instanceof RedisFailure ? cause : new RedisFailure('beat', cause));
  return { streams: new StoreSharedRuns({ ...options, onDown, store }), connection: store.connection };
}
