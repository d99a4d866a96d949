/** Reservations that are corrected by counted prompts, where several relays share Postgres. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PostgresPool } from '../../../src/postgres/pool.ts';
import type { Charge, Counter } from '../../../src/quota/charges.ts';
import type { QuotaOptions } from '../../../src/quota/create-quota.ts';
import type { ChargedRun } from '../../../src/quota/delivery-queue.ts';
import { PostgresCounts } from '../../../src/quota/postgres-counts.ts';
import { Random } from '../../../src/simulator/random.ts';
import { systemClock } from '../../../src/time/clock.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { eventually, LONG, SEED } from '../../support/test-run.ts';
import { holderOf, PROMPT_TOKENS, plansOf } from './plan-files.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { DiskSubject, type SubjectOptions } from './quota-subject.ts';

/** 100 of prompt and 100 of answer. */
const RESERVED = PROMPT_TOKENS + 100;

let server: PostgresServer;
const opened: DiskSubject[] = [];

beforeAll(async () => {
  server = await startPostgres();
});
afterEach(async () => {
  for (const subject of opened.splice(0)) await subject.remove();
  await server.query('TRUNCATE dash_relay.quota_runs, dash_relay.quota_counters', []);
});
afterAll(() => server.close());

interface Switch {
  /** Whether statements fail, as they do while Postgres is away. */
  down: boolean;
  /** Corrections it has answered. */
  corrections: number;
}

async function relay(
  options: Partial<QuotaOptions & SubjectOptions> = {},
  { postgres = server.relay() } = {},
) {
  const subject = new DiskSubject({ plans: plansOf({}), clock: systemClock, ...options, postgres });
  await subject.quota.start();
  opened.push(subject);
  return subject;
}

/** One whose Postgres can be taken away. */
async function switched(): Promise<{ readonly subject: DiskSubject; readonly postgres: Switch }> {
  const state: Switch = { down: false, corrections: 0 };
  const { query, ...pool } = server.relay();
  const guarded: PostgresPool['query'] = async (...statement) => {
    if (state.down) throw new Error('down');
    const answer = await query(...statement);
    if (/quota_correct/.test(statement[0])) state.corrections += 1;
    return answer;
  };
  return { subject: await relay({}, { postgres: { ...pool, query: guarded } }), postgres: state };
}

async function stands(holder: ReturnType<typeof holderOf>, used: number, reserved: number): Promise<void> {
  await eventually(`${used} used and ${reserved} reserved`, async () => {
    const [isUsed, isReserved] = await server.standing(holder);
    return isUsed === used && isReserved === reserved;
  });
  expect(await server.standing(holder)).toEqual([used, reserved]);
}

describe('a correction by one relay', () => {
  it('down leaves room for a start on another, and up takes it', async () => {
    const plans = plansOf({ plans: { free: { user: { tokensPerDay: 2 * RESERVED - 40 } } } });
    const [one, other] = [await relay({ plans }), await relay({ plans })];
    const holder = holderOf();
    const { epoch } = await one.begin({ holder });
    await expect(other.begin({ holder })).rejects.toMatchObject({ code: 'rate_limited' });
    one.correct(epoch, 50);
    await stands(holder, 0, 151);
    const second = await other.begin({ holder });
    other.correct(second.epoch, 500);
    await stands(holder, 0, 151 + 605);
    await one.end(epoch, { inputTokens: 50, outputTokens: 10 });
    await stands(holder, 60, 605);
    await expect(one.begin({ holder })).rejects.toMatchObject({ code: 'rate_limited' });
    for (const { outages } of [one, other]) expect(outages).toEqual([]);
  });

  it('that is late, as the run has ended or has expired, changes nothing', async () => {
    const { subject, postgres } = await switched();
    const [ended, expired] = [holderOf(), holderOf()];
    const { epoch } = await subject.begin({ holder: ended });
    await subject.end(epoch, { inputTokens: 50, outputTokens: 10 });
    subject.correct(epoch, 5000);
    const { epoch: other } = await subject.begin({ holder: expired });
    await server.query("UPDATE dash_relay.quota_runs SET expires_at = now() - interval '1 s'", []);
    await server.query('SELECT dash_relay.quota_expire()', []);
    subject.correct(other, 5000);
    await eventually('it was heard of', () => postgres.corrections === 1);
    expect(await server.standing(expired)).toEqual([RESERVED, 0]);
    await stands(ended, 60, 0);
  });

  it('in an outage holds on that machine at once, and in Postgres once it is back', async () => {
    const { subject, postgres } = await switched();
    const [before, during, ended] = [holderOf(), holderOf(), holderOf()];
    const known = await subject.begin({ holder: before });
    postgres.down = true;
    const unknown = await subject.begin({ holder: during, startedAt: systemClock.now() });
    const over = await subject.begin({ holder: ended });
    for (const { epoch } of [known, unknown, over]) subject.correct(epoch, 50);
    expect(await subject.standing(during)).toMatchObject({ 'tokens user day': [0, 151] });
    await subject.end(over.epoch, { inputTokens: 40, outputTokens: 2 });
    expect(await server.standing(before)).toEqual([0, RESERVED]);
    postgres.down = false;
    await stands(before, 0, 151);
    await stands(during, 0, 151);
    await stands(ended, 42, 0);
  });

  it('is sent again where the connection breaks under it', async () => {
    const { subject, postgres } = await switched();
    const holder = holderOf();
    const { epoch } = await subject.begin({ holder });
    postgres.down = true;
    subject.correct(epoch, 50);
    await eventually('the outage is noticed', () => subject.quota.alone);
    expect(await server.standing(holder)).toEqual([0, RESERVED]);
    postgres.down = false;
    await stands(holder, 0, 151);
  });

  it('is told once, and is no outage, where the database has no function for it yet; nor has one for many settlements', async () => {
    const subject = await relay();
    const holder = holderOf();
    await server.query('ALTER FUNCTION dash_relay.quota_correct RENAME TO quota_correct_of_tomorrow', []);
    await server.query('ALTER FUNCTION dash_relay.quota_settle_all RENAME TO quota_settle_tomorrow', []);
    try {
      for (let run = 0; run < 3; run += 1) {
        const { epoch } = await subject.begin({ holder });
        subject.correct(epoch, 50);
        await eventually('told', () => subject.uncorrectable > 0);
        await subject.end(epoch, { inputTokens: 50, outputTokens: 10 });
      }
      await stands(holder, 180, 0);
      expect([subject.outages, subject.quota.alone, subject.uncorrectable]).toEqual([[], false, 1]);
    } finally {
      await server.query('ALTER FUNCTION dash_relay.quota_correct_of_tomorrow RENAME TO quota_correct', []);
      await server.query('ALTER FUNCTION dash_relay.quota_settle_tomorrow RENAME TO quota_settle_all', []);
    }
  });
});

it('a database that takes few settlements at once, and each slowly, hears of all that ended in an outage', async () => {
  const clock = new ManualClock();
  const state = { down: false, settled: new Set<unknown>() };
  const query: PostgresPool['query'] = async (statement, values) => {
    if (state.down) throw new Error('down');
    if (/settle_all/.test(statement)) throw Object.assign(new Error('no such function'), { code: '42883' });
    if (/quota_settle/.test(statement)) {
      await new Promise<void>((resolve) => clock.after(500, resolve));
      state.settled.add(values[0]);
    }
    const row = { taken: true, used_before: ['0', '0'], reserved_before: ['0', '0'] };
    return { rows: /quota_reserve/.test(statement) ? [row] : [] };
  };
  const subject = new DiskSubject({ plans: plansOf({}), clock, postgres: { query, close: async () => {} } });
  opened.push(subject);
  await subject.quota.start();
  state.down = true;
  for (let run = 0; run < 40; run += 1) await subject.end((await subject.begin()).epoch);
  expect([subject.quota.alone, subject.quota.undelivered]).toEqual([true, 40]);
  state.down = false;
  await eventually('it has heard of all', () => {
    clock.advance(250);
    return !subject.quota.alone;
  });
  expect([state.settled.size, subject.quota.undelivered, subject.outages.length]).toEqual([40, 0, 1]);
});

const ROUNDS = LONG ? 1000 : 150;
const COUNTERS: readonly Counter[] = Array.from({ length: 3 }, (_, index) => ({
  key: `tokens:user:${index}`,
  of: 'tokens',
  scope: 'user',
  period: { kind: 'day', name: '2026-11-22', resetsAt: 0 },
  limit: null,
}));

it('in any order with settlement and expiry, of many runs on the same counters, all comes out right in the end', async () => {
  const random = new Random(SEED);
  const { query, close } = server.relay();
  const live = new PostgresCounts(query, 'one', 60_000);
  const overdue = new PostgresCounts(query, 'two', -1);
  const charges = (): Charge[] => {
    const first = random.integer(0, 2);
    // In whichever order a caller names them.
    return [0, 1, 2].map((step) => ({
      counter: COUNTERS[(first + step) % 3] as Counter,
      amount: random.integer(0, 500),
    }));
  };
  const settled: ChargedRun[] = [];
  let billed = 0;
  const costOf = () => {
    const cost = charges();
    for (const { amount } of cost) billed += amount;
    return cost;
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const runs = Array.from({ length: 4 }, (_, run) => {
      const counts = random.integer(0, 2) === 0 ? overdue : live;
      return { epoch: `run-${round}-${run}`, counts, cost: costOf() };
    });
    await Promise.all(runs.map(({ epoch, counts }) => counts.reserve(epoch, charges(), true)));
    // Those of a relay together, now and then with some that are settled already, or that Postgres never heard of.
    const together = [live, overdue].map((counts) => {
      const ended = runs.filter((run) => run.counts === counts).map((run) => [run.epoch, run.cost] as const);
      const before = random.integer(0, 1) === 0 ? [] : settled.slice(-2);
      return async () => void (await counts.settle([...before, ...ended]));
    });
    const unheard = [`unheard-${round}`, costOf()] as const;
    const steps = [
      ...runs.flatMap(({ epoch, counts }) => [
        async () => void (await counts.correct(epoch, charges())),
        async () => void (await counts.correct(epoch, charges())),
        async () => void (await counts.expire()),
      ]),
      ...together,
      async () => void (await live.settle([unheard])),
    ];
    settled.push(...runs.map(({ epoch, cost }) => [epoch, cost] as const), unheard);
    const order = steps.toSorted(() => random.integer(-1, 1));
    await Promise.all(
      order.map(async (step) => {
        if (random.integer(0, 3) === 0) await wait(1);
        await step();
      }),
    );
  }
  const { rows } = await server.query(
    'SELECT sum(used)::int AS used, sum(reserved)::int AS reserved FROM dash_relay.quota_counters',
    [],
  );
  expect(rows, `seed ${SEED}`).toEqual([{ used: billed, reserved: 0 }]);
  await close();
});
