/** Counts as they stand in the API's objects, of which nothing is believed. */

/** A thousand times the largest window: what is more is no count, and sums of them stay whole numbers. */
const MOST = 1_000_000_000;

export function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MOST;
}

/** 0 where it is none. */
export function countOf(value: unknown): number {
  return isCount(value) ? value : 0;
}
