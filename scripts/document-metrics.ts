/** `npm run docs:metrics`: writes the runbook's table of metrics from the code's, between its two markers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { METRICS, type MetricDefinition } from '../src/observability/metric-definitions.ts';
import type { LabelSet } from '../src/observability/metric-labels.ts';
import { PROCESS_METRICS, type ProcessMetric } from '../src/observability/process-metrics.ts';
import { withSection } from './marked-section.ts';

const RUNBOOK = new URL('../docs/runbook.md', import.meta.url);
const MARKERS = {
  of: 'docs/runbook.md',
  begin: '<!-- metrics: written by `npm run docs:metrics` -->\n',
  end: '<!-- /metrics -->',
};

/** @throws Error where the markers are missing */
export function withMetrics(runbook: string): string {
  return withSection(runbook, MARKERS, tables());
}

function tables(): string {
  const own = Object.entries<MetricDefinition>(METRICS).map(([name, { type, labels, help, when, needs }]) =>
    row([nameCell(name, needs), type, labelCell(labels), help, when ?? '']),
  );
  const ofProcess = Object.entries<ProcessMetric>(PROCESS_METRICS).map(
    ([name, { type, labels, when, needs }]) =>
      row([nameCell(name, needs), type, labelCell(labels), when ?? '']),
  );
  return [
    row(['metric', 'type', 'labels', 'is', 'look when']),
    '|---|---|---|---|---|',
    ...own,
    '',
    'Of the process, by the library for Prometheus:',
    '',
    row(['metric', 'type', 'labels', 'look when']),
    '|---|---|---|---|',
    ...ofProcess,
    '',
  ].join('\n');
}

function nameCell(name: string, needs: string | undefined): string {
  return needs === undefined ? `\`${name}\`` : `\`${name}\` (with ${needs})`;
}

function labelCell(labels: Readonly<Record<string, LabelSet>> = {}): string {
  return Object.entries(labels)
    .map(([name, { are, values = [] }]) => `\`${name}\`: ${are ?? values.join(', ')}`)
    .join('; ');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

if (import.meta.main) writeFileSync(RUNBOOK, withMetrics(readFileSync(RUNBOOK, 'utf8')));
