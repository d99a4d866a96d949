/** Waiting between attempts: full jitter, so that clients cut off together do not return together; a signal ends it. */
import { boundedMs } from '../protocol/retry-after.ts';
import type { ClientClock } from './platform.ts';

const FIRST_MS = 500;
const LONGEST_MS = 15_000;
/** Whatever the jitter: no attempt follows at once. */
const LEAST_MS = 100;
/** What a hint of the other side can ask for at most. */
const LONGEST_HINT_MS = 300_000;

export interface Backoff {
  /** The time before attempt `attempt` (from 0), never below the other side's hint; `skip` and `wake` end it. */
  wait(attempt: number, hintMs?: number): Promise<void>;
  /** Ends every wait now. */
  skip(): void;
  /** The page is put away: until `wake` no wait ends, and `awake` does not resolve. */
  sleep(): void;
  wake(): void;
  awake(): Promise<void>;
}

export function createBackoff(clock: ClientClock, random: () => number = Math.random): Backoff {
  const waiting = new Set<() => void>();
  let isAsleep = false;
  const skip = (): void => {
    if (!isAsleep) for (const end of waiting) end();
  };
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        waiting.delete(end);
        resolve();
      };
      const timer = clock.after(ms, () => {
        if (!isAsleep) end();
      });
      waiting.add(end);
    });
  return {
    wait(attempt, hintMs) {
      const jitter = Math.max(LEAST_MS, random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt));
      return wait(boundedMs(hintMs, LONGEST_HINT_MS) + jitter);
    },
    skip,
    sleep() {
      isAsleep = true;
    },
    wake() {
      isAsleep = false;
      skip();
    },
    awake: async () => {
      if (isAsleep) await wait(0);
    },
  };
}
