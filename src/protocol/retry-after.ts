/** How long to wait: as others say it (whatever that is, what comes out is a time that a timer can wait), and as the relay does. */

/** What timers of browsers and Node can wait, ms: more fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** When to come back where nobody knows: not before, and spread over so much more, ms. */
const SOONEST_MS = 1000;
const SPREAD_MS = 3000;

/** In one to four seconds. */
export function spreadMs(random: () => number = Math.random): number {
  return SOONEST_MS + Math.floor(random() * SPREAD_MS);
}

/** Milliseconds that somebody else names, between 0 and `longest`; 0 for what is no number. */
export function boundedMs(named: unknown, longest = LONGEST_TIMER_MS): number {
  return typeof named === 'number' && named > 0 ? Math.min(Math.ceil(named), longest) : 0;
}

/**
 * The header `Retry-After` (RFC 9110 §10.2.3): seconds, or a date in one of its three forms.
 * @param from Unix ms: what a date is counted from
 * @returns milliseconds from 0 to 24 days; undefined where the header is absent or says nothing
 */
export function readRetryAfter(header: string | null | undefined, from: number): number | undefined {
  const value = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(value)) return boundedMs(Number(value) * 1000);
  if (!/^[A-Z][a-z]{2}/.test(value)) return undefined;
  const ms = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`) - from;
  return Number.isNaN(ms) ? undefined : boundedMs(ms);
}
