/** Hard bounds: no phase of a benchmark may hang. */
import { setTimeout as delay } from 'node:timers/promises';

/** @throws Error naming `what` when `promise` has not settled in `ms`. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = delay(ms, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what}: nothing within ${ms / 1000} s`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    late.catch(() => undefined);
  }
}

/** Asks every 50 ms until `probe` says yes. @throws Error naming `what` after `ms`. */
export async function until(ms: number, what: string, probe: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + ms;
  while (!(await probe())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${ms / 1000} s`);
    await delay(50);
  }
}
