/** Quotas without a disk: the same promises, with what was used in a Map. For tests of whoever uses quotas. */

import { ModelTable } from '../../src/models/model-table.ts';
import type { PriceTable } from '../../src/pricing/prices.ts';
import { ChargePolicy } from '../../src/quota/charges.ts';
import { LocalCounts, nameOf } from '../../src/quota/local-counts.ts';
import { LocalQuota } from '../../src/quota/local-quota.ts';
import type { Plans } from '../../src/quota/plans.ts';
import type { Quota } from '../../src/quota/port.ts';
import { type BudgetEvents, SpendingWatch } from '../../src/quota/spending-watch.ts';
import type { Clock } from '../../src/time/clock.ts';

export interface MemoryQuotaOptions extends Partial<BudgetEvents> {
  readonly plans: Plans;
  readonly prices: PriceTable;
  readonly clock: Clock;
}

export interface MemoryQuota extends Quota {
  /** Runs with a reservation. */
  readonly reservations: number;
}

export function createMemoryQuota({
  plans,
  prices,
  clock,
  onBudgetSpent = () => {},
  onBudgetReserved = () => {},
}: MemoryQuotaOptions): MemoryQuota {
  const used = new Map<string, number>();
  const policy = new ChargePolicy(plans, prices, ModelTable.load());
  const counts = new LocalCounts((counter) => used.get(nameOf(counter)) ?? 0);
  const spending = new SpendingWatch({ onBudgetSpent, onBudgetReserved });
  const quota = new LocalQuota({
    policy: () => policy,
    counts,
    clock,
    actions: () => ['chat'],
    spending,
    onSettled(cost) {
      for (const { counter, amount } of cost)
        used.set(nameOf(counter), (used.get(nameOf(counter)) ?? 0) + amount);
    },
    onClosed() {},
  });
  return {
    get reservations() {
      return counts.size;
    },
    reserve: (run) => quota.reserve(run),
    correct: (epoch, promptTokens) => quota.correct(epoch, promptTokens),
    settle: (outcome) => quota.settle(outcome),
    release: (epoch) => quota.release(epoch),
    usageOf: (holder) => quota.usageOf(holder),
  };
}
