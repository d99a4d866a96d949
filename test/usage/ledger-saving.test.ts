import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LocalUsageLedger } from '../../src/ledger/ledger.ts';
import { openUsageLedger } from '../../src/ledger/ledger.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { intentOf, newDataDir, readingOf, rowsIn, settlementOf } from './runs.ts';

const prices = loadPrices();
let dataDir: ReturnType<typeof newDataDir>;
let clock: ManualClock;
let errors: string[];
let ledger: LocalUsageLedger;

beforeEach(() => {
  dataDir = newDataDir();
  clock = new ManualClock();
  errors = [];
  ledger = open();
});

afterEach(async () => {
  await ledger.close();
  dataDir.remove();
});

function open(): LocalUsageLedger {
  return openUsageLedger({
    dataDir: dataDir.path,
    prices: () => prices,
    clock,
    onError: (what) => errors.push(what),
  });
}

it('touch saves the reading of that instant within 20 ms, without waiting for the second', async () => {
  const { epoch } = intentOf();
  await ledger.open(intentOf({ epoch }), () => readingOf({ outputTokens: 0, source: 'input_only' }));
  ledger.touch(epoch);
  clock.advance(20);
  await nextTurn();
  expect(rowsIn(dataDir.path)).toMatchObject([{ inputTokens: 120, outputTokens: 0, source: 'input_only' }]);
});

it('each second the readings that changed are saved, those of settled runs no more', async () => {
  let tokens = 0;
  let asked = 0;
  const talking = intentOf();
  const settled = intentOf();
  await ledger.open(talking, () => readingOf({ outputTokens: tokens, source: 'estimated' }));
  await ledger.open(settled, () => {
    asked++;
    return readingOf({ outputTokens: 9, source: 'estimated' });
  });
  tokens = 7;
  clock.advance(1000);
  await nextTurn();
  expect(rowsIn(dataDir.path)).toMatchObject([{ outputTokens: 7 }, { outputTokens: 9 }]);
  await ledger.settle(settlementOf(settled.epoch));
  const askedBefore = asked;
  clock.advance(5000);
  await nextTurn();
  expect(asked).toBe(askedBefore);
  expect(rowsIn(dataDir.path)).toMatchObject([{ outputTokens: 7 }, { outputTokens: 300, status: 'done' }]);
});

it('a reading that throws costs neither the process nor the other runs', async () => {
  const broken = intentOf();
  const sound = intentOf();
  await ledger.open(broken, () => {
    throw new Error('no reading');
  });
  await ledger.open(sound, () => readingOf({ outputTokens: 5, source: 'estimated' }));
  clock.advance(1000);
  await nextTurn();
  expect(rowsIn(dataDir.path)).toMatchObject([{ outputTokens: 0 }, { outputTokens: 5 }]);
  expect(errors).toEqual(['unable to read the usage of a live run']);
});

it('a run left open by a crash is settled at the next start with what was last saved of it', async () => {
  const billed = intentOf();
  const silent = intentOf({ model: 'claude-sonnet-9' });
  await ledger.open(billed, () => readingOf({ outputTokens: 40, source: 'estimated' }));
  await ledger.open(silent, () => readingOf({ inputTokens: 0, outputTokens: 0, source: 'none' }));
  clock.advance(1000);
  await nextTurn();
  // Nobody settles them: as after a crash.
  await ledger.close();
  clock.advance(3_600_000);
  ledger = open();
  expect(ledger.interrupted).toBe(2);
  const ending = { status: 'error', code: 'interrupted' };
  expect(rowsIn(dataDir.path)).toMatchObject([
    // 120 tokens at 2 dollars and 40 at 10 dollars per million; saved one second after the start.
    {
      ...ending,
      source: 'estimated',
      outputTokens: 40,
      costUsd: 0.00064,
      endedAt: '2026-11-22T12:00:01.000Z',
    },
    { ...ending, source: 'none', outputTokens: 0, costUsd: null, endedAt: '2026-11-22T12:00:00.000Z' },
  ]);
  await ledger.close();
  ledger = open();
  expect(ledger.interrupted, 'settled once').toBe(0);
});

it('counts that are no counts are kept from the ledger', async () => {
  const { epoch } = intentOf();
  await ledger.open(intentOf({ epoch }), () => readingOf());
  const usage = readingOf({
    inputTokens: Number.NaN,
    outputTokens: -3,
    cacheReadTokens: 1e300,
    cacheWriteTokens: 1.5,
  });
  await ledger.settle(settlementOf(epoch, { usage }));
  expect(rowsIn(dataDir.path)).toMatchObject([
    { inputTokens: 0, outputTokens: 0, cacheReadTokens: 1e9, cacheWriteTokens: 1 },
  ]);
});

it('odd characters in names stay one row, without U+0000 and lone surrogates', async () => {
  const odd = 'a\0b\ud800c\u2028\r\n"\'; DROP TABLE runs; --\u{1f600}';
  const intent = intentOf({
    streamId: odd,
    epoch: odd,
    action: odd,
    userId: odd,
    organizationId: odd,
    model: odd,
  });
  await ledger.open(intent, () => readingOf());
  await ledger.settle(settlementOf(odd, { requestId: odd }));
  const kept = 'a\ufffdb\ufffdc\u2028\r\n"\'; DROP TABLE runs; --\u{1f600}';
  expect(rowsIn(dataDir.path)).toMatchObject([
    {
      streamId: kept,
      epoch: kept,
      action: kept,
      userId: kept,
      organizationId: kept,
      model: kept,
      status: 'done',
    },
  ]);
  expect(await ledger.settle(settlementOf(odd)), 'found again by its own name').toEqual({
    costUsd: null,
    cacheSavedUsd: null,
  });
  expect(errors).toEqual([]);
});
