/** What any relay does for all of them each minute: charges runs whose relay never came back, forgets what is old. */
import type { Clock, Timer } from '../time/clock.ts';
import { within } from '../time/outage.ts';
import type { PostgresCounts } from './postgres-counts.ts';

export interface HousekeepingParts {
  readonly clock: Clock;
  readonly postgres: PostgresCounts;
  /** Whether to leave it for this time. */
  readonly held: () => boolean;
  readonly failed: (cause: unknown) => void;
}

const EACH_MS = 60_000;
const FORGET_EACH = 60;
/** A minute's worth: other relays help. */
const EXPIRE_AT_ONCE = 100;
const CALL_WITHIN_MS = 5000;

/** Begins at once; the timer ends it. */
export function startHousekeeping({ clock, postgres, held, failed }: HousekeepingParts): Timer {
  let rounds = 0;
  const call = <T>(answer: Promise<T>): Promise<T> => within(clock, CALL_WITHIN_MS, answer);
  const round = async (): Promise<void> => {
    let left = EXPIRE_AT_ONCE;
    while (left > 0 && (await call(postgres.expire()))) left -= 1;
    rounds += 1;
    if (rounds % FORGET_EACH === 1) await call(postgres.forget(clock.now()));
  };
  return clock.every(EACH_MS, () => {
    if (!held()) round().catch(failed);
  });
}
