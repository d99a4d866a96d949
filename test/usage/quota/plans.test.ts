import { describe, expect, it } from 'vitest';
import { loadPlans } from '../../../src/quota/plans.ts';
import { holderOf, plansFile, plansOf } from './plan-files.ts';

const OPTIONS = {
  file: undefined,
  defaults: { streams: 32, startsPerMinute: 60 },
  overrides: {},
  onUnknownTier() {},
};

describe('the plans that ship', () => {
  const plans = loadPlans(OPTIONS);

  it.each([
    [null, 'free', 50],
    ['free', 'free', 50],
    ['basic', 'basic', 500],
    ['starter', 'basic', 500],
    ['pro', 'pro', 2500],
    ['Premium', 'pro', 2500],
    ['enterprise', 'enterprise', undefined],
  ])('tier %s has the plan %s with %s requests per action and month', (tier, name, requests) => {
    const plan = plans.planOf(holderOf({ tier }));
    expect(plan).toMatchObject({ name });
    expect(plan.requestsPerActionPerMonth).toBe(requests);
  });

  it('enterprise has no limit of its own: the environment alone holds it', () => {
    const holder = holderOf({ tier: 'enterprise' });
    expect(plans.planOf(holder)).toEqual({
      name: 'enterprise',
      user: {},
      organization: { userSharePercent: 20 },
    });
    expect(plans.limitsOf(holder)).toEqual({ streams: 32, startsPerMinute: 60 });
  });

  it('anonymous users have their own, whatever their tier says', () => {
    expect(plans.planOf(holderOf({ anonymous: true, tier: 'enterprise' })).name).toBe('anonymous');
  });

  it('no daily budget holds', () => {
    expect(plans.spendingPerDayMicroUsd).toBeNull();
  });
});

describe('a plans file', () => {
  it('an unknown tier is free, and the operator hears of it once', () => {
    const told: string[] = [];
    const plans = plansOf({ plans: { free: { streams: 3 } } }, { onUnknownTier: (tier) => told.push(tier) });
    for (let start = 0; start < 3; start += 1) {
      expect(plans.limitsOf(holderOf({ tier: 'gold' })).streams).toBe(3);
      plans.planOf(holderOf({ tier: 'silver' }));
    }
    expect(told).toEqual(['gold', 'silver']);
  });

  it('names tiers as they are and by how they begin: the exact name first, then the longest beginning', () => {
    const told: string[] = [];
    const content = {
      plans: {
        basic: { tiers: ['parent_*', 'school_*'] },
        pro: { tiers: ['Parent_Plus', 'school_premium*', 'professional'] },
        enterprise: { tiers: ['school_premium_max', 'enterprise'] },
      },
    };
    const plans = plansOf(content, { onUnknownTier: (tier) => told.push(tier) });
    const named = (tier: string) => plans.planOf(holderOf({ tier })).name;
    const tiers = [
      'parent_starter',
      'parent_plus',
      'PARENT_PLUS',
      'professional',
      'school_',
      'school_premium',
    ];
    expect(tiers.map(named)).toEqual(['basic', 'pro', 'pro', 'pro', 'basic', 'pro']);
    expect(['school_premium_2026', 'school_premium_max', 'School_Pro'].map(named)).toEqual([
      'pro',
      'enterprise',
      'basic',
    ]);
    expect(told).toEqual([]);
    expect(['parent', 'school', 'basic', 'professionals', 'toString'].map(named)).toEqual(
      Array.from({ length: 5 }, () => 'free'),
    );
    expect(told).toEqual(['parent', 'school', 'basic', 'professionals', 'toString']);
  });

  it('gives the limits of a plan, the defaults where it has none, and what the environment set above both', () => {
    const content = { plans: { free: { streams: 3 }, pro: { startsPerMinute: 7 } } };
    const pro = holderOf({ tier: 'pro' });
    expect(plansOf(content).limitsOf(holderOf())).toEqual({ streams: 3, startsPerMinute: 60 });
    expect(plansOf(content).limitsOf(pro)).toEqual({ streams: 32, startsPerMinute: 7 });
    const set = plansOf(content, { overrides: { streams: 100 } });
    expect(set.limitsOf(holderOf())).toEqual({ streams: 100, startsPerMinute: 60 });
    expect(set.limitsOf(pro)).toEqual({ streams: 100, startsPerMinute: 7 });
  });

  it.each([
    ['no JSON', '{', /unable to use the plans file .*plans\.json: .*JSON/],
    ['a plan missing', '{"plans":{"free":{}}}', /must have "free" and "anonymous"/],
    ['an unknown field', { plans: { free: { stream: 3 } } }, /stream/],
    ['a limit of zero', { plans: { free: { streams: 0 } } }, /free.*streams/s],
    ['a tier of two plans', { plans: { basic: { tiers: ['pro'] }, pro: {} } }, /name each tier once/],
    [
      'a limit of no action that is no number',
      { plans: { free: { requestsPerActionPerMonth: { chat: '5' } } } },
      /requestsPerActionPerMonth/,
    ],
    [
      'a limit of zero for an action',
      { plans: { free: { requestsPerActionPerMonth: { chat: 0 } } } },
      /whole positive number/,
    ],
    [
      'a beginning of two plans',
      { plans: { basic: { tiers: ['school_*'] }, pro: { tiers: ['SCHOOL_*'] } } },
      /name each tier once/,
    ],
    ['a tier twice in one plan', { plans: { pro: { tiers: ['pro', 'Pro'] } } }, /name each tier once/],
    ['a star in the middle', { plans: { pro: { tiers: ['school_*_plus'] } } }, /a \* at its end/],
    ['two stars', { plans: { pro: { tiers: ['school_**'] } } }, /a \* at its end/],
    ['a star alone', { plans: { pro: { tiers: ['*'] } } }, /a \* at its end/],
    ['a tier without a letter', { plans: { pro: { tiers: [''] } } }, /must be a name/],
    ['a budget that is no number', { spendingPerDayUsd: '5' }, /spendingPerDayUsd/],
  ])('with %s is refused, and says what is wrong', (_what, content, words) => {
    expect(() => loadPlans({ ...OPTIONS, file: plansFile(content) })).toThrow(words);
  });
});
