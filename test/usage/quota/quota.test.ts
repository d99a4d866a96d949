import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { ManualClock } from '../../support/manual-clock.ts';
import { createMemoryQuota } from '../../support/memory-quota.ts';
import { readingOf, settlementOf } from '../runs.ts';
import { holderOf, plansOf, runOf } from './plan-files.ts';
import { quotaContract } from './quota-contract.ts';
import {
  DiskSubject,
  prices,
  type QuotaSubject,
  type SubjectOptions,
  standingOf,
  subjectOf,
} from './quota-subject.ts';

quotaContract('SQLite', (options) => subjectOf(new DiskSubject(options)));

quotaContract('memory', (options) => memorySubject(options));

it('a crash between start and ending leaves what was said, and nothing of what was not, on user and organisation', async () => {
  const holder = holderOf({ organizationId: randomUUID() });
  const plans = plansOf({});
  const before = new DiskSubject({ plans });
  await before.begin({ holder });
  before.bill((await before.begin({ holder })).epoch, {
    inputTokens: 5,
    outputTokens: 1,
    source: 'input_only',
  });
  before.bill((await before.begin({ holder })).epoch, {
    inputTokens: 5,
    outputTokens: 9,
    source: 'estimated',
  });
  before.clock.advance(1000);
  const after = new DiskSubject({ plans }, { dataDir: await before.crash() });
  expect(await after.standing(holder)).toMatchObject({
    'requests user month': [1, 0],
    'requests organization month': [1, 0],
    'tokens user month': [20, 0],
    'tokens organization month': [20, 0],
  });
  await after.remove();
});

function memorySubject(options: SubjectOptions): QuotaSubject {
  const clock = new ManualClock();
  const quota = createMemoryQuota({ ...options, prices, clock });
  return {
    clock,
    async begin(given = {}) {
      const run = runOf({ startedAt: clock.now(), ...given });
      return { ...(await quota.reserve(run)), epoch: run.epoch };
    },
    async end(epoch, usage = {}, ending = {}) {
      quota.settle(settlementOf(epoch, { usage: readingOf(usage), ...ending }));
    },
    release: (epoch) => quota.release(epoch),
    correct: (...counted) => quota.correct(...counted),
    standing: async (holder) => standingOf(await quota.usageOf(holder)),
    async remove() {},
  };
}
