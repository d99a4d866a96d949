/** The metrics of the process, which prom-client has: their names, and what an operator sees by them. */
import type { MetricType } from './metric-definitions.ts';
import type { LabelSet } from './metric-labels.ts';

export type ProcessMetric = MetricType & {
  readonly labels?: Readonly<Record<string, LabelSet>>;
  readonly when: string | null;
  /** Only there. */
  readonly needs?: 'Linux';
};

const RESOURCE: LabelSet = { are: 'a kind of resource, in the words of Node' };
const HEAP_SPACE: LabelSet = { are: 'a space of the heap, in the words of V8' };

export const PROCESS_METRICS = {
  dash_process_cpu_user_seconds_total: { type: 'counter', when: null },
  dash_process_cpu_system_seconds_total: { type: 'counter', when: null },
  dash_process_cpu_seconds_total: {
    type: 'counter',
    when: '`rate(…[5m])` above 0.8: streams take turns on one thread, and soon wait for it; with WORKERS see `dash_worker_cpu_seconds_total`',
  },
  dash_process_start_time_seconds: {
    type: 'gauge',
    merge: 'min',
    when: 'it changes without a deploy: it was restarted',
  },
  dash_process_resident_memory_bytes: {
    type: 'gauge',
    merge: 'sum',
    when: 'near the limit of the machine or container: new questions are refused (`memory pressure changed`)',
  },
  dash_process_virtual_memory_bytes: { type: 'gauge', merge: 'sum', when: null, needs: 'Linux' },
  dash_process_heap_bytes: { type: 'gauge', merge: 'sum', when: null, needs: 'Linux' },
  dash_process_open_fds: {
    type: 'gauge',
    merge: 'max',
    when: 'near `dash_process_max_fds`: connections are refused; raise `ulimit -n`',
    needs: 'Linux',
  },
  dash_process_max_fds: { type: 'gauge', merge: 'min', when: null, needs: 'Linux' },
  dash_nodejs_eventloop_lag_seconds: { type: 'gauge', merge: 'max', when: null },
  dash_nodejs_eventloop_lag_min_seconds: { type: 'gauge', merge: 'min', when: null },
  dash_nodejs_eventloop_lag_max_seconds: { type: 'gauge', merge: 'max', when: null },
  dash_nodejs_eventloop_lag_mean_seconds: { type: 'gauge', merge: 'max', when: null },
  dash_nodejs_eventloop_lag_stddev_seconds: { type: 'gauge', merge: 'max', when: null },
  dash_nodejs_eventloop_lag_p50_seconds: { type: 'gauge', merge: 'max', when: null },
  dash_nodejs_eventloop_lag_p90_seconds: { type: 'gauge', merge: 'max', when: null },
  dash_nodejs_eventloop_lag_p99_seconds: {
    type: 'gauge',
    merge: 'max',
    when: 'above 0.1: every stream is late by that; too many streams for one process, or a CPU that is shared',
  },
  dash_nodejs_active_resources: { type: 'gauge', merge: 'sum', labels: { type: RESOURCE }, when: null },
  dash_nodejs_active_resources_total: { type: 'gauge', merge: 'sum', when: null },
  dash_nodejs_active_handles: { type: 'gauge', merge: 'sum', labels: { type: RESOURCE }, when: null },
  dash_nodejs_active_handles_total: { type: 'gauge', merge: 'sum', when: null },
  dash_nodejs_active_requests: { type: 'gauge', merge: 'sum', labels: { type: RESOURCE }, when: null },
  dash_nodejs_active_requests_total: { type: 'gauge', merge: 'sum', when: null },
  dash_nodejs_heap_size_total_bytes: { type: 'gauge', merge: 'sum', when: null },
  dash_nodejs_heap_size_used_bytes: {
    type: 'gauge',
    merge: 'sum',
    when: 'it rises for hours and does not fall at night: something is kept that should go',
  },
  dash_nodejs_external_memory_bytes: { type: 'gauge', merge: 'sum', when: null },
  dash_nodejs_heap_space_size_total_bytes: {
    type: 'gauge',
    merge: 'sum',
    labels: { space: HEAP_SPACE },
    when: null,
  },
  dash_nodejs_heap_space_size_used_bytes: {
    type: 'gauge',
    merge: 'sum',
    labels: { space: HEAP_SPACE },
    when: null,
  },
  dash_nodejs_heap_space_size_available_bytes: {
    type: 'gauge',
    merge: 'sum',
    labels: { space: HEAP_SPACE },
    when: null,
  },
  dash_nodejs_version_info: {
    type: 'gauge',
    merge: 'first',
    labels: {
      version: { are: 'a version' },
      major: { are: 'a version' },
      minor: { are: 'a version' },
      patch: { are: 'a version' },
    },
    when: null,
  },
  dash_nodejs_gc_duration_seconds: {
    type: 'histogram',
    labels: { kind: { are: 'a kind of collection, in the words of V8' } },
    when: '`rate(…_sum[5m])` above 0.1: memory is short, and a tenth of the time goes there',
  },
} as const satisfies Readonly<Record<string, ProcessMetric>>;
