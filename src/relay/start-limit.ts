import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { RelayError } from '../protocol/relay-error.ts';
import type { StartLimit } from './stream-starter.ts';

/** Starts per user and minute (STARTS_PER_MINUTE), counted in this process. */
export function createStartLimit(startsPerMinute: number): StartLimit {
  const limiter = new RateLimiterMemory({ points: startsPerMinute, duration: 60 });
  return {
    async take(userId) {
      try {
        await limiter.consume(userId);
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        const retryAfterMs = Math.max(1, refusal.msBeforeNext);
        throw new RelayError('rate_limited', `at most ${startsPerMinute} starts a minute`, { retryAfterMs });
      }
    },
  };
}
