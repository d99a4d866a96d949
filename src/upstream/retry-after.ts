/** How long an error response asks to wait: `retry-after`, or else when the exhausted rate limits come back. */
import type { IncomingHttpHeaders } from 'node:http';
import { boundedMs, readRetryAfter } from '../protocol/retry-after.ts';

const RATE_LIMITS = ['requests', 'tokens', 'input-tokens', 'output-tokens'];

/**
 * @param now Unix ms, for headers that give an instant; the response's own `date` is preferred, so that a wrong clock
 * here does no harm.
 * @returns milliseconds that a timer can wait; undefined where the headers say nothing about the future.
 */
export function retryAfterMs(headers: IncomingHttpHeaders, now: number): number | undefined {
  const sentAt = Date.parse(headers.date ?? '');
  const from = Number.isNaN(sentAt) ? now : sentAt;
  return readRetryAfter(headers['retry-after'], from) ?? untilLimitsReset(headers, from);
}

/** The latest reset of the limits that have nothing left. */
function untilLimitsReset(headers: IncomingHttpHeaders, from: number): number | undefined {
  let latest: number | undefined;
  for (const limit of RATE_LIMITS) {
    if (headers[`anthropic-ratelimit-${limit}-remaining`] !== '0') continue;
    const ms = boundedMs(Date.parse(String(headers[`anthropic-ratelimit-${limit}-reset`])) - from);
    if (ms > 0 && (latest === undefined || ms > latest)) latest = ms;
  }
  return latest;
}
