import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { formatUsd, picoPerToken, usdOf } from '../../src/pricing/cost.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { NO_USAGE } from '../../src/protocol/usage-reading.ts';

const NOW = Date.UTC(2026, 10, 22);
const prices = loadPrices();
const directory = mkdtempSync(join(tmpdir(), 'prices-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** US dollars for a million of each: input, output, cache write of 5 minutes, of 1 hour, cache read. */
const PER_MILLION: readonly (readonly [model: string, ...usd: [number, number, number, number, number]])[] = [
  ['claude-fable-5-2', 8, 40, 10, 16, 0.2],
  ['claude-mythos-5-2', 8, 40, 10, 16, 0.2],
  ['claude-mythos-5-1', 10, 50, 12.5, 20, 0.25],
  ['claude-fable-5', 10, 50, 12.5, 20, 1],
  ['claude-mythos-5', 10, 50, 12.5, 20, 1],
  ['claude-fable-5-1', 10, 50, 12.5, 20, 0.25],
  ['claude-opus-5-5', 4, 20, 5, 8, 0.2],
  ['claude-opus-5', 5, 25, 6.25, 10, 0.5],
  ['claude-opus-4-8', 5, 25, 6.25, 10, 0.5],
  ['claude-opus-4-7', 5, 25, 6.25, 10, 0.5],
  ['claude-opus-4-6', 5, 25, 6.25, 10, 0.5],
  ['claude-opus-4-5', 5, 25, 6.25, 10, 0.5],
  ['claude-sonnet-5-5', 2, 10, 2.5, 4, 0.1],
  ['claude-sonnet-5', 2, 10, 2.5, 4, 0.2],
  ['claude-sonnet-4-6', 3, 15, 3.75, 6, 0.3],
  ['claude-sonnet-4-5', 3, 15, 3.75, 6, 0.3],
  ['claude-haiku-5-5', 0.5, 2.5, 0.625, 1, 0.05],
  ['claude-haiku-4-5', 1, 5, 1.25, 2, 0.1],
];
const MILLION = 1_000_000;
const cost = (model: string, reading: Partial<typeof NO_USAGE>, at = NOW) =>
  prices.costPico(model, { ...NO_USAGE, ...reading }, at);

it.each(PER_MILLION)('%s has its published prices', (model, input, output, write5m, write1h, read) => {
  const writes = { cacheWriteTokens: MILLION };
  expect(usdOf(cost(model, { inputTokens: MILLION }))).toBe(input);
  // Haiku 5.5 is dearer for a large prompt, output included.
  const prompt = { inputTokens: MILLION };
  expect(usdOf(cost(model, { ...prompt, outputTokens: MILLION }))).toBe(input + output);
  expect(usdOf(cost(model, writes))).toBe(write5m);
  expect(usdOf(cost(model, { ...writes, cacheWrite1hTokens: MILLION }))).toBe(write1h);
  expect(usdOf(cost(model, { cacheReadTokens: MILLION }))).toBe(read);
});

it('the default models are exactly those with a price', () => {
  expect([...prices.models].sort()).toEqual(PER_MILLION.map(([model]) => model).sort());
});

it('a past day has its own prices: reads of Sonnet 5.5 cost twice as much until 6 October', () => {
  const reads = { cacheReadTokens: MILLION };
  expect(usdOf(cost('claude-sonnet-5-5', reads, Date.UTC(2026, 9, 6, 23, 59, 59)))).toBe(0.2);
  expect(usdOf(cost('claude-sonnet-5-5', reads, Date.UTC(2026, 9, 7)))).toBe(0.1);
});

it.each([
  [{ inputTokens: 100_000 }, 0.01],
  [{ inputTokens: 100_001 }, 0.0500005],
  [{ inputTokens: 100_000, outputTokens: 1000 }, 0.0105],
  [{ inputTokens: 1, outputTokens: 1000, cacheReadTokens: 100_000 }, 0.0075005],
  [{ inputTokens: 40_000, cacheReadTokens: 30_000, cacheWriteTokens: 30_000 }, 0.00805],
])('Haiku 5.5 goes by the whole prompt, cached or not: %j costs %d', (reading, usd) => {
  expect(usdOf(cost('claude-haiku-5-5', reading))).toBe(usd);
});

it.each(['claude-sonnet-5-5-20260301', 'claude-haiku-4-5-20251001'])(
  '%s is a dated name of a model',
  (model) => {
    expect(cost(model, { inputTokens: 10 })).toBe(cost(model.slice(0, -9), { inputTokens: 10 }));
  },
);

it.each([
  'claude-opus-4-5@20251101',
  'anthropic/claude-opus-4-5',
  'anthropic.claude-opus-4-5-20251101-v1:0',
  'us.anthropic.claude-opus-4-5-20251101-v1:0',
  'vertex_ai/anthropic/claude-opus-4-5@20251101',
])('%s is a model as gateways write it', (model) => {
  expect(cost(model, { inputTokens: 10 })).toBe(cost('claude-opus-4-5', { inputTokens: 10 }));
});

it.each([
  'claude-sonnet-5-6',
  'claude-sonnet-5-50',
  'claude-sonnet-5-5-2026030',
  'claude-sonnet-5-5-20260301-x',
  'claude-sonnet',
  'not-anthropic-claude-opus-4-5',
  'claude-opus-4-5-v1:0-x',
  'CLAUDE-SONNET-5-5',
  'constructor',
  '',
])('%j has no price, rather than one of a similar name', (model) => {
  expect(cost(model, { inputTokens: 10 })).toBeNull();
});

it('nothing used costs nothing, which is not the same as no price', () => {
  expect(cost('claude-opus-5-5', {})).toBe(0n);
});

it('before the first price of a model there is none', () => {
  expect(cost('claude-opus-5-5', { inputTokens: 1 }, Date.UTC(2020, 0, 1))).toBeNull();
});

it('costs are exact for any counts', () => {
  const count = fc.integer({ min: 0, max: 1_000_000_000 });
  const reading = fc.record({
    inputTokens: count,
    outputTokens: count,
    cacheReadTokens: count,
    cacheWriteTokens: count,
    cacheWrite1hTokens: count,
  });
  fc.assert(
    fc.property(fc.constantFrom(...PER_MILLION), reading, ([model, ...usd], given) => {
      fc.pre(model !== 'claude-haiku-5-5' || given.inputTokens > 100_000);
      const writes1h = Math.min(given.cacheWrite1hTokens, given.cacheWriteTokens);
      const writes5m = given.cacheWriteTokens - writes1h;
      const counts = [given.inputTokens, given.outputTokens, writes5m, writes1h, given.cacheReadTokens];
      // Every price is a whole number of thousandths of a dollar per million tokens: 10^-9 dollars a token.
      const nano = counts.reduce(
        (sum, n, i) => sum + BigInt(n) * BigInt(Math.round((usd[i] ?? 0) * 1000)),
        0n,
      );
      const pico = cost(model, given);
      expect(pico).toBe(nano * 1000n);
      expect(pico).toBeLessThan(2n ** 63n);
    }),
  );
});

it('a cost in dollars prints as its exact decimal', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 999n * 10n ** 12n }), (pico) => {
      const digits = pico.toString().padStart(13, '0');
      const exact = `${digits.slice(0, -12)}.${digits.slice(-12)}`.replace(/\.?0+$/, '');
      const usd = usdOf(pico) ?? Number.NaN;
      expect(usd.toFixed(12).replace(/\.?0+$/, '')).toBe(exact);
      expect(BigInt(Math.round(usd * 1e12))).toBe(pico);
    }),
  );
});

it.each([
  ['2', 2_000_000n],
  ['2.50', 2_500_000n],
  ['0.000001', 1n],
  ['999.999999', 999_999_999n],
])('%s dollars a million are %d pico-dollars a token', (decimal, pico) => {
  expect(picoPerToken(decimal)).toBe(pico);
});

it.each([
  [0n, '0.000000'],
  [499_999n, '0.000000'],
  [500_000n, '0.000001'],
  [12_345_678_900_000_000n, '12345.678900'],
  [-499_999n, '0.000000'],
  [-1_500_000n, '-0.000002'],
  [-12_345_678_900_000_000n, '-12345.678900'],
])('%d pico-dollars read %s', (pico, text) => {
  expect(formatUsd(pico)).toBe(text);
});

describe('a price file of the operator', () => {
  const rates = { input: '1', output: '2', cacheWrite5m: '3', cacheWrite1h: '4', cacheRead: '5' };
  const model = (prices: unknown) => ({ version: 'mine', models: [{ ids: ['m'], prices }] });
  let files = 0;
  const load = (content: unknown) => {
    const file = join(directory, `prices-${files++}.json`);
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return loadPrices(file);
  };

  it('has a price for each time', () => {
    const table = load(
      model([
        { from: '2026-01-01', tiers: [rates] },
        { from: '2026-06-01', tiers: [{ ...rates, input: '7' }] },
      ]),
    );
    expect(table).toMatchObject({ version: 'mine', models: ['m'] });
    const reading = { ...NO_USAGE, inputTokens: 1 };
    const lastOld = Date.UTC(2026, 5, 1) - 1;
    expect(table.costPico('m', reading, lastOld)).toBe(1_000_000n);
    expect(table.costPico('m', reading, lastOld + 1)).toBe(7_000_000n);
    expect(table.costPico('m', reading, Date.UTC(2025, 11, 31))).toBeNull();
  });

  it.each([
    ['not JSON', '{', 'unable to use the price file'],
    [
      'a number for a price',
      model([{ from: '2026-01-01', tiers: [{ ...rates, input: 2.5 }] }]),
      'models[0].prices[0].tiers[0].input',
    ],
    [
      'a negative price',
      model([{ from: '2026-01-01', tiers: [{ ...rates, input: '-1' }] }]),
      'must be US dollars per million',
    ],
    [
      'more than six decimals',
      model([{ from: '2026-01-01', tiers: [{ ...rates, input: '0.0000001' }] }]),
      'must be US dollars',
    ],
    [
      'a price of 1,000',
      model([{ from: '2026-01-01', tiers: [{ ...rates, input: '1000' }] }]),
      'must be US dollars',
    ],
    ['an unknown field', model([{ from: '2026-01-01', tiers: [{ ...rates, batch: '1' }] }]), 'batch'],
    ['a missing price', model([{ from: '2026-01-01', tiers: [{ ...rates, output: undefined }] }]), 'output'],
    ['a date that is none', model([{ from: '2026-02-30', tiers: [rates] }]), 'from'],
    [
      'times out of order',
      model([
        { from: '2026-02-01', tiers: [rates] },
        { from: '2026-01-01', tiers: [rates] },
      ]),
      'in the order',
    ],
    [
      'no open last tier',
      model([{ from: '2026-01-01', tiers: [{ ...rates, maxPromptTokens: 5 }] }]),
      'rising maxPromptTokens',
    ],
    [
      'tiers out of order',
      model([
        {
          from: '2026-01-01',
          tiers: [{ ...rates, maxPromptTokens: 5 }, { ...rates, maxPromptTokens: 4 }, rates],
        },
      ]),
      'rising maxPromptTokens',
    ],
    [
      'an id twice',
      { version: 'x', models: [{ ids: ['m', 'm'], prices: [{ from: '2026-01-01', tiers: [rates] }] }] },
      'each id once',
    ],
    ['no models', { version: 'x', models: [] }, 'models'],
  ])('with %s is refused with words that name the place', (_, content, words) => {
    expect(() => load(content)).toThrow(words);
  });

  it('that is missing is named', () => {
    expect(() => loadPrices('/nowhere/prices.json')).toThrow(
      'unable to use the price file /nowhere/prices.json',
    );
  });
});
