/**
 * What a load costs where a real model answers, and whether the next question is within what it may cost. Counts what the
 * relay says was billed; of questions that are under way it takes what the dearest so far did cost, or what was assumed
 * where that is more.
 */

import { picoOfUsd } from '../pricing/cost.ts';
import type { PriceTable } from '../pricing/prices.ts';
import type { Usage } from '../protocol/frames.ts';
import { NO_USAGE } from '../protocol/usage-reading.ts';

/** Of the server's own prompt, which is not known here, with all that stands around a question. */
const SYSTEM_TOKENS = 600;
const CHARACTERS_PER_TOKEN = 3;
/** Where --max-tokens does not say. */
const ANSWER_TOKENS = 500;
/** What is asked where no --model is named, unless the relay has another default. */
const LIKELY_MODEL = 'claude-sonnet-5-5';

export interface CostGuardParts {
  readonly prices: PriceTable;
  readonly model: string | undefined;
  readonly maxTokens: number | undefined;
  /** The longest, in characters. */
  readonly messageLength: number;
  /** All questions together may not cost more, pico-dollars; null: whatever they cost. */
  readonly limitPico: bigint | null;
}

export interface Assumption {
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export class CostGuard {
  readonly assumed: Assumption;
  spentPico = 0n;
  inputTokens = 0;
  outputTokens = 0;
  readonly #parts: CostGuardParts;
  readonly #assumedPico: bigint;
  /** What one answer may cost: as was assumed, until one came that was dearer. */
  #dearestPico: bigint;

  constructor(parts: CostGuardParts) {
    const { model = LIKELY_MODEL, maxTokens = ANSWER_TOKENS, messageLength } = parts;
    const inputTokens = SYSTEM_TOKENS + Math.ceil(messageLength / CHARACTERS_PER_TOKEN);
    this.#parts = parts;
    this.assumed = { model, inputTokens, outputTokens: maxTokens };
    this.#assumedPico = this.#priceOf(model, { ...NO_USAGE, ...this.assumed });
    this.#dearestPico = this.#assumedPico;
  }

  /** What so many questions may cost, as far as that can be said before one was asked. */
  expectedPico(questions: number): bigint {
    return BigInt(questions) * this.#assumedPico;
  }

  /** Whether one more may be asked while so many have no bill yet. */
  hasRoom(live: number): boolean {
    const { limitPico } = this.#parts;
    if (limitPico === null) return true;
    return this.spentPico + BigInt(live + 1) * this.#dearestPico <= limitPico;
  }

  /** @param model that answered; null where it is not known */
  billed(usage: Usage, model: string | null): void {
    const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, costUsd } = usage;
    this.inputTokens += inputTokens + cacheReadTokens + cacheWriteTokens;
    this.outputTokens += outputTokens;
    const cost =
      costUsd === undefined
        ? this.#priceOf(model ?? this.assumed.model, usage)
        : picoOfUsd(costUsd.toFixed(6));
    this.spentPico += cost;
    if (cost > this.#dearestPico) this.#dearestPico = cost;
  }

  /** Of a model without a price, what the dearest one would cost. */
  #priceOf(
    model: string,
    tokens: Pick<Usage, 'inputTokens' | 'outputTokens' | 'cacheReadTokens' | 'cacheWriteTokens'>,
  ): bigint {
    const billed = { ...NO_USAGE, ...tokens };
    const { prices } = this.#parts;
    return prices.costPico(model, billed, Date.now()) ?? prices.dearestPico(billed, Date.now());
  }
}
