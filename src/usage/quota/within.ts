import type { Clock } from '../../time/clock.ts';

/** The promise's outcome, or a rejection once `ms` have passed. What comes later is ignored. */
export async function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = clock.after(ms, () => reject(new Error(`no answer in ${ms} ms`)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.cancel();
  }
}
