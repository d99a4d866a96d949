import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
  RLWrapperTimeouts,
} from 'rate-limiter-flexible';
import { RelayError } from '../protocol/relay-error.ts';
import type { StartLimit } from './stream-starter.ts';

/** What a start waits for Redis at most; from then on, and while Redis is away, this process counts by itself. */
const REDIS_MS = 500;

/** Redis, and what keys in it begin with. */
export interface SharedCounters {
  readonly connection: object;
  readonly prefix: string;
}

/**
 * Starts per user and minute; one limiter for each number that plans name.
 * @param redis where all machines count; without, this process counts
 */
export function createStartLimit(redis?: SharedCounters): StartLimit {
  const limiters = new Map<number, RateLimiterAbstract>();
  const limiterOf = (points: number): RateLimiterAbstract => {
    const limiter = limiters.get(points) ?? createLimiter(points, redis);
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
        throw new RelayError('rate_limited', `at most ${startsPerMinute} starts a minute`, {
          cause: 'starts_of_user',
          retryAfterMs,
        });
      }
    },
  };
}

function createLimiter(points: number, redis: SharedCounters | undefined): RateLimiterAbstract {
  const rate = { points, duration: 60 };
  const here = new RateLimiterMemory(rate);
  if (redis === undefined) return here;
  const everywhere = new RateLimiterRedis({
    ...rate,
    storeClient: redis.connection,
    keyPrefix: `${redis.prefix}:starts`,
    rejectIfRedisNotReady: true,
  });
  return new RLWrapperTimeouts({ limiter: everywhere, timeoutMs: REDIS_MS, insuranceLimiter: here });
}
