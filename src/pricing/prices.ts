/**
 * What tokens cost. Owns the price file and how a price is found. Does not own where costs are kept.
 */
import * as z from 'zod';
import { isDistinct, readJsonFile } from '../files/json-file.ts';
import { plainModelId } from '../protocol/model-id.ts';
import type { BilledTokens, PriceTerms } from '../protocol/usage-reading.ts';
import { picoOfUsd, picoPerToken, tenThousandths } from './cost.ts';

export interface PriceTable {
  /** Model ids that have a price, without dates: the default of ALLOWED_MODELS. */
  readonly models: readonly string[];
  /** Names this edition of the prices, in each row priced by it. */
  readonly version: string;
  /**
   * The exact cost in pico-dollars; null for a model without a price at that time (never 0).
   * @param model an id of the table, also with a date or a gateway's decoration (`claude-sonnet-5-5-20260301`,
   * `us.anthropic.claude-sonnet-5-5-v1:0`)
   * @param tokens whole counts, none negative
   * @param at Unix ms: the price of that instant holds for the whole run
   */
  costPico(model: string, tokens: BilledTokens, at: number): bigint | null;
  /** What the tokens cost at most, whichever of the models answered, in pico-dollars. */
  dearestPico(tokens: BilledTokens, at: number): bigint;
  /** Whether the model has a price at that instant (Unix ms). */
  isPriced(model: string, at: number): boolean;
}

/** Pico-dollars per token. */
interface Rates {
  /** Largest prompt these rates hold for: tokens read, written to and read from the cache together. */
  readonly maxPromptTokens: number;
  readonly input: bigint;
  readonly output: bigint;
  readonly cacheWrite5m: bigint;
  readonly cacheWrite1h: bigint;
  readonly cacheRead: bigint;
}

interface Period {
  /** Unix ms. */
  readonly from: number;
  readonly tiers: readonly Rates[];
}

/** Of answers of the simulated model, whatever they call themselves: nobody bills them. */
export const SIMULATED_PRICES: PriceTable = {
  models: [],
  version: 'simulated',
  costPico: () => 0n,
  dearestPico: () => 0n,
  isPriced: () => true,
};

/** More than any run costs, and what a ledger's row can hold. */
const MOST_PICO = 9_000_000_000_000_000_000n;
const TEN_THOUSAND = 10_000n;

/** The table that ships with the relay. */
const DEFAULT_FILE = new URL('../../config/prices.json', import.meta.url);
/** US dollars per million tokens, as text, so that no float ever touches it. Below 1000: ledger rows rely on it. */
const price = z
  .string()
  .regex(/^\d{1,3}(\.\d{1,6})?$/, 'must be US dollars per million tokens as text, such as "2.50"')
  .transform(picoPerToken);

const tier = z.strictObject({
  maxPromptTokens: z.int().positive().optional(),
  input: price,
  output: price,
  cacheWrite5m: price,
  cacheWrite1h: price,
  cacheRead: price,
});

const period = z.strictObject({
  from: z.iso.date().transform((date) => Date.parse(`${date}T00:00:00Z`)),
  tiers: z
    .array(tier)
    .min(1)
    .refine(rising, 'must have rising maxPromptTokens, and none in the last tier')
    .transform((tiers) =>
      tiers.map((rates): Rates => ({ ...rates, maxPromptTokens: rates.maxPromptTokens ?? Infinity })),
    ),
});

/** Of a price, in ten-thousandths: 1.1 is 11,000. */
const multiplier = z
  .string()
  .regex(/^\d{1,2}(\.\d{1,4})?$/, 'must be a factor as text, such as "1.1"')
  .transform(tenThousandths);

const multipliers = z.record(z.string().min(1).max(64), multiplier).default({});

const priceFile = z.strictObject({
  version: z.string().min(1).max(64),
  notes: z.string().optional(),
  /** By the names that the API gives its terms; a name without a factor changes nothing. They stack. */
  multipliers: z
    .strictObject({ inferenceGeo: multipliers, serviceTier: multipliers, speed: multipliers })
    .prefault({}),
  webSearchUsd: z
    .string()
    .regex(/^\d{1,2}(\.\d{1,6})?$/, 'must be US dollars as text, such as "0.01"')
    .transform(picoOfUsd)
    .default(0n),
  models: z
    .array(
      z.strictObject({
        ids: z.array(z.string().min(1).max(128)).min(1),
        prices: z
          .array(period)
          .min(1)
          .refine(ascending, 'must be in the order of their "from", without repeats'),
      }),
    )
    .min(1)
    .refine((models) => isDistinct(models.flatMap(({ ids }) => ids)), 'must name each id once'),
});

/**
 * Reads and checks a price file; without a path, the one that ships with the relay.
 * @throws Error naming the file and everything that is wrong in it
 */
export function loadPrices(file: string | URL = DEFAULT_FILE): PriceTable {
  return priceTable(readJsonFile('price', file, priceFile));
}

type PriceFile = z.output<typeof priceFile>;

function priceTable(file: PriceFile): PriceTable {
  const { version, models } = file;
  const periods = new Map<string, readonly Period[]>();
  const periodsOf = (model: string) => periods.get(model) ?? periods.get(plainModelId(model));
  for (const { ids, prices } of models) for (const id of ids) periods.set(id, prices);
  return {
    version,
    models: [...periods.keys()],
    costPico(model, tokens, at) {
      const known = periodsOf(model);
      return known === undefined ? null : costIn(known, tokens, at, file);
    },
    dearestPico(tokens, at) {
      const costs = [...periods.values()].map((known) => costIn(known, tokens, at, file) ?? 0n);
      return costs.reduce((dearest, each) => (each > dearest ? each : dearest), 0n);
    },
    isPriced: (model, at) => periodsOf(model)?.some(({ from }) => from <= at) ?? false,
  };
}

function costIn(
  periods: readonly Period[],
  tokens: BilledTokens,
  at: number,
  file: PriceFile,
): bigint | null {
  const prompt = tokens.inputTokens + tokens.cacheReadTokens + tokens.cacheWriteTokens;
  const rates = periods
    .findLast(({ from }) => from <= at)
    ?.tiers.find(({ maxPromptTokens }) => prompt <= maxPromptTokens);
  if (rates === undefined) return null;
  if (tokens.uncharged) return 0n;
  const searches = BigInt(tokens.webSearches) * file.webSearchUsd;
  const total = multiplied(cost(rates, tokens), factorsOf(tokens.terms, file)) + searches;
  return total < MOST_PICO ? total : MOST_PICO;
}

/** In ten-thousandths. */
function factorsOf(terms: PriceTerms | null, { multipliers }: PriceFile): bigint[] {
  if (terms === null) return [];
  const { inferenceGeo, serviceTier, speed } = terms;
  return [
    factorOf(multipliers.inferenceGeo, inferenceGeo),
    factorOf(multipliers.serviceTier, serviceTier),
    factorOf(multipliers.speed, speed),
  ].flatMap((factor) => factor ?? []);
}

/** @param term a name of the API's, or of whoever stands in its place: `constructor` is one as well */
function factorOf(factors: Readonly<Record<string, bigint>>, term: string | null): bigint | undefined {
  return term !== null && Object.hasOwn(factors, term) ? factors[term] : undefined;
}

/** Rounded half up, to a pico-dollar. */
function multiplied(pico: bigint, factors: readonly bigint[]): bigint {
  const product = factors.reduce((all, factor) => all * factor, pico);
  const divisor = TEN_THOUSAND ** BigInt(factors.length);
  return (product + divisor / 2n) / divisor;
}

function cost(rates: Rates, tokens: BilledTokens): bigint {
  const writes1h = Math.min(tokens.cacheWrite1hTokens, tokens.cacheWriteTokens);
  return (
    BigInt(tokens.inputTokens) * rates.input +
    BigInt(tokens.outputTokens) * rates.output +
    BigInt(tokens.cacheReadTokens) * rates.cacheRead +
    BigInt(tokens.cacheWriteTokens - writes1h) * rates.cacheWrite5m +
    BigInt(writes1h) * rates.cacheWrite1h
  );
}

function rising(tiers: readonly { maxPromptTokens?: number | undefined }[]): boolean {
  return tiers.every(({ maxPromptTokens }, index) => {
    if (index === tiers.length - 1) return maxPromptTokens === undefined;
    return maxPromptTokens !== undefined && maxPromptTokens > (tiers[index - 1]?.maxPromptTokens ?? 0);
  });
}

function ascending(periods: readonly { from: number }[]): boolean {
  return periods.every(({ from }, index) => index === 0 || from > (periods[index - 1]?.from ?? Infinity));
}
