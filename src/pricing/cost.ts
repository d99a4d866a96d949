/**
 * What a run cost, in whole pico-dollars (10^-12 US dollars): each price per million tokens with up to six decimals is a
 * whole number of them per token, so that no cost is ever rounded.
 */
import type { BilledTokens, UsageReading } from '../protocol/usage-reading.ts';
import type { PriceTable } from './prices.ts';

/** In pico-dollars. */
export interface RunCost {
  /** Null for a model without a price. */
  readonly totalPico: bigint | null;
  /** Of the total, the answer; the rest is the prompt. */
  readonly outputPico: bigint | null;
  /** What counts for a budget: the total, or more than nothing where that is not known. */
  readonly budgetPico: bigint;
}

/**
 * @param asked the model that was asked for: it sets the price until one has answered, and named itself
 * @param at Unix ms: when the run started
 */
export function runCost(prices: PriceTable, asked: string, reading: UsageReading, at: number): RunCost {
  const messages = reading.messages ?? [reading];
  const priced = (message: BilledTokens) => prices.costPico(message.model ?? asked, message, at);
  const totalPico = sumOf(messages.map(priced));
  const promptPico = sumOf(messages.map((message) => priced({ ...message, outputTokens: 0 })));
  return {
    totalPico,
    outputPico: totalPico === null || promptPico === null ? null : totalPico - promptPico,
    budgetPico: totalPico ?? budgetPico(prices, asked, reading, at),
  };
}

/**
 * What counts for a budget, which must hold whatever answers: a model without a price counts as the one that was asked
 * for, and where that has none either as the dearest there is.
 */
export function budgetPico(prices: PriceTable, asked: string, reading: UsageReading, at: number): bigint {
  const counted = (message: BilledTokens) =>
    prices.costPico(message.model ?? asked, message, at) ??
    prices.costPico(asked, message, at) ??
    prices.dearestPico(message, at);
  return (reading.messages ?? [reading]).reduce((sum, message) => sum + counted(message), 0n);
}

/**
 * What the API's prompt cache saved of a run's cost: less than 0 where writing to it cost more than reading from it saved.
 * Null for a model without a price.
 */
export function cacheSavedPico(
  prices: PriceTable,
  model: string,
  tokens: BilledTokens,
  at: number,
): bigint | null {
  const { inputTokens, cacheReadTokens, cacheWriteTokens } = tokens;
  const uncached = {
    ...tokens,
    inputTokens: inputTokens + cacheReadTokens + cacheWriteTokens,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    cacheWrite1hTokens: 0,
  };
  const [withCache, without] = [tokens, uncached].map((each) => prices.costPico(model, each, at));
  return withCache == null || without == null ? null : without - withCache;
}

/**
 * The same of a whole run, each of its messages at its own price.
 * @param asked the model that was asked for, of messages that name none
 */
export function runCacheSavedPico(
  prices: PriceTable,
  asked: string,
  reading: UsageReading,
  at: number,
): bigint | null {
  if (reading.cacheReadTokens + reading.cacheWriteTokens === 0) return 0n;
  const messages = reading.messages ?? [reading];
  return sumOf(messages.map((message) => cacheSavedPico(prices, message.model ?? asked, message, at)));
}

function sumOf(costs: readonly (bigint | null)[]): bigint | null {
  return costs.reduce((sum, cost) => (sum === null || cost === null ? null : sum + cost), 0n);
}

const PICO_PER_USD = 1e12;
const PICO_PER_MICRO = 1_000_000n;

/** US dollars per million tokens, as decimal text, to pico-dollars per token: "2.50" is 2,500,000. */
export function picoPerToken(usdPerMillion: string): bigint {
  const [whole = '', fraction = ''] = usdPerMillion.split('.');
  return BigInt(whole + fraction.padEnd(6, '0'));
}

/** US dollars as decimal text: "0.01" is 10,000,000,000. */
export function picoOfUsd(usd: string): bigint {
  return picoPerToken(usd) * PICO_PER_MICRO;
}

/** A factor as decimal text with up to four decimals, in ten-thousandths: "1.1" is 11,000. */
export function tenThousandths(factor: string): bigint {
  return picoPerToken(factor) / 100n;
}

/** US dollars: the closest number, which prints as the exact decimal below 1,000 dollars. Null stays null. */
export function usdOf(pico: bigint | null): number | null {
  return pico === null ? null : Number(pico) / PICO_PER_USD;
}

/** US dollars with six decimals, rounded half up (away from 0), for people. */
export function formatUsd(pico: bigint): string {
  const micro = ((pico < 0n ? -pico : pico) + PICO_PER_MICRO / 2n) / PICO_PER_MICRO;
  const digits = micro.toString().padStart(7, '0');
  return `${pico < 0n && micro > 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
