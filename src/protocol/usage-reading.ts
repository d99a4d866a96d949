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

/** What several readings come to; of one message, or of several. */
export function plusTokens(sum: UsageReading, more: BilledTokens): UsageReading {
  return {
    ...sum,
    inputTokens: sum.inputTokens + more.inputTokens,
    outputTokens: sum.outputTokens + more.outputTokens,
    cacheReadTokens: sum.cacheReadTokens + more.cacheReadTokens,
    cacheWriteTokens: sum.cacheWriteTokens + more.cacheWriteTokens,
    cacheWrite1hTokens: sum.cacheWrite1hTokens + more.cacheWrite1hTokens,
    thinkingTokens: sum.thinkingTokens + more.thinkingTokens,
    webSearches: sum.webSearches + more.webSearches,
    terms: more.terms,
    uncharged: more.uncharged,
  };
}

/** Several calls as one: the sum of their tokens, each message with its own price, the last one's model. */
export function sumOfReadings(readings: readonly UsageReading[]): UsageReading {
  const known = readings.filter(({ source }) => source !== 'none');
  const [first = NO_USAGE] = known;
  if (known.length <= 1) return first;
  const messages = known.flatMap((reading) => reading.messages ?? [partOf(reading)]);
  return {
    ...known.reduce(plusTokens, NO_USAGE),
    source: known.every(({ source }) => source === first.source) ? first.source : 'estimated',
    model: known.findLast(({ model }) => model !== null)?.model ?? null,
    messages,
  };
}

function partOf({ source: _, messages: __, ...tokens }: UsageReading): BilledTokens {
  return tokens;
}
