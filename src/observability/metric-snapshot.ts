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
import { METRICS, type Merge, type MetricDefinition } from './metric-definitions.ts';
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
