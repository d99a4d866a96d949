/** Of the descriptors a process may have, what sockets of clients leave to files, databases and the model's API. */

/** A share, within these bounds. */
const SPARE_SHARE = 1 / 8;
const MIN_SPARE = 64;
const MAX_SPARE = 1024;

export function spareDescriptors(most: number): number {
  return Math.min(MAX_SPARE, Math.max(MIN_SPARE, most * SPARE_SHARE));
}
