import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
  RLWrapperTimeouts,
} from 'rate-limiter-flexible';
import { RelayError } from '../protocol/relay-error.ts';
import type { StartLimit } from '../run/port.ts';

/** What a start waits for Redis at most; from then on, and while Redis is away, this process counts by itself. */
const REDIS_MS = 500;
const WINDOW_S = 60;

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
  const limiters = new Map<number, Limiters>();
  const limitersOf = (points: number): Limiters => {
    const known = limiters.get(points) ?? createLimiters(points, redis);
    limiters.set(points, known);
    return known;
  };
  return {
    async take(userId, startsPerMinute) {
      try {
        await consume(limitersOf(startsPerMinute), userId);
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

interface Limiters {
  readonly everywhere: RateLimiterAbstract;
  readonly here: RateLimiterAbstract;
}

async function consume({ everywhere, here }: Limiters, userId: string): Promise<void> {
  try {
    await everywhere.consume(userId);
  } catch (refusal) {
    // A counter that ends later than a window is none of ours: it would keep the user out until then.
    if (!(refusal instanceof RateLimiterRes) || refusal.msBeforeNext <= WINDOW_S * 1000) throw refusal;
    await here.consume(userId);
  }
}

function createLimiters(points: number, redis: SharedCounters | undefined): Limiters {
  const rate = { points, duration: WINDOW_S };
  const here = new RateLimiterMemory(rate);
  if (redis === undefined) return { everywhere: here, here };
  const shared = new RateLimiterRedis({
    ...rate,
    storeClient: redis.connection,
    keyPrefix: `${redis.prefix}:starts`,
    rejectIfRedisNotReady: true,
  });
  const everywhere = new RLWrapperTimeouts({ limiter: shared, timeoutMs: REDIS_MS, insuranceLimiter: here });
  return { everywhere, here };
}
