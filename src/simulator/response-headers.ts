/** Headers that the real API sends with every response, answers and refusals alike. */
import type { Clock } from '../time/clock.ts';

export const JSON_TYPE = { 'content-type': 'application/json' } as const;

const LIMITS = { requests: 4_000, tokens: 2_400_000, 'input-tokens': 2_000_000, 'output-tokens': 400_000 };

export function responseHeaders(requestId: string, clock: Clock): Record<string, string> {
  const headers: Record<string, string> = { 'request-id': requestId, 'cache-control': 'no-cache' };
  const reset = `${new Date(clock.now() + 1_000).toISOString().slice(0, 19)}Z`;
  for (const [kind, limit] of Object.entries(LIMITS)) {
    headers[`anthropic-ratelimit-${kind}-limit`] = String(limit);
    headers[`anthropic-ratelimit-${kind}-remaining`] = String(limit);
    headers[`anthropic-ratelimit-${kind}-reset`] = reset;
  }
  return headers;
}
