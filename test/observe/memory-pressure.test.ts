import { expect, it } from 'vitest';
import { memoryLimit, memoryPressure, watchMemory } from '../../src/observe/memory-pressure.ts';
import { ManualClock } from '../support/manual-clock.ts';

it.each([
  [0, 'none'],
  [79.9, 'none'],
  [80, 'refuse'],
  [89.9, 'refuse'],
  [90, 'shed'],
  [95, 'cut'],
  [120, 'cut'],
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
  expect(reports).toEqual(['cut', 'cut', 'cut']);
});

it('knows a limit that is at least what the process holds', () => {
  expect(memoryLimit()).toBeGreaterThan(process.memoryUsage.rss());
});
