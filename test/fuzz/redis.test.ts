import { expect, it } from 'vitest';
import { LONG, SEED } from '../support/test-run.ts';
import { fuzz } from './campaign.ts';
import { seedNumber } from './seed.ts';
import { redis } from './targets/redis.ts';

it('whatever is in the keys of a run, only that run is lost', { timeout: 600_000 }, async () => {
  const cases = LONG ? redis.cases * 30 : redis.cases;
  await expect(fuzz(redis, { seed: seedNumber(SEED), cases })).resolves.toBeUndefined();
});
