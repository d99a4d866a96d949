import type { UsageSource } from './frames.ts';

/** What is known of the bill at an instant. Never NaN, never negative. */
export interface UsageReading {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  /** All cache writes, of both lifetimes. */
  readonly cacheWriteTokens: number;
  /** Of those, the ones with one hour of lifetime: they have a price of their own. */
  readonly cacheWrite1hTokens: number;
  readonly source: UsageSource;
  /** The model that answers, as its API named it: it sets the price. Null until it is known. */
  readonly model: string | null;
}

export const NO_USAGE: UsageReading = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  source: 'none',
  model: null,
};
