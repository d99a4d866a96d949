import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LocalUsageLedger, openUsageLedger } from '../../src/ledger/ledger.ts';
import { ledgerFile } from '../../src/ledger/schema.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { intentOf, newDataDir, readingOf, rowsIn, STARTED_AT, settlementOf } from './runs.ts';

const DAY_MS = 86_400_000;

let clock: ManualClock;
let dataDir: ReturnType<typeof newDataDir>;
let ledger: LocalUsageLedger;

beforeEach(() => {
  clock = new ManualClock();
  dataDir = newDataDir();
  ledger = open();
});
afterEach(async () => {
  await ledger.close();
  dataDir.remove();
});

function open(): LocalUsageLedger {
  return openUsageLedger({ dataDir: dataDir.path, prices: () => loadPrices(), clock, onError: () => {} });
}

async function settle(count: number, startedAt = STARTED_AT): Promise<void> {
  const runs = Array.from({ length: count }, () => intentOf({ startedAt }));
  await Promise.all(runs.map((intent) => ledger.open(intent, () => readingOf())));
  await Promise.all(runs.map(({ epoch }) => ledger.settle(settlementOf(epoch))));
}

const all = () => ledger.outbox.waiting(0, 100_000);

it('rows wait in order, page by page, until they are marked', async () => {
  await settle(5);
  const { outbox } = ledger;
  const first = outbox.waiting(0, 3);
  const rest = outbox.waiting(first.at(-1)?.run ?? 0, 3);
  expect([...first, ...rest].map(({ run }) => run)).toEqual([1, 2, 3, 4, 5]);
  await outbox.markShipped([...first.slice(1), ...rest], STARTED_AT);
  expect(all()).toEqual(first.slice(0, 1));
  expect(outbox.length).toBe(1);
});

it('marking twice counts once', async () => {
  await settle(3);
  const rows = all();
  await Promise.all([ledger.outbox.markShipped(rows, 1), ledger.outbox.markShipped(rows, 2)]);
  expect(ledger.outbox.length).toBe(0);
});

it('each settlement is told to whoever ships', async () => {
  let told = 0;
  ledger.outbox.onSettled = () => {
    told += 1;
  };
  await settle(4);
  expect(told).toBe(4);
});

it('the oldest waiting row gives its age, quarantined ones aside', async () => {
  expect(ledger.outbox.oldest()).toBeNull();
  await settle(2);
  expect(ledger.outbox.oldest()).toBe(STARTED_AT + 2000);
  await ledger.outbox.quarantine(all(), 'reason', STARTED_AT);
  expect(ledger.outbox.oldest()).toBeNull();
  expect(ledger.outbox).toMatchObject({ length: 0, refused: 2 });
});

it('a row in quarantine that is shipped after all leaves it', async () => {
  await settle(2);
  expect(await ledger.outbox.quarantine(all(), 'reason', STARTED_AT)).toBe(2);
  const quarantined = ledger.outbox.quarantined(0, 10);
  expect(await ledger.outbox.quarantine(quarantined, 'reason', STARTED_AT)).toBe(0);
  await ledger.outbox.markShipped(quarantined.slice(0, 1), STARTED_AT);
  expect(ledger.outbox).toMatchObject({ length: 0, refused: 1 });
  expect(ledger.outbox.quarantined(0, 10)).toEqual(quarantined.slice(1));
});

it('what waits and what is refused is known again after a restart', async () => {
  await settle(7);
  await ledger.outbox.markShipped(all().slice(0, 2), STARTED_AT);
  await ledger.outbox.quarantine(all().slice(0, 1), 'reason', STARTED_AT);
  await ledger.close();
  ledger = open();
  expect(ledger.outbox).toMatchObject({ length: 4, refused: 1 });
});

it('rows shipped long ago are deleted; those that wait, are refused or run stay however old they are', async () => {
  await settle(500);
  const rows = all();
  await ledger.open(intentOf({ epoch: 'runs-on' }), () => readingOf());
  await ledger.outbox.quarantine(rows.slice(0, 3), 'reason', STARTED_AT);
  await ledger.outbox.markShipped(rows.slice(6), STARTED_AT);
  // Not in a window of its own: the last, unfilled window is left for later.
  await settle(400, STARTED_AT + 8 * DAY_MS);
  await ledger.outbox.prune(STARTED_AT + DAY_MS, 1_000_000);
  expect(rowsIn(dataDir.path)).toHaveLength(6 + 1 + 400);
  expect(ledger.outbox).toMatchObject({ length: 403, refused: 3 });
  await ledger.settle(settlementOf('runs-on'));
});

it('of shipped rows only the latest are kept, however young', async () => {
  await settle(1000);
  const rows = all();
  await ledger.outbox.markShipped(rows.slice(1), STARTED_AT);
  await ledger.outbox.prune(0, 300);
  const kept = rowsIn(dataDir.path);
  expect(kept).toHaveLength(301);
  expect(ledger.outbox.length).toBe(1);
});

it('a mark that cannot be written waits, and is written when it can', async () => {
  await settle(50);
  const other = new DatabaseSync(ledgerFile(dataDir.path), { timeout: 0 });
  other.exec('BEGIN IMMEDIATE');
  let marked = false;
  const marking = ledger.outbox.markShipped(all(), STARTED_AT).then(() => {
    marked = true;
  });
  // Longer than a lock is waited for: the store counts as refusing.
  for (let turn = 0; turn < 40; turn += 1) {
    clock.advance(20);
    await nextTurn();
  }
  expect(ledger.degraded).toBe(true);
  expect(marked).toBe(false);
  expect(ledger.outbox.length).toBe(50);
  other.exec('ROLLBACK');
  other.close();
  clock.advance(10_000);
  await marking;
  expect(ledger.outbox.length).toBe(0);
});
