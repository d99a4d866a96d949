/** Medians, spreads, and whether two sets of paired figures differ by more than noise. */

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** @throws nothing: without values all are NaN */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) return { median: Number.NaN, low: Number.NaN, high: Number.NaN };
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export type Change = 'less' | 'more' | 'within noise' | 'too few pairs';

/** Smaller differences are not worth a word. */
const LEAST_CHANGE = 0.02;
const LEAST_PAIRS = 3;

/**
 * What ratios of paired figures (after ÷ before) say: a change only when every pair says so and the median differs by
 * two percent. By chance alone five pairs agree once in sixteen times.
 */
export function changeOf(ratios: readonly number[]): Change {
  const middle = median(ratios);
  if (ratios.length < LEAST_PAIRS) return 'too few pairs';
  if (Math.abs(middle - 1) < LEAST_CHANGE) return 'within noise';
  if (ratios.every((ratio) => ratio > 1)) return 'more';
  return ratios.every((ratio) => ratio < 1) ? 'less' : 'within noise';
}
