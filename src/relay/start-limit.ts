import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { RelayError } from '../protocol/relay-error.ts';
import type { StartLimit } from './stream-starter.ts';

/** Starts per user and minute, counted in this process; one limiter for each number that plans name. */
export function createStartLimit(): StartLimit {
  const limiters = new Map<number, RateLimiterMemory>();
  const limiterOf = (points: number): RateLimiterMemory => {
    const limiter = limiters.get(points) ?? new RateLimiterMemory({ points, duration: 60 });
    limiters.set(points, limiter);
    return limiter;
  };
  return {
    async take(userId, startsPerMinute) {
      try {
        await limiterOf(startsPerMinute).consume(userId);
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        const retryAfterMs = Math.max(1, refusal.msBeforeNext);
        throw new RelayError('rate_limited', `at most ${startsPerMinute} starts a minute`, { retryAfterMs });
      }
    },
  };
}
