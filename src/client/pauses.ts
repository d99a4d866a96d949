/** Waiting between attempts: full jitter, so that clients cut off together do not return together; a signal ends it. */
import type { ClientClock } from './clock.ts';

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

export interface Pauses {
  /** The pause before attempt `attempt` (from 0), never below `leastMs`, or until somebody hurries. */
  backOff(attempt: number, leastMs?: number): Promise<void>;
  hurry(): void;
}

export function createPauses(clock: ClientClock, random: () => number = Math.random): Pauses {
  const waiting = new Set<() => void>();
  return {
    backOff: (attempt, leastMs = 0) =>
      new Promise((resolve) => {
        const end = (): void => {
          timer.cancel();
          waiting.delete(end);
          resolve();
        };
        const timer = clock.after(leastMs + random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt), end);
        waiting.add(end);
      }),
    hurry() {
      for (const end of waiting) end();
    },
  };
}
