import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PostgresPool } from '../../../src/postgres/pool.ts';
import type { QuotaOptions } from '../../../src/quota/create-quota.ts';
import type { QuotaHolder } from '../../../src/quota/port.ts';
import { systemClock } from '../../../src/time/clock.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { eventually } from '../../support/test-run.ts';
import { newDataDir } from '../runs.ts';
import { holderOf, PROMPT_TOKENS, plansOf } from './plan-files.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { quotaContract } from './quota-contract.ts';
import { DiskSubject, type SubjectOptions, subjectOf } from './quota-subject.ts';

/** 100 of prompt and 100 of answer. */
const RESERVED = PROMPT_TOKENS + 100;
const BUDGET_FOR_ONE = { plans: { free: { user: { tokensPerDay: RESERVED } } } };

let server: PostgresServer;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  server = await startPostgres();
});
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close();
  await server.query('TRUNCATE dash_relay.quota_runs, dash_relay.quota_counters', []);
});
afterAll(() => server.close());

/** A relay on the shared Postgres. It is closed behind the test unless the test crashed it. */
async function relay(
  options: SubjectOptions & Partial<QuotaOptions>,
  { dataDir = newDataDir(), port = server.port } = {},
): Promise<DiskSubject> {
  const subject = new DiskSubject({ ...options, postgres: server.relay(port) }, { dataDir });
  await subject.quota.start();
  opened.push({
    async close() {
      if (!subject.crashed) await subject.remove();
    },
  });
  return subject;
}

const inPostgres = (holder: QuotaHolder) => server.standing(holder);

async function settles(holder: QuotaHolder, used: number): Promise<void> {
  await eventually(`${used} tokens used, none reserved`, async () => {
    const [isUsed, reserved] = await inPostgres(holder);
    return isUsed === used && reserved === 0;
  });
}

quotaContract('Postgres', async (options) => subjectOf(await relay(options)));

describe('two relays on one Postgres', () => {
  it('of 50 starts at once on a budget for one, half on each, exactly one gets it, each time', async () => {
    const plans = plansOf(BUDGET_FOR_ONE);
    const relays = [await relay({ plans }), await relay({ plans })] as const;
    const steady = holderOf();
    for (let round = 0; round < 20; round += 1) {
      const holder = round % 2 === 0 ? holderOf() : steady;
      const starts = await Promise.allSettled(
        Array.from({ length: 50 }, (_, start) => relays[start % 2 === 0 ? 0 : 1].begin({ holder })),
      );
      const winner = starts.findIndex(({ status }) => status === 'fulfilled');
      expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await inPostgres(holder)).toEqual([0, RESERVED]);
      const { epoch } = await (starts[winner] as PromiseFulfilledResult<{ epoch: string }>).value;
      relays[winner % 2 === 0 ? 0 : 1].release(epoch);
      await eventually('given back', () => relays.every(({ quota }) => quota.undelivered === 0));
    }
    for (const { outages } of relays) expect(outages).toEqual([]);
  });

  it('see what the other one used', async () => {
    const plans = plansOf({
      plans: { free: { requestsPerActionPerMonth: 2, organization: { userSharePercent: 100 } } },
    });
    const [one, other] = [await relay({ plans }), await relay({ plans })];
    const holder = holderOf({ organizationId: randomUUID() });
    await one.end((await one.begin({ holder })).epoch);
    const live = await other.begin({ holder });
    await expect(one.begin({ holder })).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 5000 });
    await eventually('settled', async () => one.quota.undelivered === 0);
    expect(await other.standing(holder)).toMatchObject({ 'requests organization month': [1, 1] });
    await other.end(live.epoch);
    await eventually('settled', async () => other.quota.undelivered === 0);
    await expect(one.begin({ holder })).rejects.toMatchObject({ quota: { used: 2, limit: 2 } });
  });
});

describe('a relay that was killed', () => {
  it('settles at its next boot what it left, with what its ledger knows, once', async () => {
    const plans = plansOf({});
    const [billed, silent, unknown] = [holderOf(), holderOf(), holderOf()];
    const before = await relay({ plans });
    before.bill((await before.begin({ holder: billed })).epoch, { inputTokens: 90, outputTokens: 30 });
    await before.begin({ holder: silent });
    before.clock.advance(1000);
    await wait(50);
    await server.query('SELECT * FROM dash_relay.quota_reserve($1, $2, $3, $4, $5, $6, 60000)', [
      'reserved-but-never-called',
      before.owner,
      [`tokens:user:${unknown.userId}`],
      ['2026-11-22'],
      [RESERVED],
      [null],
    ]);
    expect(await inPostgres(billed)).toEqual([0, RESERVED]);
    const dataDir = await before.crash();

    const after = await relay({ plans }, { dataDir });
    await toldAll(after);
    expect(await inPostgres(billed)).toEqual([120, 0]);
    expect(await inPostgres(silent)).toEqual([0, 0]);
    expect(await inPostgres(unknown)).toEqual([0, 0]);
    await relay({ plans }, { dataDir: await after.crash() });
    expect(await inPostgres(billed)).toEqual([120, 0]);
  });

  it('and never comes back is charged in full when its lease ends, and corrected if it does', async () => {
    const plans = plansOf({});
    const holder = holderOf();
    const gone = await relay({ plans, longestRunMs: -400_000 });
    gone.bill((await gone.begin({ holder })).epoch, { inputTokens: 1, outputTokens: 1 });
    gone.clock.advance(1000);
    await wait(50);
    const dataDir = await gone.crash();
    const other = await relay({ plans });
    other.clock.advance(60_000);
    await settles(holder, RESERVED);
    await toldAll(await relay({ plans }, { dataDir }));
    expect(await inPostgres(holder)).toEqual([2, 0]);
  });

  it('leaves the live runs of other relays alone, also with the same name', async () => {
    const plans = plansOf({});
    const holder = holderOf();
    const lives = await relay({ plans });
    await lives.begin({ holder });
    await relay({ plans });
    expect(await inPostgres(holder)).toEqual([0, RESERVED]);
  });
});

describe('while Postgres does not answer', () => {
  const proxied = async (options: SubjectOptions & Partial<QuotaOptions>) => {
    const proxy = await startFaultProxy(`http://127.0.0.1:${server.port}`);
    opened.push(proxy);
    const subject = await relay(
      { clock: systemClock, ...options },
      { port: Number(new URL(proxy.url).port) },
    );
    return { proxy, subject };
  };
  const silence = (proxy: FaultProxy) => {
    for (const link of proxy.links) link.blackhole();
  };
  const restore = (proxy: FaultProxy) => {
    for (const link of proxy.links) link.restore();
  };

  it('the first start waits a short while, the others not at all, and this machine holds the limits', async () => {
    const plans = plansOf({ plans: { free: { requestsPerActionPerMonth: 3 } } });
    const other = await relay({ plans });
    const { proxy, subject } = await proxied({ plans });
    const holder = holderOf();
    await other.end((await other.begin({ holder })).epoch);
    await eventually('settled', () => other.quota.undelivered === 0);
    await subject.end((await subject.begin({ holder })).epoch);
    await eventually('settled', () => subject.quota.undelivered === 0);
    silence(proxy);
    const live = await subject.begin({ holder });
    expect(subject.quota.alone).toBe(true);
    expect(subject.outages).toHaveLength(1);
    // One used here, one used elsewhere as Postgres said last, one live: without asking anybody.
    await expect(subject.begin({ holder })).rejects.toMatchObject({ code: 'rate_limited' });
    await subject.end(live.epoch);
    await expect(subject.begin({ holder })).rejects.toMatchObject({ quota: { used: 3, limit: 3 } });
    restore(proxy);
    await eventually('Postgres is back', () => !subject.quota.alone);
  });

  it('what another machine had reserved is no use: a start is told to wait for it', async () => {
    const plans = plansOf({ plans: { free: { requestsPerActionPerMonth: 2 } } });
    const other = await relay({ plans });
    const { proxy, subject } = await proxied({ plans });
    const holder = holderOf();
    await other.begin({ holder });
    await subject.begin({ holder });
    silence(proxy);
    await expect(subject.begin({ holder })).rejects.toMatchObject({ code: 'rate_limited', retryable: true });
    restore(proxy);
  });

  it('it hears afterwards of all that was reserved and settled meanwhile', async () => {
    const { proxy, subject } = await proxied({ plans: plansOf({}) });
    const [ended, live] = [holderOf(), holderOf()];
    silence(proxy);
    const { epoch } = await subject.begin({ holder: ended });
    await subject.end(epoch, { inputTokens: 5, outputTokens: 6 });
    const running = await subject.begin({ holder: live });
    expect(subject.quota.undelivered).toBe(1);
    restore(proxy);
    await settles(ended, 11);
    expect(await inPostgres(live)).toEqual([0, RESERVED]);
    await subject.end(running.epoch, { inputTokens: 7, outputTokens: 8 });
    await settles(live, 15);
  });

  it('nor does it decide before it has heard of that: what was used meanwhile is no room there', async () => {
    const holder = holderOf();
    const plans = plansOf(BUDGET_FOR_ONE);
    const state = { down: false, asked: 0, heard: Promise.withResolvers<void>() };
    const slow = (): PostgresPool => {
      const { query, ...pool } = server.relay();
      const guarded: typeof query = async (...statement) => {
        if (state.down) throw new Error('down');
        if (/quota_settle/.test(statement[0])) {
          state.asked += 1;
          await state.heard.promise;
        }
        return await query(...statement);
      };
      return { ...pool, query: guarded };
    };
    const usedUp = { code: 'quota_exceeded' };
    const before = new DiskSubject({ plans, postgres: slow() });
    await before.quota.start();
    state.down = true;
    await before.end((await before.begin({ holder })).epoch, { inputTokens: 50, outputTokens: 100 });
    state.down = false;
    before.clock.advance(1000);
    await eventually('it hears of it', () => state.asked === 1);
    expect(before.quota.alone).toBe(true);
    await expect(before.begin({ holder })).rejects.toMatchObject(usedUp);

    const after = new DiskSubject({ plans, postgres: slow() }, { dataDir: await before.crash() });
    opened.push({ close: () => after.remove() });
    const started = after.quota.start();
    await eventually('it hears of it', () => state.asked === 2);
    after.clock.advance(5000);
    await started;
    await expect(after.begin({ holder })).rejects.toMatchObject(usedUp);
    state.heard.resolve();
    await eventually('Postgres is asked', () => {
      after.clock.advance(1000);
      return !after.quota.alone;
    });
    expect(await inPostgres(holder)).toEqual([150, 0]);
    await expect(after.begin({ holder })).rejects.toMatchObject(usedUp);
  });

  it('nor before it has heard of what an earlier telling still has on a connection that answers no more', async () => {
    const state = { down: false, resets: 1, told: 0, hung: Promise.withResolvers<never>() };
    const { query, ...pool } = server.relay();
    const guarded: typeof query = async (...statement) => {
      if (state.down) throw new Error('down');
      if (/quota_settle/.test(statement[0]) && state.told === 0) await state.hung.promise;
      if (!/quota_reserve/.test(statement[0])) return await query(...statement);
      if (state.resets-- > 0) throw new Error('reset');
      state.told += 1;
      return await query(...statement);
    };
    const subject = new DiskSubject({ plans: plansOf({}), postgres: { ...pool, query: guarded } });
    opened.push({ close: () => subject.remove() });
    await subject.quota.start();
    state.down = true;
    const [ended, live] = [holderOf(), holderOf()];
    await subject.end((await subject.begin({ holder: ended })).epoch, { inputTokens: 50, outputTokens: 100 });
    await subject.begin({ holder: live });
    state.down = false;
    await eventually('the live run is told of again', () => {
      subject.clock.advance(250);
      return state.told === 1;
    });
    await wait(50);
    const isAlone = subject.quota.alone;
    state.hung.reject(new Error('gone'));
    await eventually('it has heard of all', () => !subject.quota.alone);
    expect([isAlone, await inPostgres(ended), await inPostgres(live)]).toEqual([
      true,
      [150, 0],
      [0, RESERVED],
    ]);
  });

  it('what ended in an outage reaches it also through a crash', async () => {
    const plans = plansOf({});
    const { proxy, subject } = await proxied({ plans });
    const holder = holderOf();
    silence(proxy);
    await subject.end((await subject.begin({ holder })).epoch, { inputTokens: 5, outputTokens: 6 });
    const dataDir = await subject.crash();
    restore(proxy);
    expect(await inPostgres(holder)).toEqual([0, 0]);
    await toldAll(await relay({ plans }, { dataDir }));
    expect(await inPostgres(holder)).toEqual([11, 0]);
  });

  it('also which of them were requests', async () => {
    const plans = plansOf({});
    const { proxy, subject } = await proxied({ plans });
    const holder = holderOf({ organizationId: randomUUID() });
    silence(proxy);
    const silent = { inputTokens: 5, outputTokens: 1, source: 'input_only' } as const;
    for (const usage of [silent, { ...silent, source: 'estimated' } as const])
      await subject.end((await subject.begin({ holder })).epoch, usage, { status: 'cancelled' });
    const dataDir = await subject.crash();
    restore(proxy);
    const after = await relay({ plans }, { dataDir });
    await toldAll(after);
    expect(await after.standing(holder)).toMatchObject({
      'requests user month': [1, 0],
      'requests organization month': [1, 0],
      'tokens user month': [12, 0],
    });
  });

  it('QUOTA_ON_OUTAGE=deny refuses starts, and leaves no reservation behind', async () => {
    const { proxy, subject } = await proxied({ plans: plansOf({}), whileOut: 'deny' });
    const holder = holderOf();
    silence(proxy);
    for (let start = 0; start < 2; start += 1) {
      await expect(subject.begin({ holder })).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    }
    restore(proxy);
    await eventually('delivered', () => subject.quota.undelivered === 0);
    expect(await inPostgres(holder)).toEqual([0, 0]);
    await subject.begin({ holder });
  });

  it('a relay that boots without it starts runs, and says so once', async () => {
    const subject = new DiskSubject({
      plans: plansOf(BUDGET_FOR_ONE),
      postgres: {
        query: () => Promise.reject(new Error('connection refused')),
        close: async () => {},
      },
    });
    await subject.quota.start();
    const holder = holderOf();
    await subject.begin({ holder });
    await expect(subject.begin({ holder })).rejects.toMatchObject({ code: 'rate_limited' });
    expect(subject.outages).toMatchObject([{ message: 'connection refused' }]);
    await subject.remove();
  });
});

it('a long queue of settlements is no outage: who has to wait for room is told so', async () => {
  const { query, close } = server.relay(server.port);
  const busy: typeof query = async (...statement) => {
    if (/quota_settle/.test(String(statement[0]))) await wait(2500);
    return await query(...statement);
  };
  const plans = plansOf(BUDGET_FOR_ONE);
  const subject = new DiskSubject({ plans, clock: systemClock, postgres: { query: busy, close } });
  await subject.quota.start();
  const holder = holderOf();
  await subject.begin({ holder });
  await subject.end((await subject.begin({ holder: holderOf() })).epoch);
  expect(subject.quota.undelivered).toBe(1);
  await expect(subject.begin({ holder })).rejects.toMatchObject({ code: 'rate_limited' });
  expect(subject.outages).toEqual([]);
  expect(subject.quota.alone).toBe(false);
  await subject.remove();
});

async function toldAll({ quota }: DiskSubject): Promise<void> {
  await eventually('Postgres knows of every run', () => quota.undelivered === 0);
}
