/** Limits of plans that are smaller than one answer: nothing is used, and each question is refused all the same. */
import type { Principal } from '../auth/port.ts';
import type { Config } from '../config/environment.ts';
import type { ConfigFiles } from '../config/files.ts';
import { actionsOfPlan } from '../config/plan-actions.ts';
import { SIMULATED_PRICES } from '../pricing/prices.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { type Charge, ChargePolicy, type Counter } from '../quota/charges.ts';
import type { Plan } from '../quota/plans.ts';
import { type PreparedRequest, prepareRequest, type RequestPolicy } from '../run/request.ts';

const BUDGET = 'spendingPerDayUsd';

/**
 * Judged for the shortest question that asks for nothing special, by each plan's own models and caps.
 * @param now Unix ms
 * @returns lines `PLANS_FILE: what is wrong, what to do`
 */
export function limitsBelowOneAnswer(config: Config, files: ConfigFiles, now: number): string[] {
  const found = new Map<string, { readonly limit: number; most: number; readonly actions: string[] }>();
  for (const plan of files.plans.all)
    for (const [action, { counter, amount }] of tooSmall(plan, config, files, now)) {
      const place = placeOf(plan, counter);
      const entry = found.get(place) ?? { limit: counter.limit ?? 0, most: 0, actions: [] };
      entry.most = Math.max(entry.most, amount);
      if (!entry.actions.includes(action)) entry.actions.push(action);
      found.set(place, entry);
    }
  return [...found].map(
    ([place, { limit, most, actions }]) =>
      `PLANS_FILE: ${place}: one answer of ${actions.join(', ')} may take ${shown(place, most)}, and the limit is ${shown(place, limit)}: each question is refused; raise it, or lower maxTokens and thinking`,
  );
}

function* tooSmall(
  plan: Plan,
  { DEFAULT_MODEL, ANTHROPIC_API_KEY }: Config,
  { actions, plans, models, prices }: ConfigFiles,
  now: number,
): Generator<readonly [action: string, charge: Charge]> {
  const own = actionsOfPlan(actions, plan, models);
  const { spendingPerDayMicroUsd } = plans;
  const charged = ANTHROPIC_API_KEY === undefined ? SIMULATED_PRICES : prices;
  const charges = new ChargePolicy({ planOf: () => plan, spendingPerDayMicroUsd }, charged, models);
  const policy = {
    actionsOf: () => ({ plan: plan.name, actions: own }),
    models,
    defaultModel: models.resolve(DEFAULT_MODEL),
    allowedModels: new Set<string>(), // of clients: the question names none
    userHash: (userId: string) => userId, // asks nobody
  };
  for (const organizationId of [null, 'organisation'])
    for (const action of own.keys()) {
      const token = { issuedAt: now, sessionId: null, keyId: '' };
      const holder = { userId: 'user', organizationId, tier: null, anonymous: false, expiresAt: now, token };
      const prepared = shortestQuestion(action, holder, policy, now);
      if (prepared === undefined) continue;
      const run = { ...prepared, epoch: 'epoch', holder, action, startedAt: now };
      for (const charge of charges.reservation(run).charges) if (isTooSmall(charge)) yield [action, charge];
    }
}

/** Undefined where even that is refused: by a parameter that is required, or models that have all retired. */
function shortestQuestion(
  action: string,
  principal: Principal,
  policy: RequestPolicy,
  now: number,
): PreparedRequest | undefined {
  try {
    const request = { id: 'question', action, messages: [{ role: 'user', content: '?' } as const] };
    return prepareRequest(request, principal, policy, now);
  } catch (error) {
    if (error instanceof RelayError) return undefined;
    throw error;
  }
}

/** Of requests, a limit of none is what it says. */
function isTooSmall({ counter: { of, limit }, amount }: Charge): boolean {
  return of !== 'requests' && limit !== null && amount > limit;
}

function placeOf({ name }: Plan, { of, scope, period }: Counter): string {
  if (of === 'spending') return BUDGET;
  return `${name}.${scope}.tokensPer${period.kind === 'day' ? 'Day' : 'Month'}`;
}

/** Tokens, or US dollars of what is counted in millionths. */
function shown(place: string, amount: number): string {
  return place === BUDGET ? `${amount / 1e6} dollars` : `${amount} tokens`;
}
