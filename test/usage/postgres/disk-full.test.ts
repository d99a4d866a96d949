import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { ManualClock } from '../../support/manual-clock.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { eventually } from '../../support/test-run.ts';
import { breathe, epochsIn, startShipping } from './shipping.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
beforeEach(() => server.query('TRUNCATE dash_relay.usage'));
afterEach(() => vi.restoreAllMocks());
afterAll(() => server.close());

it('a disk that fills up during an outage refuses new runs, and every run that was settled arrives once', async () => {
  const connections: DatabaseSync[] = [];
  const exec = DatabaseSync.prototype.exec;
  vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql: string) {
    if (sql.includes('journal_mode')) connections.push(this);
    return exec.call(this, sql);
  });
  const clock = new ManualClock();
  let reachable = false;
  const shipping = startShipping({
    url: server.url('relay'),
    clock,
    sink: (real) => ({
      ...real,
      insert: (rows) => (reachable ? real.insert(rows) : Promise.reject(new Error('down'))),
    }),
  });
  onTestFinished(() => shipping.close());
  const setQuota = (pages: number) => connections[0]?.exec(`PRAGMA max_page_count = ${pages}`);
  setQuota(66);
  const epochs: string[] = [];
  for (let refused = false; !refused; ) {
    const settled = await shipping.settle({}).catch((error: { code: string }) => error.code);
    if (settled === 'unavailable') refused = true;
    else epochs.push(...settled);
  }
  expect(epochs.length).toBeGreaterThan(50);
  expect(shipping.ledger.degraded).toBe(true);

  // The settlement that meets the full disk waits in memory; whether it is one, or the next intent, its pages decide.
  const onDisk = shipping.ledger.outbox.length;
  expect([0, 1]).toContain(epochs.length - onDisk);

  reachable = true;
  const shipped = (what: string, probe: () => boolean | Promise<boolean>) =>
    eventually(what, async () => {
      clock.advance(1000);
      await nextTurn();
      await breathe();
      return probe();
    });
  await shipped('in Postgres', async () => (await epochsIn(server)).length === onDisk);
  setQuota(1_000_000);
  await shipped('all in Postgres', async () => (await epochsIn(server)).length === epochs.length);
  await shipped('marked', () => shipping.ledger.outbox.length === 0);
  expect(await epochsIn(server)).toEqual(epochs.toSorted());
  await shipping.settle({});
});
