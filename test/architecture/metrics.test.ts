/** The catalogue of metrics: in the runbook as it is in the code, with names by Prometheus's conventions and closed labels. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withMetrics } from '../../scripts/document-metrics.ts';
import { WEBSOCKET_PATHS } from '../../src/http/websocket/upgrade-request.ts';
import { METRICS, type MetricDefinition } from '../../src/observability/metric-definitions.ts';
import { REFUSAL_REASON, ROUTE } from '../../src/observability/metric-labels.ts';
import { PROCESS_METRICS } from '../../src/observability/process-metrics.ts';
import { readProjectFile, sourceFiles } from './source-files.ts';

const own = Object.entries<MetricDefinition>(METRICS);

it('the runbook has every metric', () => {
  const runbook = readFileSync('docs/runbook.md', 'utf8');
  expect(withMetrics(runbook)).toBe(runbook);
});

it('names say what they are: dash_, counters end in _total, units are the base ones', () => {
  for (const [name, { type, help, labels = {} }] of own) {
    expect(name).toMatch(/^dash_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    expect(name).not.toMatch(/_(ms|millis|minutes|kb|mb|percent)(_|$)/);
    expect(help, name).not.toMatch(/\.$/);
    for (const { are, values = [] } of Object.values(labels)) expect(are ?? values.length, name).toBeTruthy();
    expect(name in PROCESS_METRICS, name).toBe(false);
  }
});

it('each word that the code gives as the cause of a refusal is a reason of the set', () => {
  const causes = sourceFiles(
    'src/auth',
    'src/http',
    'src/run',
    'src/relay',
    'src/connection',
    'src/quota',
  ).flatMap(({ text }) => Array.from(text.matchAll(/\bcause: '([a-z_]+)'/g), ([, cause]) => cause));
  expect(causes.length).toBeGreaterThan(15);
  const reasons: readonly unknown[] = REFUSAL_REASON.values;
  expect(causes.filter((cause) => !reasons.includes(cause))).toEqual([]);
});

it('each route that is registered has a place in the set', () => {
  const registered = readProjectFile('src/http/routes/routes.ts').matchAll(/\bon: '[A-Z]+ ([^']+)'/g);
  const routes = [...Array.from(registered, ([, route]) => route), ...WEBSOCKET_PATHS];
  expect(routes.length).toBeGreaterThan(15);
  const known: readonly unknown[] = ROUTE.values;
  expect(routes.filter((route) => !known.includes(route))).toEqual([]);
});
