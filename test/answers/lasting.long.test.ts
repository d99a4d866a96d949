import { expect, it } from 'vitest';
import { percentiles, report } from '../support/test-run.ts';
import { undergo } from './lasting.ts';

it('10,000 answers last through 50 kills, outages of Postgres and restarts, and interrupted ones miss a second at most', {
  timeout: 1_800_000,
}, async () => {
  const verdict = await undergo({ answers: 10_000, kills: 55, outageEach: 5, restartEach: 11 });
  const { ended, interrupted, endedUntold, refused, missingMs, ...faults } = verdict;
  report(`${ended} ended as told, ${endedUntold} ended untold, ${interrupted} interrupted`);
  report(`refused: ${JSON.stringify(refused)}`);
  report(`ms of an interrupted answer that are missing: ${percentiles(missingMs)}`);
  expect(faults).toEqual({ wrong: [], leaks: [], foreign: [] });
  expect(Math.max(...missingMs)).toBeLessThan(1000);
});
