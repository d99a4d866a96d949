/** What rules and panels ask for is there: every metric, every label of it, and every value of a label. */
import { expect, it } from 'vitest';
import { DASHBOARDS } from '../../scripts/write-dashboards.ts';
import { METRICS, type MetricDefinition } from '../../src/observability/metric-definitions.ts';
import { PROCESS_METRICS } from '../../src/observability/process-metrics.ts';
import { alerts, recordings } from './rules-file.ts';

/** Of Prometheus itself. */
const OWN = ['up', 'ALERTS'];
/** Labels that Prometheus puts on everything it scrapes. */
const OF_TARGETS = ['job', 'instance'];

const recorded = new Set(recordings.map(({ record }) => record));
const expressions = [
  ...[...alerts, ...recordings].map(({ expr }) => expr),
  ...DASHBOARDS.flatMap(({ rows }) =>
    rows.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ expr }) => expr))),
  ),
];

interface Selector {
  readonly metric: string;
  readonly matchers: readonly (readonly [label: string, value: string])[];
}

const selectors = expressions.flatMap((expr): Selector[] =>
  [
    ...expr
      .replaceAll(/__name__=~"[^"]+"/g, '')
      .matchAll(/\b((?:dash_|job:)[\w:]+|up|ALERTS)\b(?:\{([^}]*)\})?/g),
  ].map(([, metric = '', inner = '']) => ({
    metric,
    matchers: [...inner.matchAll(/(\w+)(?:=~|!~|!=|=)"([^"]*)"/g)].map(
      ([, label = '', value = '']) => [label, value] as const,
    ),
  })),
);

it('every metric that is asked for is exposed, or recorded', () => {
  expect(selectors.length).toBeGreaterThan(150);
  const unknown = selectors.map(({ metric }) => metric).filter((metric) => !isKnown(metric));
  expect([...new Set(unknown)]).toEqual([]);
});

it('every label in braces is one of its metric, with values that it has', () => {
  const wrong = selectors.flatMap(({ metric, matchers }) => {
    const labels = labelsOf(metric);
    if (labels === undefined) return [];
    return matchers.flatMap(([label, value]) => {
      if (OF_TARGETS.includes(label)) return [];
      const set = labels[label];
      if (set === undefined) return `${metric}: no label ${label}`;
      const { values } = set;
      const fits =
        values === undefined || alternativesOf(value).every((each) => values.some((one) => each.test(one)));
      return fits ? [] : `${metric}: ${label} is never ${value}`;
    });
  });
  expect(wrong).toEqual([]);
});

it('every metric that a rule names in a pattern is there', () => {
  const patterns = expressions.flatMap((expr) =>
    [...expr.matchAll(/__name__=~"([^"]+)"/g)].map(([, pattern = '']) => pattern),
  );
  const names = Object.keys(METRICS);
  const found = patterns
    .flatMap(alternativesOf)
    .map((pattern) => names.filter((name) => pattern.test(name)).length);
  expect(found.every((count) => count > 0)).toBe(true);
});

function isKnown(metric: string): boolean {
  return (
    OWN.includes(metric) ||
    recorded.has(metric) ||
    definitionOf(metric) !== undefined ||
    metric in PROCESS_METRICS
  );
}

/** A histogram goes by three names. */
function definitionOf(metric: string): MetricDefinition | undefined {
  const all: Readonly<Record<string, MetricDefinition>> = METRICS;
  return all[metric] ?? all[metric.replace(/_(bucket|count|sum)$/, '')];
}

/** Undefined where they are not ours to say. */
function labelsOf(metric: string): MetricDefinition['labels'] | undefined {
  const definition = definitionOf(metric);
  return definition === undefined ? undefined : (definition.labels ?? {});
}

/** `a|b.*` as patterns of whole values; what stands in brackets belongs to each: `a_(b|c)`. */
function alternativesOf(pattern: string): RegExp[] {
  const bracket = /^(.*?)\(([^()]*)\)(.*)$/.exec(pattern);
  const texts =
    bracket === null
      ? pattern.split('|')
      : (bracket[2] ?? '').split('|').map((each) => `${bracket[1]}${each}${bracket[3]}`);
  return texts.map((text) => new RegExp(`^(?:${text})$`));
}
