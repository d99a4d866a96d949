import type { Counter, Standing } from './charges.ts';
import type { Plan } from './plans.ts';
import type { QuotaLine, QuotaReport } from './port.ts';

/** How a holder's counters stand, as `GET /v1/usage` answers. */
export function reportOf(
  plan: Plan,
  counters: readonly Counter[],
  standings: readonly Standing[],
): QuotaReport {
  return {
    plan: plan.name,
    quotas: counters.flatMap((counter, index) => lineOf(counter, standings[index])),
  };
}

function lineOf({ of, scope, action, period, limit }: Counter, standing: Standing | undefined): QuotaLine[] {
  if (of === 'spending' || scope === 'everybody') return [];
  const { used, reserved } = standing ?? { used: 0, reserved: 0 };
  const named = action === undefined ? {} : { action };
  return [{ of, scope, ...named, period: period.kind, used, reserved, limit, resetsAt: period.resetsAt }];
}
