import type { Clock } from '../time/clock.ts';

/**
 * The promise's outcome, or a rejection once `ms` have passed. What comes later is ignored. What came while this
 * process itself was too busy to look is not late: it gets one turn of the event loop to be heard.
 */
export async function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  // A rejection that nobody waits for any more is no failure.
  late.catch(() => {});
  const timer = clock.after(ms, () => setImmediate(() => reject(new Error(`no answer in ${ms} ms`))));
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.cancel();
  }
}
