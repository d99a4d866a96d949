import { describe, expect, it } from 'vitest';
import { lineChart, spreadNames } from '../../bench/report/line-chart.ts';
import { plotsOf } from '../../bench/report/plots.ts';
import { linearScale, logScale, nineScale, stepScale, timeScale } from '../../bench/report/scale.ts';
import { resultsOf, sampleOf, scenarioWith } from './sample-results.ts';

describe('scales', () => {
  it('run from zero to a round number above all values', () => {
    const scale = linearScale([3, 87]);
    expect(scale.ticks).toEqual([0, 20, 40, 60, 80, 100]);
    expect([0, 50, 100].map(scale.place)).toEqual([0, 0.5, 1]);
  });

  it('end with the last moment where they show time', () => {
    const scale = timeScale([0, 11]);
    expect(scale.place(11)).toBe(1);
    expect(scale.ticks).toEqual([0, 2, 4, 6, 8, 10]);
  });

  it('have ticks at 1, 2 and 5 of each decade where they are logarithmic', () => {
    const scale = logScale([9, 150]);
    expect(scale.ticks).toEqual([5, 10, 20, 50, 100, 200]);
    expect(scale.place(5)).toBe(0);
    expect(scale.place(200)).toBe(1);
  });

  it('keep their ticks few over many decades', () => {
    expect(logScale([0.02, 3000]).ticks.length).toBeLessThan(12);
  });

  it('hold a value that stands alone', () => {
    expect(stepScale([600]).place(600)).toBe(0.5);
    expect(logScale([10]).place(10)).toBe(0);
  });

  it('take each further nine as far as the one before', () => {
    const { place } = nineScale([50, 99.9]);
    expect(place(99) - place(90)).toBeCloseTo(place(99.9) - place(99), 9);
  });
});

it('keeps names apart and inside the plot', () => {
  const places = spreadNames([100, 101, 102, 424]);
  const sorted = places.toSorted((left, right) => left - right);
  const gaps = sorted.slice(1).map((place, index) => place - (sorted[index] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(15);
  expect(Math.max(...places)).toBeLessThanOrEqual(424);
});

it('draws every series by its name, and escapes what would be markup', () => {
  const svg = lineChart({
    title: 'a < b & c',
    subtitle: '',
    x: { label: 'streams', scale: stepScale([100, 600]) },
    y: { label: 'µs', scale: linearScale([0, 10]) },
    series: [
      {
        name: 'relay',
        colour: '#000',
        dots: true,
        points: [
          { x: 100, y: 1, low: 0.5, high: 2 },
          { x: 600, y: 5 },
        ],
      },
    ],
  });
  expect(svg).toContain('a &lt; b &amp; c');
  expect(svg.match(/<circle/g)).toHaveLength(2);
  expect(svg.match(/<polyline points="[\d.]+,[\d.]+ [\d.]+,[\d.]+"/g)).toHaveLength(1);
  expect(svg).toContain('>relay</text>');
});

it('plots the median of the repeats with their range, for each subject that has the curve', () => {
  const cpu = (low: number) => ({ cpu: [[100, low] as const, [600, low / 2] as const] });
  const results = resultsOf([
    sampleOf('relay', 1, 1, cpu(20)),
    sampleOf('relay', 2, 1, cpu(40)),
    sampleOf('nginx', 1, 1, cpu(10)),
    sampleOf('direct', 1, 1),
  ]);
  const [plot, ...others] = plotsOf(results, [scenarioWith()]);
  expect(others).toEqual([]);
  expect(plot?.file).toBe('cpu-cpu-x1.svg');
  expect(plot?.svg.match(/<polyline/g)).toHaveLength(2);
  expect(plot?.svg).not.toContain('direct');
});
