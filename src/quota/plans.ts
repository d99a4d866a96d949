/**
 * Plans: what a tier may use, and which models answer it how. Operators replace the file (PLANS_FILE) or override two of its numbers for everybody
 * (MAX_STREAMS_PER_USER, STARTS_PER_MINUTE). Owns the file and which plan a holder has; counts nothing.
 */
import * as z from 'zod';
import { isDistinct, readJsonFile } from '../files/json-file.ts';
import { modelSettings } from '../models/settings.ts';
import { keepSetting } from './keep.ts';
import type { QuotaHolder } from './port.ts';
import { TierMap, tierName } from './tiers.ts';

/** Whole, positive; absent: no limit. */
const limit = z.int().positive().optional();

/** Of each action apart: one number for all, or by name, where `*` stands for the others. */
const requestLimits = z.union(
  [
    z.int().positive(),
    z.record(z.string().min(1), z.int().positive()).transform((limits) => new Map(Object.entries(limits))),
  ],
  'must be a whole positive number, or such numbers by action, with "*" for the others',
);
const OTHER_ACTIONS = '*';

const tokenLimits = z.strictObject({ tokensPerDay: limit, tokensPerMonth: limit });

const organizationLimits = tokenLimits.extend({
  /** So much of each limit that members share may one of them use: nobody spends the month of all others. */
  userSharePercent: z.int().min(1).max(100).default(20),
});

const plan = z.strictObject({
  /** Tiers that have this plan, such as `pro` and `school_*`; absent: the plan's own name. */
  tiers: z.array(tierName).min(1).optional(),
  /** Live streams of a user, by all transports. */
  streams: limit,
  /** Of a user. */
  startsPerMinute: limit,
  /** Of an organisation. */
  requestsPerActionPerMonth: requestLimits.optional(),
  /** For all actions, in the place of their own. */
  settings: modelSettings.optional(),
  /** For single actions, by name. */
  actions: z
    .record(z.string().min(1), modelSettings)
    .transform((actions) => new Map(Object.entries(actions)))
    .optional(),
  /** For how long answers last. */
  keep: keepSetting.optional(),
  user: tokenLimits.default({}),
  organization: organizationLimits.prefault({}),
});

const FALLBACK = 'free';
const ANONYMOUS = 'anonymous';

const plansFile = z.strictObject({
  notes: z.string().optional(),
  /** US dollars that all runs of all users together may cost on a day (UTC). */
  spendingPerDayUsd: z.number().positive().max(1_000_000).optional(),
  /** Of models without a price, which such a budget cannot count: they are refused at the start, or count as the dearest. */
  unpricedModels: z.enum(['refused', 'allowed']).default('refused'),
  plans: z
    .record(z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'must be a name in lower case'), plan)
    .refine((plans) => FALLBACK in plans && ANONYMOUS in plans, `must have "${FALLBACK}" and "${ANONYMOUS}"`)
    .refine((plans) => isDistinct(Object.entries(plans).flatMap(tiersOf)), 'must name each tier once'),
});

/** The limits of a plan (undefined: none), and its settings of actions. */
export interface Plan extends Omit<z.output<typeof plan>, 'tiers'> {
  readonly name: string;
}

export interface StartLimits {
  /** Live streams of the user. */
  readonly streams: number;
  readonly startsPerMinute: number;
}

/** Requests of one action in a month. */
export function requestLimitOf(
  { requestsPerActionPerMonth: limits }: Plan,
  action: string,
): number | undefined {
  return typeof limits === 'object' ? (limits.get(action) ?? limits.get(OTHER_ACTIONS)) : limits;
}

/** Actions that the plan has a limit for by name. */
export function actionsLimitedBy({ requestsPerActionPerMonth: limits }: Plan): readonly string[] {
  return typeof limits === 'object' ? [...limits.keys()].filter((name) => name !== OTHER_ACTIONS) : [];
}

export interface Plans {
  readonly all: readonly Plan[];
  planOf(holder: QuotaHolder): Plan;
  limitsOf(holder: QuotaHolder): StartLimits;
  /** For all runs of a day (UTC), 10^-6 US dollars; null: no limit. */
  readonly spendingPerDayMicroUsd: number | null;
  /** Whether each model must have a price, by which that limit counts. */
  readonly needsPrices: boolean;
}

export interface PlansOptions {
  /** In place of the shipped file. */
  readonly file: string | undefined;
  /** Where a plan has no such limit. */
  readonly defaults: StartLimits;
  /** Whatever the plan says: the keys an operator set in the environment. */
  readonly overrides: Partial<StartLimits>;
  /** A tier without a plan, told once each: its users have the plan `free`. */
  readonly onUnknownTier: (tier: string) => void;
}

const SHIPPED = new URL('../../config/plans.json', import.meta.url);
/** Tiers come in tokens: their number must not grow the memory. */
const MAX_TIERS_TOLD = 100;

/**
 * Reads and checks a plans file.
 * @throws Error naming the file and everything that is wrong in it
 */
export function loadPlans(options: PlansOptions): Plans {
  return new FilePlans(readJsonFile('plans', options.file ?? SHIPPED, plansFile), options);
}

class FilePlans implements Plans {
  readonly all: readonly Plan[];
  readonly spendingPerDayMicroUsd: number | null;
  readonly needsPrices: boolean;
  readonly #options: PlansOptions;
  readonly #byTier = new TierMap<Plan>();
  readonly #fallback: Plan;
  readonly #anonymous: Plan;
  readonly #told = new Set<string>();

  constructor(file: z.output<typeof plansFile>, options: PlansOptions) {
    this.#options = options;
    const { spendingPerDayUsd: usd, unpricedModels } = file;
    this.needsPrices = usd !== undefined && unpricedModels === 'refused';
    this.spendingPerDayMicroUsd = usd === undefined ? null : Math.floor(usd * 1e6);
    this.all = Object.entries(file.plans).map((entry) => {
      const [name, { tiers: _, ...rest }] = entry;
      const own = { name, ...rest };
      for (const tier of tiersOf(entry)) this.#byTier.set(tier, own);
      return own;
    });
    this.#fallback = named(this.all, FALLBACK);
    this.#anonymous = named(this.all, ANONYMOUS);
  }

  planOf({ tier, anonymous }: QuotaHolder): Plan {
    if (anonymous) return this.#anonymous;
    if (tier === null) return this.#fallback;
    const known = this.#byTier.get(tier.toLowerCase());
    if (known === undefined && !this.#told.has(tier) && this.#told.size < MAX_TIERS_TOLD) {
      this.#told.add(tier);
      this.#options.onUnknownTier(tier);
    }
    return known ?? this.#fallback;
  }

  limitsOf(holder: QuotaHolder): StartLimits {
    const { streams, startsPerMinute } = this.planOf(holder);
    const { defaults, overrides } = this.#options;
    return {
      streams: overrides.streams ?? streams ?? defaults.streams,
      startsPerMinute: overrides.startsPerMinute ?? startsPerMinute ?? defaults.startsPerMinute,
    };
  }
}

function named(plans: readonly Plan[], name: string): Plan {
  return plans.find((each) => each.name === name) ?? { name, ...plan.parse({}) };
}

function tiersOf([name, { tiers }]: [string, { readonly tiers?: readonly string[] | undefined }]): string[] {
  return (tiers ?? [name]).map((tier) => tier.toLowerCase());
}
