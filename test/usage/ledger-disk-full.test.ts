import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import { openUsageLedger } from '../../src/ledger/ledger.ts';
import { ledgerFile } from '../../src/ledger/schema.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { intentOf, newDataDir, readingOf, rowsIn, settlementOf } from './runs.ts';

const prices = loadPrices();
const dataDir = newDataDir();

afterEach(() => {
  vi.restoreAllMocks();
  dataDir.remove();
});

/** Opens a ledger and gives SQLite's own quota on its connection: the errors are real ones. */
function openWithQuota(clock: ManualClock, errors: string[]) {
  const connections: DatabaseSync[] = [];
  const exec = DatabaseSync.prototype.exec;
  vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql: string) {
    if (sql.includes('journal_mode')) connections.push(this);
    return exec.call(this, sql);
  });
  const ledger = openUsageLedger({
    dataDir: dataDir.path,
    prices: () => prices,
    clock,
    onError: (what) => errors.push(what),
  });
  const [connection] = connections;
  return { ledger, setQuota: (pages: number) => connection?.exec(`PRAGMA max_page_count = ${pages}`) };
}

it('a full disk refuses new runs, keeps settlements, and loses none when there is space again', async () => {
  const clock = new ManualClock();
  const errors: string[] = [];
  const { ledger, setQuota } = openWithQuota(clock, errors);
  // One row in three is settled only when nothing can be written any more, with text that needs more space.
  const late: string[] = [];
  setQuota(60);
  let refused = false;
  while (!refused) {
    const intent = intentOf();
    refused = await ledger
      .open(intent, () => readingOf())
      .then(
        () => false,
        (error) => error.code === 'unavailable',
      );
    if (!refused) late.push(intent.epoch);
  }
  expect(late.length).toBeGreaterThan(50);
  expect(ledger.degraded).toBe(true);
  setQuota(1);
  const answers = await Promise.all(
    late.map((epoch) => ledger.settle(settlementOf(epoch, { requestId: 'r'.repeat(500) }))),
  );
  expect(new Set(answers.map(({ costUsd }) => costUsd)), 'endings do not wait for the disk').toEqual(
    new Set([0.00324]),
  );
  for (let second = 0; second < 60; second++) {
    clock.advance(1000);
    await nextTurn();
  }
  expect(ledger.degraded).toBe(true);
  await expect(ledger.open(intentOf(), () => readingOf())).rejects.toMatchObject({ code: 'unavailable' });
  expect(rowsIn(dataDir.path).some(({ status }) => status === 'running')).toBe(true);

  setQuota(1_000_000);
  clock.advance(5000);
  const settled = () => !rowsIn(dataDir.path).some(({ status }) => status === 'running');
  for (let second = 0; second < 60 && !settled(); second++) {
    clock.advance(1000); // on a busy machine a batch may meet a lock and wait for the clock
    await nextTurn();
  }
  expect(ledger.degraded).toBe(false);
  const rows = rowsIn(dataDir.path);
  expect(rows.map(({ epoch }) => epoch)).toEqual(late);
  expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['done']));
  await ledger.open(intentOf(), () => readingOf());
  await ledger.close();
  expect(clock.pending).toBe(0);
});

it('a lock held by somebody else delays a start and refuses it only when it lasts', async () => {
  const clock = new ManualClock();
  const ledger = openUsageLedger({ dataDir: dataDir.path, prices: () => prices, clock, onError: () => {} });
  const somebody = new DatabaseSync(ledgerFile(dataDir.path));
  somebody.exec('BEGIN IMMEDIATE');
  const delayed = ledger.open(intentOf(), () => readingOf());
  await nextTurn();
  clock.advance(300);
  somebody.exec('COMMIT');
  clock.advance(20);
  await delayed;
  somebody.exec('BEGIN IMMEDIATE');
  const refused = ledger.open(intentOf(), () => readingOf());
  await nextTurn();
  clock.advance(600);
  await expect(refused).rejects.toMatchObject({ code: 'unavailable' });
  somebody.close();
  await ledger.close();
});
