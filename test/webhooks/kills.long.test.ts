import { expect, it } from 'vitest';
import { report } from '../support/test-run.ts';
import { deliverThroughKills } from './kills.ts';

it('each event arrives through a hundred kills, and a receiver that fails, hangs, redirects and answers byte by byte', async () => {
  const figures = await deliverThroughKills(100, true);
  report(`webhooks through 100 kills: ${JSON.stringify(figures)}`);
  expect(figures.runs).toBeGreaterThan(500);
  expect(figures.interrupted).toBeGreaterThan(50);
}, 1_800_000);
