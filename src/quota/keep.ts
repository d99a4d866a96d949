/**
 * `keep` of an action and of a plan: for how long answers last. The lowest of both and of KEEP_ANSWERS_HOURS counts, so that
 * neither file can keep what the operator of the relay did not want kept.
 */
import * as z from 'zod';

/** A year: what is to last longer belongs into the app's own tables. */
export const MOST_KEPT_HOURS = 8784;
export const HOUR_MS = 3_600_000;

/** False: not at all. True: as long as the others say. Otherwise hours. Read as ms. */
export const keepSetting = z
  .union(
    [z.boolean(), z.number().positive().max(MOST_KEPT_HOURS)],
    `must be true, false, or hours up to ${MOST_KEPT_HOURS}`,
  )
  .transform((keep) => {
    if (typeof keep === 'boolean') return keep ? Number.POSITIVE_INFINITY : 0;
    return Math.round(keep * HOUR_MS);
  });
