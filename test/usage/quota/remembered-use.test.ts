/** What a relay remembers of used quotas is what its ledger says. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { UsageReading } from '../../../src/protocol/usage-reading.ts';
import type { Counter } from '../../../src/quota/charges.ts';
import { periodAt } from '../../../src/quota/period.ts';
import { RememberedUse } from '../../../src/quota/remembered-use.ts';
import { Random } from '../../../src/simulator/random.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { SEED } from '../../support/test-run.ts';
import { newDataDir } from '../runs.ts';
import { holderOf, plansOf } from './plan-files.ts';
import { DiskSubject, type Ending } from './quota-subject.ts';

const SOURCES: readonly UsageReading['source'][] = ['final', 'estimated', 'input_only', 'none'];
const ENDINGS: readonly Ending[] = [
  { status: 'done', code: null },
  { status: 'cancelled', code: null },
  { status: 'error', code: 'abandoned' },
  { status: 'error', code: 'upstream_overloaded' },
];

it('is the same, to the token, however runs end', async () => {
  const random = new Random(SEED);
  const organizationId = randomUUID();
  const holders = [holderOf(), holderOf({ organizationId }), holderOf({ organizationId })];
  const dataDir = newDataDir();
  const plans = plansOf({});
  const relay = new DiskSubject({ plans }, { dataDir });
  for (let run = 0; run < 60; run++) {
    const { epoch } = await relay.begin({ holder: random.pick(holders) });
    const tokens = () => random.integer(0, 900);
    const usage = { inputTokens: tokens(), outputTokens: tokens(), cacheReadTokens: tokens() };
    await relay.end(epoch, { ...usage, source: random.pick(SOURCES) }, random.pick(ENDINGS));
  }
  const remembered = await Promise.all(holders.map((holder) => relay.standing(holder)));
  await relay.crash();
  const anew = new DiskSubject({ plans }, { dataDir });
  expect(remembered).toEqual(await Promise.all(holders.map((holder) => anew.standing(holder))));
  expect(remembered[0]?.['tokens user month']?.[0]).toBeGreaterThan(0);
  await anew.remove();
});

it('is read anew after a minute: the ledger is the judge', () => {
  const clock = new ManualClock();
  const counter: Counter = {
    key: 'tokens:user:u',
    of: 'tokens',
    scope: 'user',
    period: periodAt('month', clock.now()),
    limit: 100,
  };
  let ledger = 10;
  let reads = 0;
  const use = new RememberedUse(() => {
    reads += 1;
    return ledger;
  }, clock);
  expect(use.of(counter)).toBe(10);
  use.add([{ counter, amount: 5 }]);
  expect([use.of(counter), reads]).toEqual([15, 1]);
  ledger = 17;
  clock.advance(59_999);
  expect([use.of(counter), reads]).toEqual([15, 1]);
  clock.advance(1);
  expect([use.of(counter), reads]).toEqual([17, 2]);
});

it('is not what another month had', () => {
  const clock = new ManualClock();
  const counterAt = (at: number): Counter => ({
    key: 'tokens:user:u',
    of: 'tokens',
    scope: 'user',
    period: periodAt('month', at),
    limit: 100,
  });
  const use = new RememberedUse(({ period }) => (period.name === '2026-11' ? 90 : 0), clock);
  expect(use.of(counterAt(Date.UTC(2026, 10, 30)))).toBe(90);
  expect(use.of(counterAt(Date.UTC(2026, 11, 1)))).toBe(0);
});
