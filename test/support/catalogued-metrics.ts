/** What a relay exposes, held against the catalogue: known names of the right type, and labels with values of their sets. */
import { METRICS, type MetricDefinition } from '../../src/observability/metric-definitions.ts';
import type { LabelSet } from '../../src/observability/metric-labels.ts';
import { PROCESS_METRICS, type ProcessMetric } from '../../src/observability/process-metrics.ts';

/** All of them, of the relay and its process. */
export const CATALOGUE: ReadonlyMap<string, MetricDefinition | ProcessMetric> = new Map(
  Object.entries<MetricDefinition | ProcessMetric>({ ...METRICS, ...PROCESS_METRICS }),
);

export interface Series {
  /** Of the metric: without the suffixes of a histogram. */
  readonly name: string;
  /** `le` is the format's own. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** What /metrics says, line by line. @throws Error where a line is none of the format */
export function seriesOf(exposed: string): Series[] {
  const types = new Map(
    Array.from(exposed.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name, type]) => [name, type]),
  );
  return exposed.split('\n').flatMap((line) => {
    if (line === '' || line.startsWith('#')) return [];
    const [, sample = '', labels = '', value] = LINE.exec(line) ?? [];
    if (sample === '') throw new Error(`no line of Prometheus's format: ${line}`);
    const stem = sample.replace(/_(bucket|sum|count)$/, '');
    const name = types.get(stem) === 'histogram' ? stem : sample;
    const pairs = Array.from(labels.matchAll(LABEL), ([, label = '', text = '']) => [label, text] as const);
    return [
      { name, labels: Object.fromEntries(pairs.filter(([label]) => label !== 'le')), value: Number(value) },
    ];
  });
}

/** @throws Error naming everything that the catalogue does not have */
export function requireCataloguedMetrics(exposed: string): void {
  const problems = new Set<string>();
  for (const [, name = '', type] of exposed.matchAll(/^# TYPE (\S+) (\S+)$/gm))
    if (CATALOGUE.get(name)?.type !== type) problems.add(`${name}: no ${type} of the catalogue`);
  for (const { name, labels } of seriesOf(exposed)) {
    const sets: Readonly<Record<string, LabelSet>> = CATALOGUE.get(name)?.labels ?? {};
    if (Object.keys(labels).sort().join() !== Object.keys(sets).sort().join())
      problems.add(`${name}: other labels than in the catalogue: ${Object.keys(labels).join(', ')}`);
    for (const [label, value] of Object.entries(labels))
      if (sets[label]?.values?.includes(value) === false)
        problems.add(`${name}: no value of ${label} in the catalogue: ${value}`);
  }
  if (problems.size > 0) throw new Error([...problems].join('\n'));
}
