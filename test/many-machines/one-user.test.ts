import { expect, it } from 'vitest';
import { percentiles, report } from '../support/test-run.ts';
import { startMachines } from './machines.ts';
import { devicesOf, stops, throughCuts } from './one-user.ts';

it('all devices of a user are told one answer through cuts, from one call, and a stop of any is a stop of all', async () => {
  await using open = new AsyncDisposableStack();
  const machines = open.use(await startMachines(2, { pace: { firstTokenMs: 20, deltasPerSecond: 100 } }));
  const devices = await devicesOf(machines, open);
  expect(await throughCuts(devices, 40)).toBeGreaterThan(0);
  report(`a stop until its last reader knew, ms: ${percentiles(await stops(devices, 5))}`);
}, 120_000);
