/** The alert and recording rules of docs/grafana, as they are loaded by Prometheus. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<'summary' | 'description' | 'runbook', string>>;
}

export interface Recording {
  readonly record: string;
  readonly expr: string;
}

export const RULES = 'docs/grafana/rules';
export const alerts = rulesOf<Alert>('alerts.yml');
export const recordings = rulesOf<Recording>('recording.yml');

function rulesOf<Rule>(file: string): readonly Rule[] {
  const { groups } = parse(readFileSync(`${RULES}/${file}`, 'utf8')) as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}
