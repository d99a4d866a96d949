import type { UsageSource } from './frames.ts';

/** Tokens that have one price. Never NaN, never negative. */
export interface BilledTokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  /** All cache writes, of both lifetimes. */
  readonly cacheWriteTokens: number;
  /** Of those, the ones with one hour of lifetime: they have a price of their own. */
  readonly cacheWrite1hTokens: number;
  /** Of the output tokens, those that were thought. */
  readonly thinkingTokens: number;
  /** Searches on the web by the API itself: they cost by their number. */
  readonly webSearches: number;
  /** On which terms, where they are not the standard ones. */
  readonly terms: PriceTerms | null;
  /** Refused before a word of the answer: reported, and not billed. */
  readonly uncharged: boolean;
  /** The model that answers, as its API named it: it sets the price. Null until it is known. */
  readonly model: string | null;
}

/** As the API names them: what multiplies a price. Null where it names none, or its standard. */
export interface PriceTerms {
  /** Where the model ran: `us`. */
  readonly inferenceGeo: string | null;
  /** `batch`, `priority`. */
  readonly serviceTier: string | null;
  /** `fast`. */
  readonly speed: string | null;
}

/** What is known of the bill at an instant: the tokens are those of all messages, the model is the last one's. */
export interface UsageReading extends BilledTokens {
  readonly source: UsageSource;
  /**
   * Where one body has several messages that are billed, or a message several attempts: each by itself, since each has its
   * own price. Of attempts they may be more tokens than the message counts.
   */
  readonly messages?: readonly BilledTokens[];
}

export const NO_USAGE: UsageReading = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  thinkingTokens: 0,
  webSearches: 0,
  terms: null,
  uncharged: false,
  source: 'none',
  model: null,
};
