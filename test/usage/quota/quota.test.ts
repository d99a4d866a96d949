import { ManualClock } from '../../support/manual-clock.ts';
import { createMemoryQuota } from '../../support/memory-quota.ts';
import { readingOf, settlementOf } from '../runs.ts';
import { runOf } from './plan-files.ts';
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
    standing: async (holder) => standingOf(await quota.usageOf(holder)),
    async remove() {},
  };
}
