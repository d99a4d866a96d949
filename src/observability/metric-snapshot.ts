/**
 * The metrics of several processes as those of one. What becomes of a metric's values where processes have one each is
 * said with the metric, in metric-definitions.ts and process-metrics.ts.
 */
import {
  AggregatorRegistry,
  type MetricObjectWithValues,
  type MetricValue,
  type Registry,
} from 'prom-client';
import { METRICS, type Merge, type MetricDefinition, type MetricName } from './metric-definitions.ts';
import { PROCESS_METRICS, type ProcessMetric } from './process-metrics.ts';

/** All metrics of one process at one moment, to be sent to another. */
export type MetricSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

const CATALOGUE: Readonly<Record<string, MetricDefinition | ProcessMetric>> = {
  ...METRICS,
  ...PROCESS_METRICS,
};

/** What is counted adds up; of a gauge the catalogue says it. */
export function mergeOf(name: string): Merge {
  return CATALOGUE[name]?.merge ?? 'sum';
}

export async function snapshotOf(registry: Registry): Promise<MetricSnapshot> {
  return (await registry.getMetricsAsJSON()) as unknown as MetricSnapshot;
}

/** In the format of Prometheus. */
export async function mergedText(snapshots: readonly MetricSnapshot[]): Promise<string> {
  return await merged(snapshots).metrics();
}

/** What never falls while a process lives, and so must not where one of several has ended: counters and histograms. */
export function countedIn(snapshot: MetricSnapshot): MetricSnapshot {
  return snapshot.filter(({ name }) => CATALOGUE[name]?.type !== 'gauge');
}

/** What an operator compares processes by, and what it is called where it is that of one of several. */
const OF_EACH = {
  dash_connections: 'dash_worker_connections',
  dash_live_streams: 'dash_worker_live_streams',
  dash_process_cpu_seconds_total: 'dash_worker_cpu_seconds_total',
  dash_process_resident_memory_bytes: 'dash_worker_resident_memory_bytes',
  dash_nodejs_eventloop_lag_p99_seconds: 'dash_worker_eventloop_lag_seconds',
} as const satisfies Readonly<Record<string, MetricName>>;

/** With the number of the process as a label. @param snapshots by that number */
export function snapshotOfEach(snapshots: ReadonlyMap<number, MetricSnapshot>): MetricSnapshot {
  return Object.entries(OF_EACH).map(([of, name]) => {
    const values = [...snapshots].flatMap(([worker, snapshot]) =>
      (snapshot.find((metric) => metric.name === of)?.values ?? []).map(({ value }) => ({
        value,
        labels: { worker: String(worker) },
      })),
    );
    const { help, type } = METRICS[name];
    return { name, help, type, values } as unknown as MetricSnapshot[number];
  });
}

/** One of them for several. */
export function mergedSnapshot(snapshots: readonly MetricSnapshot[]): MetricSnapshot {
  // Of merged metrics the registry holds the values themselves.
  return merged(snapshots).getMetricsAsArray() as unknown as MetricSnapshot;
}

function merged(snapshots: readonly MetricSnapshot[]): Registry {
  return AggregatorRegistry.aggregate(snapshots.map((snapshot) => snapshot.map(prepared)));
}

/** A process that has just started has no delay of its event loop yet, which is no number. */
function prepared(metric: MetricSnapshot[number]): MetricSnapshot[number] {
  const values = metric.values.filter(({ value }) => !Number.isNaN(value));
  return { ...metric, values, aggregator: mergeOf(metric.name) };
}
