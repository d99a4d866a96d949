/** A soak as text and plots: a line a minute, what was counted, and whether it held. */
import { execFileSync } from 'node:child_process';
import { describeMachine } from '../machine.ts';
import { lineChart, type Series } from '../report/line-chart.ts';
import { linearScale, timeScale } from '../report/scale.ts';
import { table } from '../report/table.ts';
import { type Held, medianOf, type Sample } from './samples.ts';
import type { Line } from './verdict.ts';

export interface Soak {
  readonly minutes: number;
  readonly perSecond: number;
  /** Of machine a. */
  readonly samples: readonly Sample[];
  readonly events: readonly SoakEvent[];
  /** Endings, refusals, resumes, connections and what else the clients counted. */
  readonly counts: ReadonlyMap<string, number>;
  readonly lines: readonly Line[];
}

export interface SoakEvent {
  readonly minutes: number;
  readonly name: string;
}

const HEADS = [
  'minute',
  'live',
  'resident MB',
  'heap MB',
  'external MB',
  'logs KB',
  'timers',
  'handles',
  'descriptors',
  'sockets',
  'outbox',
  'ledger KB',
  'what happened',
];

/** @param plots files of the plots, with their titles */
export function reportOf(soak: Soak, plots: readonly Plot[]): string {
  const { minutes, perSecond, counts, lines } = soak;
  const { cpu, cores, memoryGb, node } = describeMachine();
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  return [
    `Of ${new Date().toISOString().slice(0, 10)}, commit ${commit}, Node ${node}, ${cpu}, ${cores} cores, ${memoryGb} GB: ${minutes} minutes, ${perSecond} visits a second.`,
    '',
    ...table(
      ['what has to hold', '', 'counted'],
      lines.map(({ what, holds, counted }) => [what, wordOf(holds), counted]),
    ),
    '',
    ...plots.flatMap(({ file, title }) => [`![${title}](${file})`, '']),
    'Machine a, the median of each minute:',
    '',
    ...table(HEADS, rowsOf(soak)),
    '',
    `What clients counted: ${[...counts]
      .toSorted(([, one], [, other]) => other - one)
      .map(([what, count]) => `${what} ${count}`)
      .join(', ')}.`,
    '',
  ].join('\n');
}

export function wordOf(holds: boolean | null): string {
  return holds === null ? '–' : holds ? 'holds' : '**does not hold**';
}

function rowsOf({ samples, events }: Soak): readonly (readonly string[])[] {
  const byMinute = Map.groupBy(samples, ({ minutes }) => Math.floor(minutes));
  return [...byMinute].map(([minute, of]) => minuteRow(minute, of, events));
}

/** @param of the samples of that minute */
export function minuteRow(
  minute: number,
  of: readonly Sample[],
  events: readonly SoakEvent[],
): readonly string[] {
  const { live, resident, heap, external, logs, timers, handles, descriptors, sockets, outbox, ledger } =
    medianOf(of);
  const happened = events.filter(({ minutes }) => Math.floor(minutes) === minute).map(({ name }) => name);
  return [
    ...[minute, live].map(String),
    ...[resident, heap, external].map((bytes) => (bytes / 1e6).toFixed(1)),
    (logs / 1e3).toFixed(0),
    ...[timers, handles, descriptors, sockets, outbox].map(String),
    (ledger / 1e3).toFixed(0),
    happened.join(', '),
  ];
}

export function headRow(): readonly string[] {
  return HEADS;
}

export interface Plot {
  readonly file: string;
  readonly title: string;
  readonly svg: string;
}

const COLOURS = ['#0b6bcb', '#d1495b', '#2f7d4f', '#e0902f', '#7b5ea7', '#6b7280'];

export function plotsOf({ samples, minutes }: Soak): readonly Plot[] {
  const plot = (name: string, title: string, unit: string, scale: number, shown: readonly Held[]): Plot => {
    const series = shown.map(
      (held, index): Series => ({
        name: held,
        colour: COLOURS[index] ?? '#000000',
        own: index === 0,
        points: samples.map((sample) => ({ x: sample.minutes, y: sample[held] / scale })),
      }),
    );
    const all = series.flatMap(({ points }) => points);
    const svg = lineChart({
      title,
      subtitle: `machine a over ${minutes} minutes; quiet after the warm-up and at the end`,
      x: { label: 'minutes', scale: timeScale(all.map(({ x }) => x)) },
      y: { label: unit, scale: linearScale(all.map(({ y }) => y)) },
      series,
    });
    return { file: `soak-${name}.svg`, title, svg };
  };
  return [
    plot('memory', 'Memory over a soak', 'MB', 1e6, ['resident', 'heap', 'external', 'logs']),
    plot('handles', 'What is open over a soak', 'count', 1, [
      'handles',
      'descriptors',
      'sockets',
      'timers',
      'live',
    ]),
    plot('outbox', 'Usage rows that Postgres lacks over a soak', 'rows', 1, ['outbox']),
  ];
}
