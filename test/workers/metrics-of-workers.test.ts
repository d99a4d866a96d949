/** Metrics of several processes as those of one. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { type MetricSnapshot, mergeOf, snapshotOf } from '../../src/observability/metric-snapshot.ts';
import { MetricsOfWorkers } from '../../src/workers/metrics-of-workers.ts';
import { CATALOGUE } from '../support/catalogued-metrics.ts';

interface Figures {
  readonly ended: number;
  readonly live: number;
  readonly redisUp: number;
  readonly lagSeconds: number;
}

async function snapshot({ ended, live, redisUp, lagSeconds }: Figures): Promise<MetricSnapshot> {
  const registers = [new Registry()];
  const of = (name: string) => ({ name, help: name, registers });
  new Counter({ ...of('dash_streams_ended_total'), labelNames: ['status'] }).inc({ status: 'done' }, ended);
  new Histogram({ ...of('dash_first_token_seconds'), buckets: [1] }).observe(0.5);
  new Gauge(of('dash_live_streams')).set(live);
  new Gauge(of('dash_redis_up')).set(redisUp);
  new Gauge(of('dash_nodejs_eventloop_lag_p99_seconds')).set(lagSeconds);
  return snapshotOf(registers[0] as Registry);
}

async function valuesOf(metrics: MetricsOfWorkers): Promise<Record<string, number>> {
  const lines = (await metrics.text([])).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.split(' ')[0], Number(line.split(' ')[1])]));
}

it('counts add up, the worst of each gauge shows, and what is no number yet does not', async () => {
  const metrics = new MetricsOfWorkers();
  metrics.took(1, await snapshot({ ended: 3, live: 2, redisUp: 1, lagSeconds: 0.01 }));
  metrics.took(2, await snapshot({ ended: 4, live: 5, redisUp: 0, lagSeconds: 0.3 }));
  metrics.took(3, await snapshot({ ended: 0, live: 0, redisUp: 1, lagSeconds: Number.NaN }));
  expect(await valuesOf(metrics)).toEqual({
    'dash_streams_ended_total{status="done"}': 7,
    'dash_first_token_seconds_bucket{le="1"}': 3,
    'dash_first_token_seconds_bucket{le="+Inf"}': 3,
    dash_first_token_seconds_sum: 1.5,
    dash_first_token_seconds_count: 3,
    dash_live_streams: 7,
    dash_redis_up: 0,
    dash_nodejs_eventloop_lag_p99_seconds: 0.3,
    'dash_worker_live_streams{worker="1"}': 2,
    'dash_worker_live_streams{worker="2"}': 5,
    'dash_worker_live_streams{worker="3"}': 0,
    'dash_worker_eventloop_lag_seconds{worker="1"}': 0.01,
    'dash_worker_eventloop_lag_seconds{worker="2"}': 0.3,
  });
});

it('what a process counted stays when it ends or does not answer; what it had is gone', async () => {
  const metrics = new MetricsOfWorkers();
  metrics.took(1, await snapshot({ ended: 3, live: 2, redisUp: 1, lagSeconds: 0.01 }));
  metrics.took(2, await snapshot({ ended: 4, live: 5, redisUp: 1, lagSeconds: 0.3 }));
  metrics.ended(2);
  metrics.took(2, await snapshot({ ended: 1, live: 1, redisUp: 1, lagSeconds: 0.01 }));
  metrics.ended(2);
  metrics.took(2, undefined);
  metrics.took(1, undefined);
  expect(await valuesOf(metrics)).toEqual({
    'dash_streams_ended_total{status="done"}': 8,
    'dash_first_token_seconds_bucket{le="1"}': 3,
    'dash_first_token_seconds_bucket{le="+Inf"}': 3,
    dash_first_token_seconds_sum: 1.5,
    dash_first_token_seconds_count: 3,
  });
});

it('each metric of the catalogue has its way', () => {
  for (const [name, { type, merge }] of CATALOGUE) {
    if (type === 'gauge') expect(['sum', 'min', 'max', 'first'], name).toContain(merge);
    else expect(merge, name).toBeUndefined();
    expect(mergeOf(name), name).toBe(merge ?? 'sum');
  }
  const up = [...CATALOGUE].filter(([name]) => name.endsWith('_up'));
  expect(up.length).toBeGreaterThan(4);
  for (const [name, { merge }] of up) expect(merge, name).toBe('min');
  for (const [name, { merge }] of CATALOGUE)
    if (/_oldest_|_age_|eventloop_lag_(p|max)|_fails$|_degraded$/.test(name)) expect(merge, name).toBe('max');
});
