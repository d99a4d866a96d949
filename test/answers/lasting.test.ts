import { expect, it } from 'vitest';
import { undergo } from './lasting.ts';

it('answers last through kills, an outage and restarts: on another machine they are as they were told, and no word of them is on a disk', async () => {
  const verdict = await undergo({ answers: 60, kills: 2, outageEach: 2, restartEach: 3 });
  const { ended, interrupted, endedUntold, refused, missingMs: _, ...faults } = verdict;
  expect(faults).toEqual({ wrong: [], leaks: [], foreign: [] });
  expect(ended).toBeGreaterThan(0);
  expect(interrupted).toBeGreaterThan(0);
  expect(refused).toEqual({});
  expect(ended + interrupted + endedUntold).toBe(60);
});
