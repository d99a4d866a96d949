/** Counts as they stand in the API's objects, of which nothing is believed. */

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** 0 where it is none. */
export function countOf(value: unknown): number {
  return isCount(value) ? value : 0;
}
