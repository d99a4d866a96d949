import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPostgresPool, type PostgresPool } from '../../../src/postgres/pool.ts';
import { PostgresCounts } from '../../../src/quota/postgres-counts.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { eventually } from '../../support/test-run.ts';
import { rowsIn, STARTED_AT } from '../runs.ts';
import { breathe, manyRuns, startShipping } from './shipping.ts';

const DAY_MS = 86_400_000;
const MONTH_MS = 31 * DAY_MS;

let server: PostgresServer;
let pool: PostgresPool;

beforeAll(async () => {
  server = await startPostgres();
  pool = openPostgresPool(server.url('relay'), 1, () => {});
});
afterEach(() => server.query('TRUNCATE dash_relay.usage, dash_relay.quota_runs, dash_relay.quota_counters'));
afterAll(async () => {
  await pool.close();
  await server.close();
});

describe('rows that arrived in Postgres, on this disk', () => {
  /** Ships 1,000 rows, then lets a day and an hour pass by these clocks, a day later. How many are left here. */
  async function kept({ here, there }: { here: number; there: number }): Promise<number> {
    const clock = new ManualClock(STARTED_AT);
    let postgresAhead = 0;
    const shipping = startShipping({
      url: server.url('relay'),
      clock,
      sink: (real) => ({
        ...real,
        async insert(rows) {
          await real.insert(rows);
          return STARTED_AT + postgresAhead;
        },
      }),
    });
    try {
      await shipping.settle(...manyRuns(1000));
      await eventually('all arrived', async () => {
        clock.advance(1000);
        await nextTurn();
        return shipping.ledger.outbox.length === 0;
      });
      postgresAhead = there;
      clock.stepWallClock(here);
      // The hour of housekeeping, and the round it begins in.
      for (let round = 0; round < 3; round += 1) {
        clock.advance(3_600_000);
        await breathe();
        clock.advance(1000);
        await breathe();
      }
      return rowsIn(shipping.dataDir).length;
    } finally {
      await shipping.close();
    }
  }

  it.each([
    ["this machine's clock is wrong", { here: MONTH_MS, there: 0 }],
    ["Postgres's clock is wrong", { here: 0, there: MONTH_MS }],
    ['neither is a week on', { here: 6 * DAY_MS, there: 6 * DAY_MS }],
  ])('stay while %s', async (_, clocks) => {
    expect(await kept(clocks)).toBe(1000);
  });

  it('go when both clocks are a week on', async () => {
    expect(await kept({ here: 8 * DAY_MS, there: 8 * DAY_MS })).toBe(0);
  });
});

describe('quotas in Postgres', () => {
  const counters = async () =>
    (
      await server.query<{ period: string }>('SELECT period FROM dash_relay.quota_counters ORDER BY period')
    ).map(({ period }) => period);
  const runs = async () => (await server.query('SELECT FROM dash_relay.quota_runs')).length;
  const monthsAgo = async (months: number) =>
    (
      await server.query<{ period: string }>(
        "SELECT to_char((now() AT TIME ZONE 'UTC') - make_interval(months => $1), 'YYYY-MM') AS period",
        [months],
      )
    )[0]?.period ?? '';
  const count = (period: string) =>
    server.query(
      "INSERT INTO dash_relay.quota_counters (key, period, used) VALUES ('tokens:user:u', $1, 5)",
      [period],
    );
  const settled = (ago: string) =>
    server.query(
      `INSERT INTO dash_relay.quota_runs VALUES ('e', 'relay', 'settled', '{}', '{}', '{}', now() - $1::interval)`,
      [ago],
    );
  const forget = (now: number) => new PostgresCounts(pool.query, 'relay', 1).forget(now);

  it('a settled run is forgotten after a week by both clocks, so that no settlement counts twice', async () => {
    await settled('8 days');
    await forget(Date.now() - 2 * DAY_MS);
    expect(await runs()).toBe(1);
    await forget(Date.now());
    expect(await runs()).toBe(0);
    // However far this machine's clock is ahead.
    await settled('6 days');
    await forget(Date.now() + 400 * DAY_MS);
    expect(await runs()).toBe(1);
  });

  it('counters of old months go by both clocks, but never those of the latest three months', async () => {
    const months = await Promise.all([9, 8, 7].map(monthsAgo));
    for (const month of months) await count(month);
    await forget(Date.now());
    // As if Postgres had booted three quarters of a year ahead.
    expect(await counters()).toEqual(months);
    await count(await monthsAgo(0));
    await forget(Date.now() - 300 * DAY_MS);
    expect(await counters()).toHaveLength(4);
    await forget(Date.now());
    expect(await counters()).toEqual([...months.slice(1), await monthsAgo(0)]);
  });
});

describe('retention by age', () => {
  const epochs = async () =>
    (await server.query<{ epoch: string }>('SELECT epoch FROM dash_relay.usage ORDER BY epoch')).map(
      ({ epoch }) => epoch,
    );
  /** A run by the relay's clock and by Postgres's, so long ago. */
  const ran = (epoch: string, started: string, received: string) =>
    server.query(
      `INSERT INTO dash_relay.usage SELECT $1, 's', gen_random_uuid(), null, 'chat', 'm', 'done', null, 'final',
        0, 0, 0, 0, 0, 0, 0, null, null, null, null, 'i', now() - $2::interval, now(), now() - $3::interval`,
      [epoch, started, received],
    );

  it('deletes what both clocks call old, seen from the latest run', async () => {
    await ran('a-old', '500 days', '500 days');
    await ran('b-old-by-the-clock-of-the-relay', '20000 days', '10 days');
    await ran('c-old-by-the-clock-of-postgres', '10 days', '500 days');
    await ran('d-new', '1 hour', '1 hour');
    await server.query("CALL dash_relay.delete_usage_older_than('400 days')");
    expect((await epochs()).map((epoch) => epoch[0])).toEqual(['b', 'c', 'd']);
  });

  it('deletes nothing where Postgres has booted years ahead', async () => {
    // Seen from there, the latest runs are three years old.
    await ran('latest', '1095 days', '1095 days');
    await ran('a-year-before', '1395 days', '1395 days');
    await server.query("CALL dash_relay.delete_usage_older_than('400 days')");
    expect(await epochs()).toHaveLength(2);
  });

  it('a clock of a relay that was ahead for a boot does no harm', async () => {
    await ran('ahead', '-3650 days', '0 days');
    await ran('young', '10 days', '10 days');
    await server.query("CALL dash_relay.delete_usage_older_than('400 days')");
    expect(await epochs()).toHaveLength(2);
  });
});
