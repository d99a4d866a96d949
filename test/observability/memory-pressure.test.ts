import { describe, expect, it } from 'vitest';
import { memoryLimit } from '../../src/observability/memory-limit.ts';
import {
  memoryPressure,
  newsOfPressure,
  steadyPressure,
  watchMemory,
} from '../../src/observability/memory-pressure.ts';
import { ManualClock } from '../support/manual-clock.ts';

it.each([
  [0, 'none'],
  [79.9, 'none'],
  [80, 'soft'],
  [89.9, 'soft'],
  [90, 'hard'],
  [95, 'critical'],
  [120, 'critical'],
])('at %d percent of the limit the pressure is %s', (percent, pressure) => {
  expect(memoryPressure(percent, 100)).toBe(pressure);
});

describe('pressure that hovers at a mark', () => {
  const levels = (percents: readonly number[]): string[] => {
    const pressure = steadyPressure();
    return percents.map((percent) => pressure(percent, 100));
  };
  const times = (count: number, percent: number): number[] => Array(count).fill(percent);

  it('does not let new work in and out each second', () => {
    expect(levels([81, 79, 81, 79, 81, 78])).toEqual(Array(6).fill('soft'));
    expect(levels([96, 94, 96, 93])).toEqual(Array(4).fill('critical'));
  });

  it('is over at once where memory is clearly below', () => {
    expect(levels([81, 76])).toEqual(['soft', 'none']);
    expect(levels([97, 85, 50])).toEqual(['critical', 'soft', 'none']);
    expect(levels([97, 88])).toEqual(['critical', 'hard']);
  });

  it('is over after ten seconds just below: what was given back may not come back to the system', () => {
    expect(levels([81, ...times(10, 79)])).toEqual([...Array(10).fill('soft'), 'none']);
    expect(levels([81, ...times(9, 79), 81, ...times(9, 79)])).toEqual(Array(20).fill('soft'));
  });

  it('rises at once', () => {
    expect(levels([10, 81, 91, 96])).toEqual(['none', 'soft', 'hard', 'critical']);
  });
});

it('reports once a second until it is cancelled', () => {
  const clock = new ManualClock();
  const reports: string[] = [];
  const timer = watchMemory(clock, 1, (pressure) => reports.push(pressure));
  clock.advance(3000);
  timer.cancel();
  clock.advance(3000);
  expect(reports).toEqual(['critical', 'critical', 'critical']);
});

it('knows a limit that is at least what the process holds, or a lower one of the operator', () => {
  const limit = memoryLimit();
  expect(limit).toBeGreaterThan(process.memoryUsage.rss());
  expect(memoryLimit(64_000_000)).toBe(64_000_000);
  expect(memoryLimit(Number.MAX_SAFE_INTEGER)).toBe(limit);
});

it('news are the first pressure, a worse one, and the end of it', () => {
  const isNews = newsOfPressure();
  const reports = [
    'none',
    'soft',
    'soft',
    'hard',
    'soft',
    'hard',
    'critical',
    'hard',
    'none',
    'none',
    'hard',
  ] as const;
  expect(reports.map((pressure, at) => (isNews(pressure) ? at : -1)).filter((at) => at >= 0)).toEqual([
    1, 3, 6, 8, 10,
  ]);
});
