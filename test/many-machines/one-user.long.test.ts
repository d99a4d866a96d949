import { it } from 'vitest';
import { percentiles, report } from '../support/test-run.ts';
import { startMachines } from './machines.ts';
import { devicesOf, stops, throughCuts } from './one-user.ts';

const CUTS = 1000;
const STOPS = 300;

it(`two tabs, a phone and a second machine on one user's streams through ${CUTS} cuts, and ${STOPS} stops`, {
  timeout: 900_000,
}, async () => {
  await using open = new AsyncDisposableStack();
  const machines = open.use(await startMachines(2, { pace: { firstTokenMs: 20, deltasPerSecond: 100 } }));
  const devices = await devicesOf(machines, open);
  const streams = await throughCuts(devices, CUTS);
  report(`${CUTS} cuts in ${streams} streams: one text, one call and one row each`);
  report(`a stop until its last reader knew, ms: ${percentiles(await stops(devices, STOPS))}`);
});
