/** Whether charges fit under their limits, and in which words a client hears of it. */
import type { QuotaState } from '../../protocol/frames.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import type { Charge, Counter, Standing } from './charges.ts';
import type { Reservation } from './port.ts';

/** Share of a limit from which clients are warned. */
const WARN_FROM = 0.8;

/** The first charge that does not fit. `standings` are the counters before it, in the same order. */
export function exceeding(
  charges: readonly Charge[],
  standings: readonly Standing[],
): { readonly counter: Counter; readonly standing: Standing } | undefined {
  for (const [index, { counter, amount }] of charges.entries()) {
    const standing = standings[index] ?? NOTHING;
    if (counter.limit !== null && total(standing) + amount > counter.limit) return { counter, standing };
  }
  return undefined;
}

/** With these charges on top, the quota that is nearest to its end, if one is near. */
export function reservationOf(charges: readonly Charge[], standings: readonly Standing[]): Reservation {
  let warning: QuotaState | undefined;
  let highest = WARN_FROM;
  for (const [index, { counter, amount }] of charges.entries()) {
    const used = total(standings[index] ?? NOTHING) + amount;
    if (counter.limit === null || counter.of === 'spending' || used / counter.limit < highest) continue;
    highest = used / counter.limit;
    warning = stateOf(counter, used);
  }
  return warning === undefined ? {} : { warning };
}

/** `quota_exceeded`. The operator's own budget is no figure for clients: they learn only when to come back. */
export function quotaExceeded(counter: Counter, standing: Standing): RelayError {
  const { of, scope, period, limit } = counter;
  const { resetsAt } = period;
  if (of === 'spending' || limit === null) {
    return new RelayError(
      'quota_exceeded',
      'no more answers today: the daily budget of this service is spent',
      {
        quota: { resetsAt },
      },
    );
  }
  const whose = scope === 'organization' ? "this organisation's" : 'your';
  const message =
    of === 'requests'
      ? `${whose} requests of this kind are used up for this ${period.kind}: ${limit}`
      : `${whose} tokens left for this ${period.kind} do not suffice for this request`;
  return new RelayError('quota_exceeded', message, { quota: { used: total(standing), limit, resetsAt } });
}

function stateOf({ of, scope, period, limit }: Counter, used: number): QuotaState | undefined {
  if (of === 'spending' || scope === 'everybody' || limit === null) return undefined;
  return { of, scope, period: period.kind, used, limit, resetsAt: period.resetsAt };
}

function total({ used, reserved }: Standing): number {
  return used + reserved;
}

const NOTHING: Standing = { used: 0, reserved: 0 };
