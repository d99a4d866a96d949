/**
 * A process of its own with a ledger under load, for tests that kill it.
 * Prints `open <epoch>` after each open that resolved and `settled <epoch>` after each settlement.
 * `DATA_DIR` names its place.
 */

import { openUsageLedger } from '../../src/ledger/ledger.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { systemClock } from '../../src/time/clock.ts';
import { intentOf, readingOf, settlementOf } from './runs.ts';

const { DATA_DIR = '' } = process.env;
const ledger = openUsageLedger({
  dataDir: DATA_DIR,
  prices: () => loadPrices(),
  clock: systemClock,
  onError: (what) => process.stdout.write(`failed ${what}\n`),
});

async function run(): Promise<void> {
  const { epoch } = intentOf();
  await ledger.open(intentOf({ epoch }), () => readingOf({ source: 'estimated' }));
  process.stdout.write(`open ${epoch}\n`);
  ledger.touch(epoch);
  // Every second run stays open, as one that is still talking.
  if (Math.random() < 0.5) return;
  await ledger.settle(settlementOf(epoch));
  process.stdout.write(`settled ${epoch}\n`);
}

async function loop(): Promise<void> {
  for (;;) await run();
}

for (let worker = 0; worker < 20; worker++) void loop();
