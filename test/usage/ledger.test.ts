import { expect } from 'vitest';
import { openUsageLedger } from '../../src/ledger/ledger.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryLedger } from '../support/memory-ledger.ts';
import { ledgerContract } from './ledger-contract.ts';
import { newDataDir, rowsIn } from './runs.ts';

const prices = loadPrices();

ledgerContract('disk', () => {
  const dataDir = newDataDir();
  const clock = new ManualClock();
  const ledger = openUsageLedger({ dataDir: dataDir.path, prices: () => prices, clock, onError: () => {} });
  return {
    ledger,
    rows: () => rowsIn(dataDir.path),
    async remove() {
      await ledger.close();
      dataDir.remove();
      expect(clock.pending, 'timers left behind').toBe(0);
    },
  };
});

ledgerContract('memory', () => {
  const ledger = createMemoryLedger(prices);
  return {
    ledger,
    rows: () =>
      [...ledger.rows.values()].map(({ intent, settlement, usage, costUsd }) => ({
        ...usage(),
        model: intent.model,
        servedModel: usage().model,
        epoch: intent.epoch,
        status: settlement?.status ?? 'running',
        code: settlement?.code ?? null,
        costUsd,
      })),
    remove: () => ledger.close(),
  };
});
