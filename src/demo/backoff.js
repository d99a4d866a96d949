/** How long to wait before the next attempt: full jitter, so that clients cut off together do not return together. */

const FIRST_MS = 800;
const LONGEST_MS = 15_000;

/** `attempt` counts from 0. Milliseconds, never below `atLeastMs`. */
export function backoffMs(attempt, atLeastMs = 0) {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
  return atLeastMs + Math.random() * ceiling;
}
