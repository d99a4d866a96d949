/** What holders hear of their quotas: whether charges fit, in which words they do not, and how the counters stand. */
import type { QuotaState } from '../protocol/frames.ts';
import { type QuotaFigures, RelayError } from '../protocol/relay-error.ts';
import type { Charge, Counter, ReservedRun, Standing } from './charges.ts';
import type { Plan } from './plans.ts';
import type { QuotaLine, QuotaReport, Reservation } from './port.ts';

/** Share of a limit from which clients are warned. */
const WARN_FROM = 0.8;
/** After which a start may find given back what live runs hold, ms: most answers take some seconds. */
const RESERVED_RETRY_MS = 5000;

/** A limit without room for a charge. */
export interface Shortage {
  readonly counter: Counter;
  readonly standing: Standing;
  /** `used`: there is no room until the period ends. `reserved`: live runs hold it, and may give it back. */
  readonly by: 'used' | 'reserved';
}

/** The first charge without room for good, or else the first without room now. `standings` are before the charges. */
export function shortageOf(charges: readonly Charge[], standings: readonly Standing[]): Shortage | undefined {
  let held: Shortage | undefined;
  for (const [index, { counter, amount }] of charges.entries()) {
    const standing = standings[index] ?? NOTHING;
    if (counter.limit === null || total(standing) + amount <= counter.limit) continue;
    if (standing.used + amount > counter.limit) return { counter, standing, by: 'used' };
    held ??= { counter, standing, by: 'reserved' };
  }
  return held;
}

/** With its charges on top, the quota that is nearest to its end, if one is near. */
export function reservationOf(
  { charges, promptTokens }: ReservedRun,
  standings: readonly Standing[],
): Reservation {
  let warning: QuotaState | undefined;
  let highest = WARN_FROM;
  for (const [index, { counter, amount }] of charges.entries()) {
    const used = total(standings[index] ?? NOTHING) + amount;
    if (counter.limit === null || counter.of === 'spending' || used / counter.limit < highest) continue;
    highest = used / counter.limit;
    warning = stateOf(counter, used);
  }
  return { promptTokens, ...(warning === undefined ? {} : { warning }) };
}

/**
 * What the start is refused with: `quota_exceeded` until the period ends, `rate_limited` where live runs hold the room.
 * The operator's own budget is no figure for clients: they learn only when to come back.
 * @param wayOut what else there is to do than to wait for the next period
 */
export function refusalOf(shortage: Shortage, wayOut?: string): RelayError {
  return shortage.by === 'used' ? quotaExceeded(shortage, wayOut) : heldByOthers(shortage);
}

function quotaExceeded(shortage: Shortage, wayOut: string | undefined): RelayError {
  const words = wordsOf(shortage);
  const message = wayOut === undefined ? words : `${words}; ${wayOut}`;
  return new RelayError('quota_exceeded', message, {
    quota: figuresOf(shortage),
    cause: nameOf(shortage.counter),
  });
}

function figuresOf({ counter, standing }: Shortage): QuotaFigures {
  const { of, period, limit } = counter;
  const { resetsAt } = period;
  return of === 'spending' || limit === null ? { resetsAt } : { used: total(standing), limit, resetsAt };
}

function wordsOf({ counter }: Shortage): string {
  const { of, period, limit } = counter;
  if (of === 'spending') return 'no more answers today: the daily budget of this service is spent';
  return of === 'requests'
    ? `${ownerOf(counter)} requests of this kind are used up for this ${period.kind}: ${limit}`
    : `${ownerOf(counter)} tokens left for this ${period.kind} do not suffice for this request`;
}

function heldByOthers({ counter }: Shortage): RelayError {
  const what =
    counter.of === 'spending'
      ? 'what is left of the daily budget of this service'
      : `what is left of ${ownerOf(counter)} ${counter.of} for this ${counter.period.kind}`;
  return new RelayError('rate_limited', `${what} is reserved by answers under way; try again when they end`, {
    retryAfterMs: RESERVED_RETRY_MS,
    cause: nameOf(counter),
  });
}

/** Of the limit, for the operator: no name of a user or an action. */
function nameOf({ of, scope, period }: Counter): string {
  return of === 'spending' ? of : `${of}_of_${scope}_per_${period.kind}`;
}

function ownerOf({ scope }: Counter): string {
  return scope === 'organization' ? "this organisation's" : 'your';
}

function stateOf({ of, scope, period, limit }: Counter, used: number): QuotaState | undefined {
  if (of === 'spending' || scope === 'everybody' || limit === null) return undefined;
  return { of, scope, period: period.kind, used, limit, resetsAt: period.resetsAt };
}

function total({ used, reserved }: Standing): number {
  return used + reserved;
}

const NOTHING: Standing = { used: 0, reserved: 0 };

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
