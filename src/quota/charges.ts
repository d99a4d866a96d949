/** What a run is counted on: the counters of its user, of its organisation and of everybody, with their limits. */

import type { CacheBreakpoints } from '../models/cache.ts';
import type { ModelTable } from '../models/model-table.ts';
import { budgetPico } from '../pricing/cost.ts';
import type { PriceTable } from '../pricing/prices.ts';
import type { QuotaState } from '../protocol/frames.ts';
import { NO_USAGE, type UsageReading } from '../protocol/usage-reading.ts';
import type { LedgerRun } from './ledger-runs.ts';
import { type Period, type PeriodKind, periodAt } from './period.ts';
import { type Plan, type Plans, requestLimitOf } from './plans.ts';
import type { QuotaHolder, QuotaOutcome, QuotaRun } from './port.ts';
import {
  countedPromptTokens,
  estimatePromptTokens,
  TOOL_ANSWER_TOKENS,
  tokenScale,
} from './prompt-tokens.ts';

/** One counter: what is counted of whom, within one period. */
export interface Counter {
  /** Holds the id last, so that no id can name another's counter. The ledger's trigger builds the same ones. */
  readonly key: string;
  readonly of: QuotaState['of'] | 'spending';
  readonly scope: QuotaState['scope'] | 'everybody';
  readonly action?: string;
  readonly period: Period;
  readonly limit: number | null;
}

/** So much on one counter: requests, tokens, or 10^-6 US dollars. */
export interface Charge {
  readonly counter: Counter;
  readonly amount: number;
}

/** A run with what it can cost, as far as it is known; of its prompt nothing is kept but how long it is. */
export interface ReservedRun extends PricedRun {
  readonly charges: readonly Charge[];
  /** Of the model that is asked, estimated. */
  readonly promptTokens: number;
  /** Of each that may be asked: itself, and whom the API asks besides. */
  readonly attempts: readonly (readonly Attempt[])[];
}

interface Attempt extends Pick<QuotaRun, 'model' | 'maxTokens' | 'cache'> {
  readonly promptTokens: number;
  /** Tokens of its model for each that the asked model counts. */
  readonly scale: number;
  /** How often it may be asked: again after each time that it asks for tools. */
  readonly steps: number;
}

/** How a counter stands. */
export interface Standing {
  readonly used: number;
  readonly reserved: number;
}

export class ChargePolicy {
  readonly #plans: Pick<Plans, 'planOf' | 'spendingPerDayMicroUsd'>;
  readonly #prices: PriceTable;
  readonly #models: ModelTable;

  constructor(
    plans: Pick<Plans, 'planOf' | 'spendingPerDayMicroUsd'>,
    prices: PriceTable,
    models: ModelTable,
  ) {
    this.#plans = plans;
    this.#prices = prices;
    this.#models = models;
  }

  planOf(holder: QuotaHolder): Plan {
    return this.#plans.planOf(holder);
  }

  /** What the run can cost: its prompt as far as it can be known, and the longest answer. */
  reservation(run: QuotaRun): ReservedRun {
    const { holder, action, startedAt, model } = run;
    const askable = run.fallback === undefined ? [run] : [run, run.fallback];
    const attempts = askable.map((asked) => this.#attempts(run, asked));
    const prices = this.#prices;
    const counters = this.#counters(holder, action, startedAt);
    const charges = chargesOn(counters, atMost(attempts, { prices, startedAt }));
    const promptTokens = estimatePromptTokens(run, this.#models.find(model));
    return { model, startedAt, prices, charges, promptTokens, attempts };
  }

  /** The same with a prompt that the asked model counted. */
  corrected<Run extends ReservedRun>(run: Run, counted: number): Run {
    const { charges } = run;
    const attempts = run.attempts.map((each) =>
      each.map((attempt) => ({ ...attempt, promptTokens: countedPromptTokens(counted, attempt.scale) })),
    );
    const counters = charges.map(({ counter }) => counter);
    return { ...run, attempts, charges: chargesOn(counters, atMost(attempts, run)) };
  }

  /** Of one that is asked, and of those that the API asks where it declines: each may be billed. */
  #attempts(run: QuotaRun, asked: Askable): Attempt[] {
    const { model: first, maxTokens, cache, refusalFallbacks = [] } = asked;
    const steps = 1 + (run.toolUse?.maxSteps ?? 0);
    const others = refusalFallbacks === 'default' ? [{ model: UNKNOWN_MODEL, maxTokens }] : refusalFallbacks;
    const counts = this.#models.find(run.model);
    return [{ model: first, maxTokens }, ...others].map((attempt) => {
      const answers = this.#models.find(attempt.model);
      const promptTokens = estimatePromptTokens(run, answers);
      return { ...attempt, cache, promptTokens, scale: tokenScale(run, { counts, answers }), steps };
    });
  }

  /** What it did cost, on the same counters. A run whose answer never began is no request. */
  cost(run: ReservedRun, outcome: QuotaOutcome): Charge[] {
    const counters = run.charges.map(({ counter }) => counter);
    return costOn(counters, outcome, microUsd(run.model, run, outcome.usage));
  }

  /** The same for a run of a process before this one, whose cost the ledger knows. */
  costOfEnded({ holder, action, costMicroUsd, startedAt, outcome }: LedgerRun): Charge[] {
    return costOn(this.#counters(holder, action, startedAt), outcome, costMicroUsd);
  }

  /** The holder's own counters at an instant. */
  counters(holder: QuotaHolder, actions: readonly string[], at: number): Counter[] {
    const { userId, organizationId } = holder;
    const plan = this.#plans.planOf(holder);
    const own = organizationId === null ? plan : memberLimits(plan);
    const counters = (scope: QuotaState['scope'], id: string, limits: Plan): Counter[] => [
      ...actions.map((action) => requestCounter(scope, id, action, limits, at)),
      ...tokenCounters(scope, id, limits, at),
    ];
    return [
      // First, so that who finds both used up is told of the one that nobody else has room in either.
      ...(organizationId === null ? [] : counters('organization', organizationId, plan)),
      ...counters('user', userId, own),
    ];
  }

  #counters(holder: QuotaHolder, action: string, at: number): Counter[] {
    return [
      ...this.counters(holder, [action], at),
      ...spendingCounter(this.#plans.spendingPerDayMicroUsd, at),
    ];
  }
}

type PriceList = Pick<PricedRun, 'prices' | 'startedAt'>;

/** One of them answers: room for the dearest is room for each. */
function atMost(askable: readonly (readonly Attempt[])[], list: PriceList): Amounts {
  const most = askable.map((attempts) => ({
    // Counted by their number are those of the answer alone, whoever gives it.
    tokens: Math.max(...attempts.map((each) => each.steps * (promptOf(each) + each.maxTokens))),
    spending: attempts.reduce((sum, attempt) => sum + spendingOf(attempt, list), 0),
  }));
  return {
    requests: 1,
    tokens: Math.max(...most.map(({ tokens }) => tokens)),
    spending: Math.max(...most.map(({ spending }) => spending)),
  };
}

function spendingOf(attempt: Attempt, list: PriceList): number {
  const { model, maxTokens, cache, steps } = attempt;
  const usage = { ...promptAtMost(promptOf(attempt), cache), outputTokens: maxTokens };
  return steps * microUsd(model, list, usage);
}

/** Rounded up. */
function microUsd(asked: string, { prices, startedAt }: PriceList, usage: Partial<UsageReading>): number {
  const pico = budgetPico(prices, asked, { ...NO_USAGE, ...usage }, startedAt);
  return Number((pico + 999_999n) / 1_000_000n);
}

/** Each time that it is asked; with what tools have answered by then. */
function promptOf({ promptTokens, steps }: Attempt): number {
  return promptTokens + (steps > 1 ? TOOL_ANSWER_TOKENS : 0);
}

/** Of a run, what may be asked for its answer. */
type Askable = Pick<QuotaRun, 'model' | 'maxTokens' | 'cache' | 'refusalFallbacks'>;

/** Has no price, and so counts as the dearest there is. */
const UNKNOWN_MODEL = 'chosen by the API';

/** What the price of a run depends on. */
export interface PricedRun extends Pick<QuotaRun, 'model' | 'startedAt'> {
  /** Those that it began with. */
  readonly prices: PriceTable;
}

function costOn(counters: readonly Counter[], outcome: QuotaOutcome, spending: number): Charge[] {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = outcome.usage;
  return chargesOn(counters, {
    requests: isRequest(outcome) ? 1 : 0,
    tokens: inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens,
    spending,
  });
}

/** Whether the model said anything. Which prompt tokens were billed before is counted in any case. */
function isRequest({ status, usage: { source } }: QuotaOutcome): boolean {
  return status === 'done' || source === 'final' || source === 'estimated';
}

/** The plan's limits for one of many: of what an organisation shares, no more than a share. */
function memberLimits(plan: Plan): Plan {
  const { requestsPerActionPerMonth: requests, user, organization } = plan;
  const part = (limit: number): number => Math.ceil((limit * organization.userSharePercent) / 100);
  const share = (limit: number | undefined): number | undefined =>
    limit === undefined ? undefined : part(limit);
  return {
    ...plan,
    requestsPerActionPerMonth:
      typeof requests === 'object'
        ? new Map([...requests].map(([action, limit]) => [action, part(limit)]))
        : share(requests),
    user: {
      tokensPerDay: lower(user.tokensPerDay, share(organization.tokensPerDay)),
      tokensPerMonth: lower(user.tokensPerMonth, share(organization.tokensPerMonth)),
    },
  };
}

function lower(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

function requestCounter(
  scope: QuotaState['scope'],
  id: string,
  action: string,
  plan: Plan,
  at: number,
): Counter {
  const key = `requests:${action}:${scope}:${id}`;
  const limit = requestLimitOf(plan, action) ?? null;
  return { key, of: 'requests', scope, action, period: periodAt('month', at), limit };
}

function tokenCounters(scope: QuotaState['scope'], id: string, plan: Plan, at: number): Counter[] {
  const { tokensPerDay, tokensPerMonth } = plan[scope];
  const counter = (kind: PeriodKind, limit: number | undefined): Counter => ({
    key: `tokens:${scope}:${id}`,
    of: 'tokens',
    scope,
    period: periodAt(kind, at),
    limit: limit ?? null,
  });
  return [counter('day', tokensPerDay), counter('month', tokensPerMonth)];
}

function spendingCounter(limit: number | null, at: number): Counter[] {
  // Without a budget there is none: one row that every start of every machine wants is only worth it for a limit.
  if (limit === null) return [];
  return [{ key: 'spending', of: 'spending', scope: 'everybody', period: periodAt('day', at), limit }];
}

type Amounts = Readonly<Record<Counter['of'], number>>;

function chargesOn(counters: readonly Counter[], amounts: Amounts): Charge[] {
  return counters.map((counter) => ({ counter, amount: amounts[counter.of] }));
}

/** A prompt as it is billed at most: written to the API's cache whole, for the longest time of its breakpoints. */
function promptAtMost(tokens: number, cache: CacheBreakpoints | undefined): Partial<UsageReading> {
  const ttls = [cache?.system, ...(cache?.messages ?? []).map(({ ttl }) => ttl)];
  if (ttls.includes('1h')) return { cacheWriteTokens: tokens, cacheWrite1hTokens: tokens };
  return ttls.includes('5m') ? { cacheWriteTokens: tokens } : { inputTokens: tokens };
}
