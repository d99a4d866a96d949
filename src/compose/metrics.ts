/** The log, the metrics and the observer, and which part each figure is read from when it is scraped. */
import type { Authenticator } from '../auth/port.ts';
import type { Revocations } from '../auth/revocations.ts';
import type { StoreSharedRuns } from '../cluster/shared-runs.ts';
import { REVOCATION_KINDS } from '../config/revocations.ts';
import type { HttpServer } from '../http/http-server.ts';
import type { ViewLookup } from '../identity/view-lookup.ts';
import type { LocalUsageLedger } from '../ledger/ledger.ts';
import type { UsageShipper } from '../ledger/shipper.ts';
import type { MirrorCopier } from '../mirror/mirror-copier.ts';
import type { ModelWatch } from '../models/model-watch.ts';
import { createDebugLines, toggleDebug } from '../observability/debug-lines.ts';
import type { LogOutput } from '../observability/log-output.ts';
import { createLogger, type Logger } from '../observability/logger.ts';
import { OVERLOAD } from '../observability/metric-labels.ts';
import { createMetrics, type Metrics } from '../observability/metrics.ts';
import { createObserver } from '../observability/observer.ts';
import type { Observer, Tracer } from '../observability/port.ts';
import { SampledLines } from '../observability/sampled-lines.ts';
import type { OpenQuota } from '../quota/create-quota.ts';
import type { Relay } from '../relay/relay.ts';
import type { MemoryStreamLogs } from '../stream-log/memory.ts';
import { systemClock } from '../time/clock.ts';
import type { Uploads } from '../uploads/uploads.ts';
import type { AnthropicUpstream } from '../upstream/anthropic.ts';
import { RATE_LIMITS } from '../upstream/rate-limits.ts';
import type { WebhookSender } from '../webhooks/webhook-sender.ts';
import { isPostgresUp } from './accounts.ts';
import type { OrphanedLedgers } from './orphaned-ledgers.ts';
import type { WatchedRevocations } from './revocations.ts';

export interface Telemetry {
  readonly output: LogOutput;
  readonly logger: Logger;
  readonly sampled: SampledLines;
  readonly metrics: Metrics;
  readonly observer: Observer;
  readonly tracer: Tracer;
  /** To debug lines, and back to the level of the configuration. */
  toggleDebug(): void;
}

export function composeTelemetry(options: {
  readonly level: string;
  readonly version: string;
  readonly instanceId: string;
  /** Of a process that is one of several: its number. */
  readonly worker: number | undefined;
  readonly output: LogOutput;
}): Telemetry {
  const logger = createLogger(options);
  const sampled = new SampledLines(logger, systemClock);
  const metrics = createMetrics();
  metrics.built(options.version);
  return {
    output: options.output,
    logger,
    sampled,
    metrics,
    observer: createObserver(logger, metrics, sampled),
    tracer: createDebugLines(logger, systemClock),
    toggleDebug: () => toggleDebug(logger, options.level),
  };
}

export interface Watched {
  readonly upstream: AnthropicUpstream;
  readonly models: ModelWatch;
  readonly logs: MemoryStreamLogs;
  readonly ledger: LocalUsageLedger;
  readonly quota: OpenQuota;
  readonly relay: Pick<Relay, 'registry' | 'overloads'>;
  readonly authenticator: Authenticator;
  readonly http: HttpServer;
  /** Absent where none are taken. */
  readonly uploads: Pick<Uploads, 'held'> | undefined;
  readonly revocations: Revocations;
  readonly watchedRevocations: WatchedRevocations;
  /** Only with IDENTITY_VIEW. */
  readonly lookup: ViewLookup | undefined;
  /** Only with Redis. */
  readonly shared: StoreSharedRuns | undefined;
  /** Only with Postgres: without it the ledger is where rows stay, and none of them waits. */
  readonly shipper: UsageShipper | undefined;
  readonly orphans: OrphanedLedgers;
  /** Only with WEBHOOK_URL. */
  readonly webhookSender: WebhookSender | undefined;
  /** Bytes this machine may use. */
  readonly memoryLimit: number;
  /** The same as the shipper. */
  readonly mirror: MirrorCopier | undefined;
}

export function watchParts({ metrics, output }: Telemetry, parts: Watched): void {
  const { relay, upstream, models, logs, ledger, quota, http, lookup, shared, shipper, mirror, orphans } =
    parts;
  metrics.watch('dash_request_body_bytes', () => http.bodyBytes);
  metrics.watch('dash_uploads_held', () => parts.uploads?.held.files ?? 0);
  metrics.watch('dash_uploads_held_bytes', () => parts.uploads?.held.bytes ?? 0);
  metrics.watch('dash_http_connections', () => http.plainConnections);
  metrics.watch('dash_upstream_requests', () => upstream.openRequests);
  metrics.watch('dash_upstream_account_fails', () => Number(upstream.account.state === 'fails'));
  for (const state of ['retired', 'deprecated', 'unlisted', 'differs'] as const)
    metrics.watch(
      `dash_models_${state}`,
      () => models.findings.filter((found) => found.state === state).length,
    );
  metrics.watch('dash_stream_log_bytes', () => logs.heldBytes);
  metrics.watch('dash_ledger_degraded', () => Number(ledger.degraded));
  metrics.watch('dash_quota_alone', () => Number(quota.alone));
  metrics.watch('dash_quota_undelivered', () => quota.undelivered);
  metrics.watch('dash_log_lines_dropped', () => output.dropped);
  metrics.watch('dash_memory_limit_bytes', () => parts.memoryLimit);
  metrics.watchEach('dash_overloaded', () =>
    OVERLOAD.values.map((cause) => [{ cause }, Number(relay.overloads.has(cause))] as const),
  );
  watchStreams(metrics, parts);
  watchKeys(metrics, parts);
  watchRevocations(metrics, parts);
  if (shipper !== undefined) {
    const { outbox } = ledger;
    metrics.watch('dash_postgres_up', () => Number(isPostgresUp(parts) ?? false));
    metrics.watch('dash_usage_rows_waiting', () => outbox.length + orphans.waiting);
    metrics.watch('dash_usage_rows_quarantined', () => outbox.refused + orphans.refused);
    const { answers } = ledger;
    metrics.watch('dash_answers_waiting', () => answers.length);
    metrics.watch('dash_answers_refused', () => answers.refused);
    metrics.watch('dash_answers_oldest_waiting_seconds', () => secondsSince(answers.oldest()));
    metrics.watch('dash_usage_oldest_waiting_seconds', () =>
      Math.max(secondsSince(outbox.oldest()), secondsSince(orphans.oldest)),
    );
  }
  if (parts.webhookSender !== undefined) watchWebhook(metrics, parts);
  if (mirror !== undefined) {
    metrics.watch('dash_mirror_up', () => Number(mirror.up));
    metrics.watch('dash_mirror_rows_waiting', () => mirror.waiting);
    metrics.watch('dash_mirror_rows_refused', () => mirror.failed);
    metrics.watch('dash_mirror_problems', () => mirror.problems);
  }
  if (lookup !== undefined) {
    metrics.watch('dash_identity_up', () => Number(lookup.up));
    metrics.watch('dash_identity_cached', () => lookup.size);
  }
  if (shared !== undefined) {
    metrics.watch('dash_redis_up', () => Number(shared.up));
    metrics.watch('dash_streams_published', () => shared.counts.published);
    metrics.watch('dash_streams_followed', () => shared.counts.followed);
  }
}

function watchWebhook(metrics: Metrics, { ledger, orphans }: Watched): void {
  const all = () => [ledger.webhookEvents, ...orphans.webhookEvents];
  const waiting = () => all().map((events) => events.waiting(systemClock.now()));
  metrics.watch('dash_webhook_events_waiting', () => waiting().reduce((sum, { events }) => sum + events, 0));
  metrics.watch('dash_webhook_events_dead', () => all().reduce((sum, { dead }) => sum + dead, 0));
  metrics.watch('dash_webhook_oldest_waiting_seconds', () =>
    Math.max(...waiting().map(({ oldest }) => secondsSince(oldest))),
  );
}

function watchStreams(metrics: Metrics, { relay: { registry }, upstream: { rateLimits } }: Watched): void {
  metrics.watchEach('dash_streams', () => {
    const { states } = registry;
    return (['opening', 'live', 'settling'] as const).map((state) => [{ state }, states[state]]);
  });
  for (const [name, field] of [
    ['dash_upstream_limit', 'limit'],
    ['dash_upstream_limit_remaining', 'remaining'],
  ] as const)
    metrics.watchEach(name, () =>
      RATE_LIMITS.flatMap((limit) => {
        const state = rateLimits.of(limit);
        return state === undefined ? [] : [[{ limit }, state[field]] as const];
      }),
    );
}

function watchKeys(metrics: Metrics, { authenticator }: Watched): void {
  metrics.watch('dash_keys_up', () => Number(authenticator.keySet?.isUsable ?? true));
  if (authenticator.keySet === null) return;
  metrics.watchEach('dash_keys_age_seconds', () => {
    const ageMs = authenticator.keySet?.ageMs ?? null;
    return ageMs === null ? [] : [[undefined, ageMs / 1000]];
  });
}

function watchRevocations(metrics: Metrics, { revocations, watchedRevocations }: Watched): void {
  metrics.watchEach('dash_revocations', () =>
    (['user', 'session', 'key'] as const).map((of) => [{ of }, revocations.count(REVOCATION_KINDS[of])]),
  );
  if (watchedRevocations.up !== undefined)
    metrics.watch('dash_revocations_up', () => Number(watchedRevocations.up));
}

function secondsSince(instant: number | null): number {
  return instant === null ? 0 : Math.max(0, (systemClock.now() - instant) / 1000);
}
