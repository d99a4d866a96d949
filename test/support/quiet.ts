/**
 * When nothing happens any more. The fakes and the clock of the tests note whatever is asked of them; what follows from it
 * without real time or I/O has come to its end once they were asked nothing for a while. No test says how many turns of
 * the event loop a piece of work takes.
 */

/** Between two calls of fakes lie at most so many turns: a flush of this one, and an answer in the next. */
const QUIET_TURNS = 3;
/** Work that never ends has no end to wait for. */
const MOST_TURNS = 10_000;

let noted = 0;

/** Something was asked of a fake. */
export function noteActivity(): void {
  noted += 1;
}

/** @throws Error where it does not come to an end */
export async function settled(): Promise<void> {
  let quiet = 0;
  for (let turns = 0; quiet < QUIET_TURNS; turns += 1) {
    if (turns > MOST_TURNS) throw new Error('it does not come to rest');
    const before = noted;
    await new Promise((resolve) => setImmediate(resolve)); // not of node:timers: the client's tests run in Hermes too
    quiet = noted === before ? quiet + 1 : 0;
  }
}
