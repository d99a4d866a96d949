/** How long an error response asks to wait: `retry-after`, or else when the exhausted rate limits come back. */
import type { IncomingHttpHeaders } from 'node:http';
import { boundedMs, readRetryAfter } from '../protocol/retry-after.ts';

const RATE_LIMITS = ['requests', 'tokens', 'input-tokens', 'output-tokens'];
/** A longer wait is nobody's to make, and a header may be wrong. */
const LONGEST_MS = 86_400_000;
const DECIMAL = /^\d+(\.\d+)?$/;

/**
 * @param now Unix ms, for headers that give an instant; the response's own `date` is preferred, so that a wrong clock
 * here does no harm.
 * @returns milliseconds, more than 0 and a day at most; undefined where the headers say nothing about the future.
 */
export function retryAfterMs(headers: IncomingHttpHeaders, now: number): number | undefined {
  const sentAt = Date.parse(headers.date ?? '');
  const from = Number.isNaN(sentAt) ? now : sentAt;
  return (
    wait(milliseconds(headers['retry-after-ms'])) ??
    wait(readRetryAfter(headers['retry-after'], from)) ??
    wait(untilLimitsReset(headers, from))
  );
}

/** A wait that is none (0, a past instant, nonsense) says nothing: the own pause is longer. */
function wait(ms: number | undefined): number | undefined {
  return boundedMs(ms, LONGEST_MS) || undefined;
}

function milliseconds(value: string | string[] | undefined): number | undefined {
  return typeof value === 'string' && DECIMAL.test(value.trim()) ? Number(value) : undefined;
}

/** The latest reset of the limits that have nothing left. */
function untilLimitsReset(headers: IncomingHttpHeaders, from: number): number {
  const waits = RATE_LIMITS.filter((limit) => headers[`anthropic-ratelimit-${limit}-remaining`] === '0').map(
    (limit) => Date.parse(String(headers[`anthropic-ratelimit-${limit}-reset`])) - from,
  );
  return Math.max(0, ...waits.filter((ms) => ms > 0));
}
