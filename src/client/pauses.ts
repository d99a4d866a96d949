/** Waiting between attempts: full jitter, so that clients cut off together do not return together; a signal ends it. */
import { boundedMs } from '../protocol/retry-after.ts';
import type { ClientClock } from './clock.ts';

const FIRST_MS = 500;
const LONGEST_MS = 15_000;
/** However the dice fall: nobody is asked again at once. */
const LEAST_MS = 100;
/** What a hint of the other side can ask for at most. */
const LONGEST_HINT_MS = 300_000;

export interface Pauses {
  /** The pause before attempt `attempt` (from 0), never below the other side's hint, or until somebody hurries. */
  backOff(attempt: number, hintMs?: number): Promise<void>;
  hurry(): void;
  /** The page is put away: until `wake` no pause ends, and `awake` does not resolve. */
  sleep(): void;
  wake(): void;
  awake(): Promise<void>;
}

export function createPauses(clock: ClientClock, random: () => number = Math.random): Pauses {
  const waiting = new Set<() => void>();
  let isAsleep = false;
  const hurry = (): void => {
    if (!isAsleep) for (const end of waiting) end();
  };
  const pause = (ms: number): Promise<void> =>
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
    backOff(attempt, hintMs) {
      const jitter = Math.max(LEAST_MS, random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt));
      return pause(boundedMs(hintMs, LONGEST_HINT_MS) + jitter);
    },
    hurry,
    sleep() {
      isAsleep = true;
    },
    wake() {
      isAsleep = false;
      hurry();
    },
    awake: async () => {
      if (isAsleep) await pause(0);
    },
  };
}
