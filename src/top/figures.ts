/** The figures of one screen, by name, from the scrapes of a while. Null: this relay does not have it, or not yet. */
import { Change, sumOf, sumsBy } from './change.ts';
import type { Scrape } from './scrape.ts';

export interface Quantiles {
  /** Seconds. */
  readonly p50: number | null;
  readonly p95: number | null;
}

/** Of one process of several. */
export interface WorkerFigures {
  /** In the words of `/readyz`. */
  readonly state: string | null;
  readonly live: number | null;
  readonly connections: number | null;
  /** A share of one core. */
  readonly cpu: number | null;
  readonly residentBytes: number | null;
  readonly eventLoopP99Seconds: number | null;
}

/** Also one whose state nobody told. */
export function isServing({ state }: WorkerFigures): boolean {
  return state === null || state === 'ready';
}

export type Figures = ReturnType<typeof figuresOf>;

/** How many of the most frequent errors and reasons are named. */
const MOST_NAMED = 3;

/** @param from the oldest scrape of the same process within the window @param to the newest */
export function figuresOf(from: Scrape, to: Scrape) {
  const change = new Change(from, to);
  const value = (name: string) => sumOf(to.samples, name) ?? null;
  const rate = (name: string, labels = {}) => change.rate(name, labels) ?? null;
  const quantiles = (name: string): Quantiles => ({
    p50: change.quantile(0.5, name) ?? null,
    p95: change.quantile(0.95, name) ?? null,
  });
  const counts = (name: string, label: string, labels = {}) =>
    Object.fromEntries(change.increasesBy(name, label, labels).slice(0, MOST_NAMED));
  const hourly = rate('dash_cost_usd_total');
  return {
    version: to.samples.get('dash_build_info')?.[0]?.labels['version'] ?? null,
    status: to.health?.status ?? null,
    windowSeconds: Math.round(change.seconds),
    streams: {
      live: value('dash_live_streams'),
      connections: value('dash_connections'),
      startsPerSecond: startsPerSecond(change, from, to),
      donePerSecond: rate('dash_streams_ended_total', { status: 'done' }),
      cancelledPerSecond: rate('dash_streams_ended_total', { status: 'cancelled' }),
      errorsPerSecond: rate('dash_streams_ended_total', { status: 'error' }),
      resumesPerSecond: rate('dash_resumes_total'),
      deltasPerSecond: rate('dash_delta_gap_seconds_count') ?? rate('dash_deltas_total'),
      tokensInPerSecond: rate('dash_tokens_total', { kind: 'input' }),
      tokensOutPerSecond: rate('dash_tokens_total', { kind: 'output' }),
      usdPerHour: hourly === null ? null : hourly * 3600,
    },
    latency: {
      firstToken: quantiles('dash_first_token_seconds'),
      firstTokenModel: quantiles('dash_first_token_model_seconds'),
      firstTokenRelay: quantiles('dash_first_token_relay_seconds'),
      deltaGap: quantiles('dash_delta_gap_seconds'),
      stream: quantiles('dash_stream_duration_seconds'),
      cancel: quantiles('dash_cancel_upstream_closed_seconds'),
      client: quantiles('dash_client_first_token_seconds'),
    },
    errors: counts('dash_streams_ended_total', 'code', { status: 'error' }),
    refusals: counts('dash_refusals_total', 'reason'),
    rows: {
      waiting: value('dash_usage_rows_waiting'),
      oldestSeconds: value('dash_usage_oldest_waiting_seconds'),
      refused: value('dash_usage_rows_quarantined'),
      ledgerDegraded: value('dash_ledger_degraded'),
      quotaAlone: value('dash_quota_alone'),
    },
    upstream: {
      open: value('dash_upstream_requests'),
      accountFails: value('dash_upstream_account_fails'),
      headroom: headroomOf(to),
      answers: counts('dash_upstream_responses_total', 'status'),
    },
    dependencies: dependenciesOf(to),
    keysAgeSeconds: value('dash_keys_age_seconds'),
    slowReaders: counts('dash_slow_readers_total', 'outcome'),
    switches: Object.fromEntries(sumsBy(to.samples, 'dash_switch', 'name')),
    workers: workersOf(change, to),
    process: {
      upSeconds: upSeconds(to),
      residentBytes: value('dash_process_resident_memory_bytes'),
      heapBytes: value('dash_nodejs_heap_size_used_bytes'),
      cpu: rate('dash_process_cpu_seconds_total'),
      eventLoopP99Seconds: value('dash_nodejs_eventloop_lag_p99_seconds'),
      openFiles: value('dash_process_open_fds'),
      maxFiles: value('dash_process_max_fds'),
    },
  };
}

/** What has ended began once, and so did what lives now and did not before. */
function startsPerSecond(change: Change, from: Scrape, to: Scrape): number | null {
  const ended = change.increase('dash_streams_ended_total');
  if (ended === undefined) return null;
  const live = (scrape: Scrape) => sumOf(scrape.samples, 'dash_live_streams') ?? 0;
  return Math.max(0, ended + live(to) - live(from)) / change.seconds;
}

/** What is left of each limit of the model's API, as a share of it. */
function headroomOf({ samples }: Scrape): Record<string, number> {
  const limits = sumsBy(samples, 'dash_upstream_limit', 'limit');
  const remaining = sumsBy(samples, 'dash_upstream_limit_remaining', 'limit');
  return Object.fromEntries(
    [...remaining].flatMap(([name, left]) => {
      const limit = limits.get(name) ?? 0;
      return limit > 0 ? [[name, left / limit]] : [];
    }),
  );
}

/** Of `/readyz`, and where that is not asked, of the metrics. The account at the model's API is `accountFails`. */
function dependenciesOf({ samples, health }: Scrape): Record<string, boolean> {
  const known = ['postgres', 'redis', 'keys', 'identity'].flatMap((name) => {
    const up = sumOf(samples, `dash_${name}_up`);
    return up === undefined ? [] : [[name, up > 0] as const];
  });
  const told = Object.entries(health?.dependencies ?? {})
    .filter(([name]) => name !== 'account')
    .map(([name, word]) => [name, word === 'up'] as const);
  return Object.fromEntries([...known, ...told]);
}

/** By their numbers; none of a relay that is one process. */
function workersOf(change: Change, { samples, health }: Scrape): Record<string, WorkerFigures> {
  const states = health?.workers ?? {};
  const numbers = new Set([
    ...Object.keys(states),
    ...sumsBy(samples, 'dash_worker_connections', 'worker').keys(),
  ]);
  return Object.fromEntries(
    [...numbers].map((worker) => {
      const value = (name: string) => sumOf(samples, name, { worker }) ?? null;
      const cpu = change.rate('dash_worker_cpu_seconds_total', { worker }) ?? null;
      return [
        worker,
        {
          state: states[worker] ?? null,
          live: value('dash_worker_live_streams'),
          connections: value('dash_worker_connections'),
          cpu: cpu === null || cpu < 0 ? null : cpu, // one that was begun again counts anew
          residentBytes: value('dash_worker_resident_memory_bytes'),
          eventLoopP99Seconds: value('dash_worker_eventloop_lag_seconds'),
        },
      ];
    }),
  );
}

function upSeconds({ samples }: Scrape): number | null {
  const startedAt = sumOf(samples, 'dash_process_start_time_seconds');
  return startedAt === undefined ? null : Math.max(0, Date.now() / 1000 - startedAt);
}
