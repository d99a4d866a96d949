/** A game day as a table for docs/game-day.md. */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import type { HealthyHours, Outcome } from './day.ts';
import { placeOf } from './panels.ts';

export interface Day {
  readonly scale: number;
  readonly healthy: HealthyHours;
  readonly outcomes: readonly Outcome[];
  /** `dashboard: title: query` of what gave nothing all day. */
  readonly empty: readonly string[];
}

export function reportOf({ scale, healthy, outcomes, empty }: Day): string {
  const of = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' }).trim();
  const version = /version (\S+)/.exec(of('prometheus', '--version'))?.[1] ?? '';
  return [
    `Of ${new Date().toISOString().slice(0, 10)}, commit ${of('git', 'rev-parse', '--short', 'HEAD')}, Node ${process.version}, Prometheus ${version}, ${cpus().length} cores. Every duration of the rules is a ${scale}th of what`,
    'docs/grafana has; times are written as `on the clock → in the rules`.',
    '',
    `**${hours(healthy.seconds * scale)} healthy hours** (${Math.round(healthy.seconds / 60)} minutes on the clock), ${visitsOf(healthy)}: ${healthy.fired.length === 0 ? 'no alert' : healthy.fired.join(', ')}.`,
    '',
    '| fault | what was done | alerts, after | over after | log lines (warn, error, refused) | panel | runbook |',
    '|---|---|---|---|---|---|---|',
    ...outcomes.map((outcome) => row(outcome, scale)),
    '',
    'What the alerts said when they fired:',
    '',
    ...outcomes.flatMap(saidBy),
    '',
    `Queries of panels that gave nothing all day: ${empty.length === 0 ? 'none.' : ''}`,
    ...empty.map((each) => `- ${each}`),
    '',
  ].join('\n');
}

function row({ fault, fired, missing, resolvedAfterSeconds, lines }: Outcome, scale: number): string {
  const alerts = [
    ...fired.map(
      ({ alert, afterSeconds }) =>
        `${fault.alerts.includes(alert) ? `**${alert}**` : alert} ${both(afterSeconds, scale)}`,
    ),
    ...missing.map((alert) => `**${alert} did not fire**`),
  ];
  const places = fault.alerts.map(placeOf);
  const cells = [
    fault.name,
    fault.injected,
    alerts.join('; '),
    resolvedAfterSeconds === null ? 'not in time' : both(resolvedAfterSeconds, scale),
    lines.map(({ event, count }) => `\`${event}\` ${count}`).join(', '),
    unique(places.map(({ panel }) => panel)).join('; '),
    unique(places.map(({ entry }) => `[${entry}](runbook.md#${entry})`)).join(', '),
  ];
  return `| ${cells.join(' | ')} |`;
}

function saidBy({ fault, fired }: Outcome): string[] {
  return fired
    .filter(({ alert }) => fault.alerts.includes(alert))
    .map(({ alert, said }) => `- ${fault.name}, \`${alert}\`: ${said}`);
}

function both(seconds: number, scale: number): string {
  return `${Math.round(seconds)} s → ${minutes(seconds * scale)}`;
}

function minutes(seconds: number): string {
  return `${(seconds / 60).toFixed(seconds < 600 ? 1 : 0)} min`;
}

function hours(seconds: number): string {
  return (seconds / 3600).toFixed(1).replace(/\.0$/, '');
}

function visitsOf({ visits }: HealthyHours): string {
  const total = Object.values(visits).reduce((sum, each) => sum + each, 0);
  return `${total} visits (${Object.entries(visits)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ')})`;
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}
