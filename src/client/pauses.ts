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
}

export function createPauses(clock: ClientClock, random: () => number = Math.random): Pauses {
  const waiting = new Set<() => void>();
  return {
    backOff: (attempt, hintMs) =>
      new Promise((resolve) => {
        const end = (): void => {
          timer.cancel();
          waiting.delete(end);
          resolve();
        };
        const jitter = Math.max(LEAST_MS, random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt));
        const timer = clock.after(boundedMs(hintMs, LONGEST_HINT_MS) + jitter, end);
        waiting.add(end);
      }),
    hurry() {
      for (const end of waiting) end();
    },
  };
}
