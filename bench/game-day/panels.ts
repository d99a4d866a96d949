/** The panels of docs/grafana against a Prometheus: what each of their queries gives, and which panel belongs to an alert. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { DASHBOARDS } from '../../scripts/write-dashboards.ts';
import { type Prometheus, RULES, type Series } from './prometheus.ts';

export interface PanelData {
  readonly dashboard: string;
  readonly row: string;
  readonly title: string;
  readonly kind: string;
  readonly unit: string;
  readonly lines?: object;
  readonly queries: readonly {
    readonly expr: string;
    readonly legend: string;
    readonly series: readonly Series[];
  }[];
}

/** All queries of all panels over the last `seconds`. @param instance of the machine's dashboard @throws Error of Prometheus */
export async function askPanels(
  prometheus: Prometheus,
  instance: string,
  seconds: number,
): Promise<readonly PanelData[]> {
  const all: PanelData[] = [];
  const interval = `${prometheus.scrapeMs * 4}ms`;
  const step = Math.max(prometheus.scrapeMs / 1000, seconds / 400);
  for (const { name, rows } of DASHBOARDS)
    for (const row of rows)
      for (const { title, kind, unit, lines, queries } of row.panels)
        all.push({
          dashboard: name,
          row: row.title,
          title,
          kind,
          unit,
          ...(lines === undefined ? {} : { lines }),
          queries: await Promise.all(
            queries.map(async ({ expr, legend }) => ({
              expr,
              legend,
              series: await prometheus.range(filled(expr, instance, interval), seconds, step),
            })),
          ),
        });
  return all;
}

/** As Grafana fills in its variables. */
function filled(expr: string, instance: string, interval: string): string {
  return expr
    .replaceAll('$job', 'dash-relay')
    .replaceAll('$instance', instance)
    .replaceAll('$__rate_interval', interval);
}

export interface AlertPlace {
  readonly entry: string;
  /** `dashboard: title`. */
  readonly panel: string;
  readonly holdsFor: string;
  readonly severity: string;
}

/** Where one reads on: the runbook's entry, and the first panel that links to it. */
export function placeOf(alert: string): AlertPlace {
  const { groups } = parse(readFileSync(`${RULES}/alerts.yml`, 'utf8')) as { groups: { rules: Rule[] }[] };
  const rule = groups.flatMap(({ rules }) => rules).find((each) => each.alert === alert);
  if (rule === undefined) throw new Error(`no alert ${alert}`);
  const entry = rule.annotations.runbook.split('#')[1] ?? '';
  const found = DASHBOARDS.toSorted(fleetFirst).flatMap(({ name, rows }) =>
    rows.flatMap(({ panels }) =>
      panels.flatMap((panel) => (panel.entry === entry ? `${name}: ${panel.title}` : [])),
    ),
  );
  return { entry, panel: found[0] ?? '', holdsFor: rule.for ?? '0', severity: rule.labels.severity };
}

interface Rule {
  readonly alert: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly runbook: string };
}

function fleetFirst(one: { readonly name: string }, other: { readonly name: string }): number {
  return Number(other.name === 'fleet') - Number(one.name === 'fleet');
}
