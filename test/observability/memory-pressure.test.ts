import { expect, it } from 'vitest';
import { memoryLimit } from '../../src/observability/memory-limit.ts';
import { memoryPressure, newsOfPressure, watchMemory } from '../../src/observability/memory-pressure.ts';
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

it('reports once a second until it is cancelled', () => {
  const clock = new ManualClock();
  const reports: string[] = [];
  const timer = watchMemory(clock, 1, (pressure) => reports.push(pressure));
  clock.advance(3000);
  timer.cancel();
  clock.advance(3000);
  expect(reports).toEqual(['critical', 'critical', 'critical']);
});

it('knows a limit that is at least what the process holds', () => {
  expect(memoryLimit()).toBeGreaterThan(process.memoryUsage.rss());
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
