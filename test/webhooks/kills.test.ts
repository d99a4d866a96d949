import { expect, it } from 'vitest';
import { deliverThroughKills } from './kills.ts';

it('each event arrives, twice only by its id and in the order of its stream, through kills and a receiver that fails', async () => {
  const { runs, events, unread } = await deliverThroughKills(2);
  expect(runs).toBeGreaterThan(0);
  expect(events).toBe(runs + unread);
}, 120_000);
