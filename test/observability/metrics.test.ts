/** What a relay exposes at /metrics: all of the catalogue and nothing else, from its first moment on. */
import { expect, it } from 'vitest';
import { METRICS, type MetricDefinition } from '../../src/observability/metric-definitions.ts';
import { CATALOGUE, requireCataloguedMetrics, seriesOf } from '../support/catalogued-metrics.ts';
import { ask } from '../support/http-doors.ts';
import { startSimulatedRelay } from '../support/relay-process.ts';

const own = Object.entries<MetricDefinition>(METRICS);

it('a relay that needs nothing else exposes all but what others give it, and nothing beyond', async () => {
  await using relay = await startSimulatedRelay();
  const { body } = await ask(`${relay.url}/metrics`);
  requireCataloguedMetrics(body);
  const exposed = new Set(Array.from(body.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name));
  const expected = [...CATALOGUE].filter(
    ([, { needs = 'Linux' }]) => needs === 'Linux' && process.platform === 'linux',
  );
  expect(expected.map(([name]) => name).filter((name) => !exposed.has(name))).toEqual([]);
});

it('counters begin at 0, those of actions and models in use as well', async () => {
  await using relay = await startSimulatedRelay();
  const series = seriesOf((await ask(`${relay.url}/metrics`)).body);
  const counters = own
    .filter(([, { type, needs }]) => type === 'counter' && needs === undefined)
    .map(([name]) => name);
  const begun = new Set(series.map(({ name }) => name));
  // Its labels have too many values to begin with all of them; no tool is configured.
  const later = ['dash_refusals_total', 'dash_tool_calls_total'];
  expect(counters.filter((name) => !begun.has(name) && !later.includes(name))).toEqual([]);
  const of = (name: string) => series.filter((each) => each.name === name);
  expect(of('dash_streams_ended_total').every(({ value }) => value === 0)).toBe(true);
  expect(of('dash_cost_usd_total')).toContainEqual({
    name: 'dash_cost_usd_total',
    labels: { action: 'chat', model: 'claude-sonnet-5-5' },
    value: 0,
  });
});

it('the comparison finds what the catalogue lacks', () => {
  const type = (name: string, of: string): string => `# TYPE ${name} ${of}\n`;
  expect(() => requireCataloguedMetrics(`${type('dash_more', 'gauge')}dash_more 1\n`)).toThrow('dash_more');
  expect(() => requireCataloguedMetrics(type('dash_connections', 'counter'))).toThrow('no counter');
  expect(() =>
    requireCataloguedMetrics(
      `${type('dash_upgrades_total', 'counter')}dash_upgrades_total{outcome="mine"} 1\n`,
    ),
  ).toThrow('mine');
  expect(() => requireCataloguedMetrics('dash_connections{user="u1"} 1\n')).toThrow('user');
});
