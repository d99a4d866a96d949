import type { UsageReading } from '../protocol/usage-reading.ts';
import type { PriceTable } from './prices.ts';

/** In pico-dollars; null for a model without a price. */
export interface RunCost {
  readonly totalPico: bigint | null;
  /** Of the total, the answer; the rest is the prompt. */
  readonly outputPico: bigint | null;
}

/**
 * @param asked the model that was asked for: it sets the price until one has answered, and named itself
 * @param at Unix ms: when the run started
 */
export function runCost(prices: PriceTable, asked: string, reading: UsageReading, at: number): RunCost {
  const model = reading.model ?? asked;
  const totalPico = prices.costPico(model, reading, at);
  const promptPico = prices.costPico(model, { ...reading, outputTokens: 0 }, at);
  const outputPico = totalPico === null || promptPico === null ? null : totalPico - promptPico;
  return { totalPico, outputPico };
}
