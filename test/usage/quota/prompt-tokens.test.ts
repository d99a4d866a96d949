import { expect, it } from 'vitest';
import type { CacheBreakpoints } from '../../../src/models/cache.ts';
import { loadPrices } from '../../../src/pricing/prices.ts';
import { ChargePolicy, promptTokensAtMost } from '../../../src/quota/charges.ts';
import { periodAt } from '../../../src/quota/period.ts';
import { plansOf, runOf } from './plan-files.ts';

it('a prompt is at most a token a byte, with room for each message and image', () => {
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } } as const;
  const tokens = promptTokensAtMost({
    system: 'Be kind.',
    messages: [
      { role: 'user', content: 'père 🎉' },
      { role: 'assistant', content: [{ type: 'text', text: 'ok' }, image] },
    ],
  });
  expect(tokens).toBe(64 + 8 + (16 + 10) + (16 + 2 + 5000));
});

const at = (ttl: '5m' | '1h') => ({ message: 0, block: 0, ttl });

// 100 tokens of prompt at 2, 2.50 or 4 dollars per million, and 100 of the answer at 10.
it.each<[what: string, cache: CacheBreakpoints | undefined, microUsd: number]>([
  ['read', undefined, 1200],
  ['read', { messages: [] }, 1200],
  ['written to the cache', { messages: [at('5m')] }, 1250],
  ['written for an hour', { system: '1h', messages: [at('5m')] }, 1400],
  ['written for an hour', { messages: [at('1h')] }, 1400],
])('a prompt is reserved as dear as it can be: %s by %j', (_, cache, microUsd) => {
  const policy = new ChargePolicy(plansOf({ spendingPerDayUsd: 1, plans: {} }), loadPrices());
  const charges = policy.reservation(runOf({ startedAt: Date.UTC(2026, 10, 28), cache }));
  expect(charges.find(({ counter }) => counter.of === 'spending')?.amount).toBe(microUsd);
  expect(charges.find(({ counter }) => counter.of === 'tokens')?.amount).toBe(200);
});

it.each([
  ['day', Date.UTC(2026, 11, 31, 23, 59, 59, 999), '2026-12-31', Date.UTC(2027, 0, 1)],
  ['month', Date.UTC(2026, 11, 31, 23, 59, 59, 999), '2026-12', Date.UTC(2027, 0, 1)],
  ['month', Date.UTC(2028, 1, 29), '2028-02', Date.UTC(2028, 2, 1)],
  ['day', Date.UTC(2026, 0, 1), '2026-01-01', Date.UTC(2026, 0, 2)],
] as const)('the %s of an instant, in UTC', (kind, at, name, resetsAt) => {
  expect(periodAt(kind, at)).toEqual({ kind, name, resetsAt });
});
