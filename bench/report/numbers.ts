/** Figures as people read them. */
import type { Spread } from './statistics.ts';

/** Three figures, or all digits of a large whole number; nothing where there is none. */
export function short(value: number): string {
  if (Number.isNaN(value)) return '';
  if (value === 0) return '0';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** `median (low–high)`, or one figure where all are the same. */
export function shortSpread(spread: Spread | null): string {
  if (spread === null || Number.isNaN(spread.median)) return '';
  const [median, low, high] = [spread.median, spread.low, spread.high].map(short);
  return low === high ? `${median}` : `${median} (${low}–${high})`;
}
