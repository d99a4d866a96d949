/**
 * Whether this process has time for what it does: how late the event loop is, and whether that lasts. Past a mark new work
 * makes every live stream later still. One long turn (a paused machine, a collection of garbage) is over when it is seen, and
 * says nothing.
 */
import type { Clock, Timer } from '../time/clock.ts';

/** How often the clock is read, ms: what is more than that between two readings is lag. */
const TICK_MS = 100;
/** Of so much time the median counts, ms. */
const WINDOW_MS = 1000;
/** Windows in a row that are late before it is, and in time before it is over. */
const WINDOWS = 2;
/** It is in time again below this share of the mark. */
const IN_TIME_SHARE = 0.5;

/** @param lagMs the median of the latest window */
export type LagReport = (isLate: boolean, lagMs: number) => void;

/**
 * Reports each change: late from `mostMs` on, until it is in time again; the caller cancels the timer.
 * @param mostMs Infinity: never late
 */
export function watchEventLoop(clock: Clock, mostMs: number, report: LagReport): Timer {
  const isLate = lastingLateness(mostMs);
  let lags: number[] = [];
  let before = clock.elapsed();
  let windowSince = before;
  let wasLate = false;
  return clock.every(TICK_MS, () => {
    const now = clock.elapsed();
    lags.push(Math.max(0, now - before - TICK_MS));
    before = now;
    if (now - windowSince < WINDOW_MS) return;
    const lagMs = medianOf(lags);
    lags = [];
    windowSince = now;
    const late = isLate(lagMs);
    if (late !== wasLate) report(late, Math.round(lagMs));
    wasLate = late;
  });
}

/** Of one window after the other. Between the two marks it stays as it is. */
function lastingLateness(mostMs: number): (lagMs: number) => boolean {
  let late = false;
  let against = 0;
  return (lagMs) => {
    const speaksAgainst = late ? lagMs < mostMs * IN_TIME_SHARE : lagMs >= mostMs;
    against = speaksAgainst ? against + 1 : 0;
    if (against >= WINDOWS) {
      late = !late;
      against = 0;
    }
    return late;
  };
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
