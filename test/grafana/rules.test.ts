/** Alerts and recording rules in real Prometheus: when each fires, and that none does in healthy hours. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { DASHBOARDS } from '../../scripts/write-dashboards.ts';
import { promtool } from './prometheus.ts';
import { alerts, RULES } from './rules-file.ts';

const FIRING = ['alerts.test.yml', 'alerts-of-a-day.test.yml'];

it('Prometheus takes the rules', async () => {
  const said = await promtool('check', 'rules', `${RULES}/recording.yml`, `${RULES}/alerts.yml`);
  expect(said).toContain(`SUCCESS: ${alerts.length} rules found`);
});

it('Prometheus takes every query of every panel', async () => {
  const queries = DASHBOARDS.flatMap(({ rows }) =>
    rows.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries.map(({ expr }) => expr))),
  );
  const rules = queries.map((expr, index) => ({
    record: `panel:${index}`,
    expr: expr.replaceAll('$__rate_interval', '1m'),
  }));
  const directory = mkdtempSync(join(tmpdir(), 'panels-'));
  try {
    const file = join(directory, 'panels.yml');
    writeFileSync(file, stringify({ groups: [{ name: 'panels', rules }] }));
    const said = await promtool('check', 'rules', file);
    expect(said).toContain(`SUCCESS: ${queries.length} rules found`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

it('each alert fires by its fault and by no other, and ends with it', async () => {
  const said = await promtool('test', 'rules', ...FIRING.map(inFolder));
  expect(said.match(/SUCCESS/g)).toHaveLength(FIRING.length);
});

it('none fires in three healthy hours, nor in an idle relay without Redis and Postgres', async () => {
  expect(await promtool('test', 'rules', inFolder('healthy.test.yml'))).toContain('SUCCESS');
});

it('no alert is without a test in which it fires', () => {
  const expected = FIRING.flatMap((file) => firingIn(readFileSync(inFolder(file), 'utf8')));
  expect(alerts.map(({ alert }) => alert).filter((name) => !expected.includes(name))).toEqual([]);
});

function inFolder(file: string): string {
  return `test/grafana/rules/${file}`;
}

interface RuleTests {
  readonly tests: readonly {
    readonly promql_expr_test?: readonly { readonly exp_samples: readonly { readonly labels: string }[] }[];
  }[];
}

function firingIn(file: string): string[] {
  const { tests } = parse(file) as RuleTests;
  const samples = tests.flatMap(({ promql_expr_test: queries = [] }) =>
    queries.flatMap((query) => query.exp_samples),
  );
  return samples.flatMap(({ labels }) => /alertname="(\w+)"/.exec(labels)?.[1] ?? []);
}
