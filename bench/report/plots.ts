/** The plots of a run: one for each kind of curve that its samples hold. Owns which and how; draws none itself. */
import type { Scenario } from '../scenario.ts';
import { type LineChart, lineChart, type Point, type Series } from './line-chart.ts';
import { type Results, samplesOf, subjectsOf } from './results.ts';
import { linearScale, logScale, nineScale, type Scale, stepScale } from './scale.ts';
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

const OWN = ['relay', 'bundle'];

const KINDS: readonly Kind[] = [
  {
    curve: 'cpu',
    scenarios: ['cpu-x1', 'cpu-x10', 'speed-x1', 'speed-x10'],
    title: 'CPU per delta by streams',
    x: 'streams',
    y: 'µs of CPU per delta (logarithmic)',
    xScale: stepScale,
    yScale: logScale,
    merged: true,
    dots: true,
  },
  {
    curve: 'latency',
    scenarios: ['cpu-x1', 'cpu-x10', 'latency'],
    title: 'Latency of deltas, upstream write to client read',
    x: 'percentile',
    y: 'ms (logarithmic)',
    xScale: nineScale,
    yScale: logScale,
    merged: true,
    dots: false,
  },
  {
    curve: 'memory',
    scenarios: ['memory', 'churn', 'long-streams', 'connections'],
    title: 'Resident memory over time',
    x: 'seconds',
    y: 'MB',
    xScale: linearScale,
    yScale: linearScale,
    merged: false,
    dots: false,
  },
  {
    curve: 'stepMemory',
    scenarios: ['saturation'],
    title: 'Resident memory by streams',
    x: 'streams',
    y: 'MB',
    xScale: stepScale,
    yScale: linearScale,
    merged: true,
    dots: true,
  },
];

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
  const kind = { ...BUSY, scenarios: [] };
  const names = { busy: 'relay', upstreamBusy: 'upstream', loadBusy: 'load generator' };
  const series = Object.entries(names).map(([curve, name]) => ({
    name,
    own: name === 'relay',
    dots: true,
    points: mergedPoints(results, scenario.name, 'relay', curve),
  }));
  return plotted('busy-saturation', kind, scenario, series);
}

const BUSY: Kind = {
  curve: 'busy',
  scenarios: [],
  title: 'Who is busy as streams double',
  x: 'streams',
  y: '% of a core',
  xScale: stepScale,
  yScale: linearScale,
  merged: true,
  dots: true,
};

function seriesOf(results: Results, scenario: string, kind: Kind): readonly Series[] {
  return subjectsOf(results, scenario).map((subject) => ({
    name: subject,
    own: OWN.includes(subject),
    dots: kind.dots,
    points: kind.merged
      ? mergedPoints(results, scenario, subject, kind.curve)
      : lastPoints(results, scenario, subject, kind.curve),
  }));
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
