/** Streams shared over Redis, for the composition root. */
import { hash, randomBytes } from 'node:crypto';
import type { StreamLogs } from '../stream-log/port.ts';
import type { Clock } from '../time/clock.ts';
import type { UploadLimits, UploadStore } from '../uploads/port.ts';
import type { FleetTable } from './fleet-table.ts';
import { LEASE_MS, StoreSharedRuns, type StoreSharedRunsOptions } from './shared-runs.ts';
import { RedisSharedStore } from './store/redis.ts';
import { RedisFailure } from './store/redis-failure.ts';
import { RedisKeys } from './store/redis-keys.ts';
import { RedisLink } from './store/redis-link.ts';
import { RedisTable } from './store/redis-table.ts';
import { RedisUploads } from './store/redis-uploads.ts';

export interface OpenSharedRunsOptions {
  readonly url: string;
  /** What keys and channels begin with (REDIS_PREFIX). */
  readonly prefix: string | undefined;
  /** Whose tokens are accepted: without a prefix, relays of one issuer share streams, and nobody else. */
  readonly issuer: string;
  /** Names this computer to people; the process adds what tells it from the one before it. */
  readonly instanceId: string;
  /** The same for all processes of WORKERS, and of nobody else. */
  readonly siblings: string | undefined;
  readonly logs: StreamLogs;
  readonly clock: Clock;
  /** The longest a run can take, ms. */
  readonly longestRunMs: number;
  /** RESUME_WINDOW_MS. */
  readonly endedMs: number;
  /** Told once of each reason while it lasts. */
  readonly onDown: (failure: RedisFailure) => void;
  /** Told with the prefix in use. */
  readonly onUp: (prefix: string) => void;
  readonly onMalformed: StoreSharedRunsOptions['onMalformed'];
  readonly onFormats: StoreSharedRunsOptions['onFormats'];
  readonly onRead: StoreSharedRunsOptions['onRead'];
}

export interface OpenSharedRuns {
  readonly streams: StoreSharedRuns;
  readonly switches: FleetTable;
  readonly revocations: FleetTable;
  /** Files that every machine may be asked about. */
  readonly uploads: (limits: UploadLimits) => UploadStore;
  /** With the prefix, for others who count in the same Redis. */
  readonly connection: object;
  readonly prefix: string;
}

/** Of the instance's name, in the name of a machine. */
const MAX_NAME_LENGTH = 128;
/** Of the issuer's hash, in a prefix. */
const ISSUER_LENGTH = 12;

/** The same for all relays that share streams. */
export function prefixOf({ issuer, prefix }: Pick<OpenSharedRunsOptions, 'issuer' | 'prefix'>): string {
  return prefix ?? `dash:${hash('sha256', issuer).slice(0, ISSUER_LENGTH)}`;
}

/** Connects in the background. */
export function openSharedRuns({
  url,
  instanceId,
  siblings,
  longestRunMs,
  ...options
}: OpenSharedRunsOptions): OpenSharedRuns {
  const prefix = prefixOf(options);
  const store = new RedisSharedStore({
    url,
    prefix,
    onMalformedMessage: () => options.onMalformed('a message'),
    machine: `${instanceId.slice(0, MAX_NAME_LENGTH)}.${siblings ?? ''}${randomBytes(6).toString('base64url')}`,
    leaseMs: LEASE_MS,
    liveMs: longestRunMs + options.endedMs,
    endedMs: options.endedMs,
  });
  const onDown = (cause: unknown): void =>
    options.onDown(cause instanceof RedisFailure ? cause : new RedisFailure('beat', cause));
  const onUp = (): void => options.onUp(prefix);
  const streams = new StoreSharedRuns({
    ...options,
    onDown,
    onUp,
    store,
    isSibling: siblings === undefined ? undefined : (machine) => machine.includes(`.${siblings}`),
  });
  const { switches, revocations, connection } = store;
  const uploads = (limits: UploadLimits) =>
    new RedisUploads(url, new RedisKeys(prefix), limits, options.clock);
  return { streams, switches, revocations, uploads, connection, prefix };
}

/** Files that the relays of this prefix, or issuer, have; for a command beside them. To be closed. */
export function openFleetUploads(
  { url, clock, ...named }: Pick<OpenSharedRunsOptions, 'url' | 'issuer' | 'prefix' | 'clock'>,
  limits: UploadLimits,
): UploadStore {
  return new RedisUploads(url, new RedisKeys(prefixOf(named)), limits, clock);
}

/** A table that the relays of this prefix, or issuer, hear; for a command beside them. To be closed. */
export function openFleetTable(
  of: 'switches' | 'revocations',
  { url, ...named }: Pick<OpenSharedRunsOptions, 'url' | 'issuer' | 'prefix'>,
): FleetTable & { close(): void } {
  const key = new RedisKeys(prefixOf(named))[of];
  const link = new RedisLink(url, { [key]: () => table.told() }, () => {});
  const table = new RedisTable(link, of, key);
  return Object.assign(table, { close: () => link.close() });
}
