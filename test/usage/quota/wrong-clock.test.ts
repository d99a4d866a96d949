import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../support/manual-clock.ts';
import { newDataDir } from '../runs.ts';
import { holderOf, PROMPT_TOKENS, plansOf } from './plan-files.ts';
import { DiskSubject } from './quota-subject.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
/** Of one run, µ$: 100 tokens at 2 dollars and 100 at 10 dollars per million. */
const COST = 1200;

let dataDir = newDataDir();

afterEach(() => {
  dataDir.remove();
  dataDir = newDataDir();
});

/** One boot of the relay, by that clock. Its limits: two requests a month, two runs' cost a day. */
async function boot<Result>(at: number, work: (subject: DiskSubject) => Promise<Result>): Promise<Result> {
  const plans = plansOf({
    spendingPerDayUsd: (2 * COST) / 1e6,
    plans: { enterprise: {}, free: { requestsPerActionPerMonth: 2 } },
  });
  const clock = new ManualClock(at);
  const subject = new DiskSubject({ plans, clock }, { dataDir });
  try {
    return await work(subject);
  } finally {
    await subject.crash();
  }
}

const holder = holderOf();

async function run(subject: DiskSubject, startedAt: number, given = { holder }): Promise<void> {
  const { epoch } = await subject.begin({ ...given, startedAt });
  await subject.end(epoch, { inputTokens: PROMPT_TOKENS, outputTokens: 100 });
}

const CLOCKS: readonly [clock: string, at: number][] = [
  ['a month ahead', Date.UTC(2026, 11, 22)],
  ['a year ahead', Date.UTC(2027, 10, 22)],
  ['far ahead', Date.UTC(2106, 1, 7)],
  ['at its beginning', Date.UTC(1970, 0, 1)],
];

describe.each(CLOCKS)('a boot with the clock %s', (_, wrong) => {
  it.each([
    ['runs nothing', 0],
    ['runs something', 1],
  ])('that %s leaves quotas and the spending of the day as they were', async (_title, runs) => {
    await boot(NOW, async (subject) => {
      await run(subject, NOW);
      await run(subject, NOW);
    });
    await boot(wrong, async (subject) => {
      for (let left = runs; left > 0; left -= 1) await run(subject, wrong, { holder: holderOf() });
    });
    await boot(NOW, async (subject) => {
      await expect(subject.begin({ holder, startedAt: NOW })).rejects.toMatchObject({
        code: 'quota_exceeded',
        quota: { used: 2, limit: 2 },
      });
      const other = holderOf({ tier: 'enterprise' });
      await expect(subject.begin({ holder: other, startedAt: NOW })).rejects.toMatchObject({
        message: expect.stringContaining('daily budget of this service is spent'),
      });
    });
  });
});

it('several boots with wrong clocks, with runs, delete nothing of the present month', async () => {
  await boot(NOW, async (subject) => run(subject, NOW));
  for (const [, wrong] of CLOCKS) await boot(wrong, async (subject) => run(subject, wrong));
  await boot(NOW, async (subject) => {
    const { quotas } = await subject.quota.usageOf(holder);
    expect(quotas.find(({ of }) => of === 'requests')).toMatchObject({ used: 1, limit: 2 });
  });
});

it('counts of a month are deleted once three later months have runs', async () => {
  const months = [8, 9, 10].map((month) => Date.UTC(2026, month, 3));
  for (const month of months) await boot(month, async (subject) => run(subject, month));
  const used = (at: number) =>
    boot(at, async (subject) => {
      const { quotas } = await subject.quota.usageOf(holder);
      return quotas.find(({ of }) => of === 'requests')?.used;
    });
  const [august = 0, september = 0] = months;
  expect(await used(august)).toBe(1);
  const december = Date.UTC(2026, 11, 3);
  await boot(december, async (subject) => run(subject, december));
  await boot(december, async () => {});
  expect([await used(august), await used(september)]).toEqual([0, 1]);
});
