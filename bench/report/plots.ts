/** The plots of a run: one for each kind of curve that its samples hold. Owns which and how; draws none itself. */
import type { Scenario } from '../scenario.ts';
import { type LineChart, lineChart, type Point, type Series } from './line-chart.ts';
import { type Results, samplesOf, subjectsOf } from './results.ts';
import { linearScale, logScale, nineScale, type Scale, stepScale, timeScale } from './scale.ts';
import { median, spreadOf } from './statistics.ts';

export interface Plot {
  /** Without folder. */
  readonly file: string;
  readonly title: string;
  readonly svg: string;
}

interface Kind {
  /** The curve it is drawn from. */
  readonly curve: string;
  readonly scenarios: readonly string[];
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly xScale: (values: readonly number[]) => Scale;
  readonly yScale: (values: readonly number[]) => Scale;
  /** Curves of several repeats share their x: medians and whiskers. Otherwise the last repeat is shown. */
  readonly merged: boolean;
  readonly dots: boolean;
}

const OWN = ['relay', 'bundle', 'tree'];
/** One subject, one colour, in every plot: told apart also by those who see red and green alike. */
const COLOURS: Readonly<Record<string, string>> = {
  relay: '#0b6bcb',
  tree: '#0b6bcb',
  bundle: '#12a0b8',
  base: '#6b7280',
  nginx: '#d1495b',
  'nginx-plain': '#e79a9f',
  'plan-deno': '#2f7d4f',
  'plan-node': '#7fb069',
  'portkey-bun': '#7b5ea7',
  'ai-sdk': '#e0902f',
  direct: '#6b7280',
  upstream: '#d1495b',
  'load generator': '#e0902f',
};
const UNKNOWN_COLOUR = '#6b7280';

const BY_STREAMS = { x: 'streams', xScale: stepScale, merged: true, dots: true };
const CPU = { ...BY_STREAMS, curve: 'cpu', y: 'µs of CPU per delta (logarithmic)', yScale: logScale };
const LATENCY = {
  curve: 'latency',
  x: 'percentile',
  y: 'ms from upstream write to client read (logarithmic)',
  xScale: nineScale,
  yScale: logScale,
  merged: true,
  dots: false,
};

const KINDS: readonly Kind[] = [
  { ...CPU, title: 'CPU per delta by streams', scenarios: ['cpu-x1', 'cpu-x10'] },
  { ...LATENCY, title: 'Latency of deltas at 600 streams', scenarios: ['cpu-x1', 'cpu-x10'] },
  { ...LATENCY, title: 'Latency of deltas', scenarios: ['latency'] },
  {
    curve: 'memory',
    scenarios: ['memory', 'churn', 'long-streams', 'connections'],
    title: 'Resident memory over time',
    x: 'seconds since the start',
    y: 'MB',
    xScale: timeScale,
    yScale: linearScale,
    merged: false,
    dots: false,
  },
  {
    ...BY_STREAMS,
    curve: 'stepMemory',
    scenarios: ['saturation'],
    title: 'Resident memory by streams',
    y: 'MB',
    yScale: linearScale,
  },
];

/** Not of one curve for all subjects, but of several for one. */
const BUSY: Kind = {
  ...BY_STREAMS,
  curve: 'busy',
  scenarios: [],
  title: 'Who is busy as streams double',
  y: '% of a core',
  yScale: linearScale,
};

export function plotsOf(results: Results, scenarios: readonly Scenario[]): readonly Plot[] {
  const bySubject = scenarios.flatMap((scenario) =>
    KINDS.filter((kind) => kind.scenarios.includes(scenario.name)).flatMap((kind) =>
      plotted(`${kind.curve}-${scenario.name}`, kind, scenario, seriesOf(results, scenario.name, kind)),
    ),
  );
  const saturation = scenarios.filter(({ name }) => name === 'saturation');
  return [...bySubject, ...saturation.flatMap((scenario) => whoIsBusy(results, scenario))];
}

/** One subject's own plot: who of the three processes is busy at each step. */
function whoIsBusy(results: Results, scenario: Scenario): readonly Plot[] {
  const names = { busy: 'relay', upstreamBusy: 'upstream', loadBusy: 'load generator' };
  const series = Object.entries(names).map(([curve, name]) => ({
    name,
    colour: colourOf(name),
    own: name === 'relay',
    dots: true,
    points: mergedPoints(results, scenario.name, 'relay', curve),
  }));
  return plotted('busy-saturation', BUSY, scenario, series);
}

function seriesOf(results: Results, scenario: string, kind: Kind): readonly Series[] {
  return subjectsOf(results, scenario).map((subject) => ({
    name: subject,
    colour: colourOf(subject),
    own: OWN.includes(subject),
    dots: kind.dots,
    points: kind.merged
      ? mergedPoints(results, scenario, subject, kind.curve)
      : lastPoints(results, scenario, subject, kind.curve),
  }));
}

function colourOf(subject: string): string {
  return COLOURS[subject] ?? UNKNOWN_COLOUR;
}

function plotted(name: string, kind: Kind, scenario: Scenario, all: readonly Series[]): readonly Plot[] {
  const series = all.filter(({ points }) => points.length > 1);
  if (series.length === 0) return [];
  const points = series.flatMap((each) => each.points);
  const chart: LineChart = {
    title: kind.title,
    subtitle: scenario.summary,
    x: { label: kind.x, scale: kind.xScale(points.map(({ x }) => x)) },
    y: {
      label: kind.y,
      scale: kind.yScale(points.flatMap(({ y, low = y, high = y }) => [y, low, high])),
    },
    series,
  };
  return [{ file: `${name}.svg`, title: `${kind.title}, ${scenario.name}`, svg: lineChart(chart) }];
}

function mergedPoints(results: Results, scenario: string, subject: string, curve: string): readonly Point[] {
  const byX = Map.groupBy(
    samplesOf(results, scenario, subject).flatMap(({ curves }) => curves[curve] ?? []),
    ([x]) => x,
  );
  return [...byX].map(([x, points]) => {
    const { low, high } = spreadOf(points.map(([, y]) => y));
    return { x, y: median(points.map(([, y]) => y)), low, high };
  });
}

function lastPoints(results: Results, scenario: string, subject: string, curve: string): readonly Point[] {
  const last = samplesOf(results, scenario, subject).at(-1);
  return (last?.curves[curve] ?? []).map(([x, y]) => ({ x, y }));
}
