/** How many processes WORKERS asks for. Loads nothing: whoever starts them knows no other setting. */
import { availableParallelism } from 'node:os';

/** One each would be more than any machine of today has cores. */
export const MOST_WORKERS = 256;

/** Undefined where it is neither `auto` nor a whole number from 1 to `MOST_WORKERS`; not set, it is one. */
export function workerCount(text = ''): number | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return 1;
  if (trimmed === 'auto') return availableParallelism();
  const count = /^\d{1,3}$/.test(trimmed) ? Number(trimmed) : 0;
  return count >= 1 && count <= MOST_WORKERS ? count : undefined;
}
