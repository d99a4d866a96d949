import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { scaledRules } from '../../bench/game-day/scaled-rules.ts';

it('makes durations a part of what they are: ranges, steps, offsets and how long an alert holds', () => {
  const rules = 'expr: sum_over_time(x[1h:5m]) > rate(y[5m]) offset 1d\nfor: 10m';
  expect(scaledRules(rules, 20)).toBe(
    'expr: sum_over_time(x[180000ms:15000ms]) > rate(y[15000ms]) offset 4320000ms\nfor: 30000ms',
  );
});

it('makes what an age is compared with less, and leaves latencies and counts as they are', () => {
  expect(scaledRules('max by (job) (dash_usage_oldest_waiting_seconds) > 3600', 20)).toContain('> 180');
  expect(scaledRules('job:dash_first_token_seconds:p95_5m > 3', 20)).toBe(
    'job:dash_first_token_seconds:p95_5m > 3',
  );
});

it('leaves no duration of the real rules as it was', () => {
  for (const file of ['recording.yml', 'alerts.yml'])
    expect(scaledRules(readFileSync(`docs/grafana/rules/${file}`, 'utf8'), 20)).not.toMatch(
      /\[\d+[smhd][:\]]|: \d+[smhd]$|offset \d+[smhd]\b/m,
    );
});
