/** How much of the account's rate limits is left, as the API's last answer said it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../time/clock.ts';

/** Limits of the API by minute, each for itself. */
export const RATE_LIMITS = ['requests', 'input_tokens', 'output_tokens'] as const;
export type RateLimit = (typeof RATE_LIMITS)[number];

export interface RateLimitState {
  readonly limit: number;
  readonly remaining: number;
}

export interface RateLimitsView {
  /** Undefined as long as no answer said anything of it. Once the API has said it would be whole again, all of it is left. */
  of(limit: RateLimit): RateLimitState | undefined;
}

interface Said extends RateLimitState {
  /** On the clock's `elapsed` scale. */
  readonly wholeAt: number;
}

const COUNT = /^\d{1,15}$/;

/** By limit, the names of its headers: every answer is asked for them. */
const HEADERS = RATE_LIMITS.map((name) => {
  const header = `anthropic-ratelimit-${name.replace('_', '-')}`;
  return { name, limit: `${header}-limit`, remaining: `${header}-remaining`, reset: `${header}-reset` };
});

export class RateLimits implements RateLimitsView {
  readonly #clock: Clock;
  readonly #said = new Map<RateLimit, Said>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes what the headers of an answer say; of what they do not, the last word holds. */
  read(headers: IncomingHttpHeaders): void {
    for (const header of HEADERS) {
      const [limit, remaining] = [headers[header.limit], headers[header.remaining]];
      if (!isDigits(limit) || !isDigits(remaining)) continue;
      const wholeAt = this.#clock.elapsed() + msUntil(headers[header.reset], headers.date, this.#clock);
      this.#said.set(header.name, { limit: Number(limit), remaining: Number(remaining), wholeAt });
    }
  }

  of(name: RateLimit): RateLimitState | undefined {
    const said = this.#said.get(name);
    if (said === undefined) return undefined;
    const { limit, remaining, wholeAt } = said;
    return { limit, remaining: this.#clock.elapsed() >= wholeAt ? limit : remaining };
  }
}

function isDigits(value: string | string[] | undefined): value is string {
  return typeof value === 'string' && COUNT.test(value);
}

/** By the API's own clock, where it gives one. Never, where it does not say when. */
function msUntil(reset: string | string[] | undefined, date: string | undefined, clock: Clock): number {
  const at = Date.parse(String(reset));
  if (Number.isNaN(at)) return Number.POSITIVE_INFINITY;
  const sentAt = Date.parse(date ?? '');
  return at - (Number.isNaN(sentAt) ? clock.now() : sentAt);
}
