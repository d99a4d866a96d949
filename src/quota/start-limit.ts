import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { StartLimit } from '../run/port.ts';

const WINDOW_S = 60;

/**
 * Starts per user and minute of this process; one limiter for each number that plans name. Where machines share streams
 * they count with each claim, and this is for what they cannot be asked.
 */
export function createStartLimit(): StartLimit {
  const limiters = new Map<number, RateLimiterMemory>();
  const limiterOf = (points: number): RateLimiterMemory => {
    const known = limiters.get(points) ?? new RateLimiterMemory({ points, duration: WINDOW_S });
    limiters.set(points, known);
    return known;
  };
  return {
    async take(userId, startsPerMinute) {
      try {
        await limiterOf(startsPerMinute).consume(userId);
        return undefined;
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        return Math.max(1, refusal.msBeforeNext);
      }
    },
  };
}
