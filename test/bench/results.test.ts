import { describe, expect, it } from 'vitest';
import { judge, pairedRatios, spreadOfFigure } from '../../bench/report/results.ts';
import { above, atLeast, atMost, times } from '../../bench/report/target.ts';
import { resultsOf, sampleOf } from './sample-results.ts';

const SPEC = { name: 'cpu', label: 'CPU', unit: 'µs' };
const results = resultsOf([
  sampleOf('relay', 1, 10),
  sampleOf('nginx', 1, 20),
  sampleOf('relay', 2, 30),
  sampleOf('nginx', 2, 40),
]);

it('takes the last round of each repeat, not the warm-up', () => {
  expect(spreadOfFigure(results, 'cpu-x1', 'relay', 'cpu')).toEqual({ median: 20, low: 10, high: 30 });
});

it('has nothing to say of a figure nobody measured', () => {
  expect(spreadOfFigure(results, 'cpu-x1', 'relay', 'memory')).toBeNull();
  expect(spreadOfFigure(results, 'cpu-x1', 'deno', 'cpu')).toBeNull();
});

it('leaves out a figure that came over JSON as null', () => {
  const broken = resultsOf([sampleOf('relay', 1, Number.NaN), sampleOf('relay', 2, 7)]);
  const received = JSON.parse(JSON.stringify(broken)) as typeof broken;
  expect(spreadOfFigure(received, 'cpu-x1', 'relay', 'cpu')).toEqual({ median: 7, low: 7, high: 7 });
});

it('pairs figures of the same repeat', () => {
  expect(pairedRatios(results, 'cpu-x1', ['relay', 'nginx'], 'cpu')).toEqual([0.5, 0.75]);
});

it('leaves a repeat without a peer out of the pairs', () => {
  const lame = resultsOf([sampleOf('relay', 1, 10), sampleOf('relay', 2, 30), sampleOf('nginx', 2, 40)]);
  expect(pairedRatios(lame, 'cpu-x1', ['relay', 'nginx'], 'cpu')).toEqual([0.75]);
});

describe('a target', () => {
  const judged = (target: Parameters<typeof judge>[4]) => judge(results, 'cpu-x1', 'relay', SPEC, target);

  it('holds the median itself against a bound of its own', () => {
    expect(judged(atMost(20)).verdict).toBe('met');
    expect(judged(atMost(19)).verdict).toBe('missed');
    expect(judged(atLeast(20)).verdict).toBe('met');
    expect(judged(atLeast(21)).verdict).toBe('missed');
  });

  it('holds the ratio, or the distance, against one set by a peer', () => {
    expect(judged(times(0.625, 'nginx'))).toEqual({
      measured: { median: 0.625, low: 0.5, high: 0.75 },
      verdict: 'met',
    });
    expect(judged(times(0.6, 'nginx')).verdict).toBe('missed');
    expect(judged(above(-10, 'nginx')).verdict).toBe('met');
    expect(judged(above(-11, 'nginx')).verdict).toBe('missed');
  });

  it('is unknown where the peer did not run', () => {
    expect(judged(times(1, 'plan-deno'))).toEqual({ measured: null, verdict: 'unknown' });
  });
});
