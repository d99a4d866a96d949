/** When a fresh token may be asked for: not at once again where the last one brought no time, over all connections. */
import type { ClientClock } from './clock.ts';

const FIRST_PAUSE_MS = 5000;
/** Also the time that a token has left when the relay warns: one that has no more is not yet what was asked for. */
const LONGEST_PAUSE_MS = 60_000;

export interface Renewals {
  /** Until the next question, ms; 0 or less: now. */
  readonly waitMs: number;
  asked(): void;
  /** The relay took a token that lasts so much longer, ms. False: ask again. */
  taken(leftMs: number): boolean;
}

export function createRenewals(clock: ClientClock): Renewals {
  let pauseMs = FIRST_PAUSE_MS;
  let notBefore = 0;
  return {
    get waitMs() {
      return notBefore - clock.elapsed();
    },
    asked() {
      notBefore = clock.elapsed() + pauseMs;
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    },
    taken(leftMs) {
      const isSettled = leftMs > LONGEST_PAUSE_MS;
      if (isSettled) pauseMs = FIRST_PAUSE_MS;
      return isSettled;
    },
  };
}
