import { writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openUsageLedger } from '../../src/ledger/ledger.ts';
import { ledgerFile, SCHEMA_VERSION } from '../../src/ledger/schema.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { intentOf, newDataDir, readingOf, settlementOf } from './runs.ts';

let dataDir: ReturnType<typeof newDataDir>;

beforeEach(() => {
  dataDir = newDataDir();
});

afterEach(() => dataDir.remove());

function open() {
  return openUsageLedger({
    dataDir: dataDir.path,
    prices: () => loadPrices(),
    clock: new ManualClock(),
    onError: () => {},
  });
}

it('a file of a newer relay is refused and left as it is', async () => {
  await open().close();
  const file = new DatabaseSync(ledgerFile(dataDir.path));
  file.exec('PRAGMA user_version = 99');
  expect(open).toThrow(/unable to open the usage ledger .*usage\.db: its format is 99, newer than/);
  expect(file.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 });
  file.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  file.close();
  await open().close();
});

it('a file that is no database is refused, and the directory is free again', async () => {
  writeFileSync(ledgerFile(dataDir.path), 'not a database, but long enough to be taken for one'.repeat(100));
  expect(open).toThrow(/unable to open the usage ledger .*: file is not a database; .*move the file away/);
  writeFileSync(ledgerFile(dataDir.path), '');
  await open().close();
});

it('what the shipper asks for, the settled rows it has not shipped, is found by an index', async () => {
  const ledger = open();
  const [settled, live] = [intentOf(), intentOf()];
  await Promise.all([settled, live].map((intent) => ledger.open(intent, () => readingOf())));
  await ledger.settle(settlementOf(settled.epoch));
  const file = new DatabaseSync(ledgerFile(dataDir.path));
  const query =
    'SELECT epoch FROM runs WHERE ended_at IS NOT NULL AND shipped_at IS NULL ORDER BY run LIMIT 500';
  expect(file.prepare(query).all()).toEqual([{ epoch: settled.epoch }]);
  expect(file.prepare(`EXPLAIN QUERY PLAN ${query}`).all()).toMatchObject([
    { detail: expect.stringContaining('USING INDEX runs_unshipped') },
  ]);
  file.close();
  await ledger.close();
});
