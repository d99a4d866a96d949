import { describe, expect, it } from 'vitest';
import { watchEventLoop } from '../../src/observability/event-loop-lag.ts';
import { ManualClock } from '../support/manual-clock.ts';

const MOST_MS = 250;
const TICK_MS = 100;

/** Its timers come late by what the event loop was held up. */
class BusyClock extends ManualClock {
  #heldUpMs = 0;

  override elapsed(): number {
    return super.elapsed() + this.#heldUpMs;
  }

  /** Turns of the event loop, each with that much beside the time of a timer. */
  turns(count: number, lagMs: number): void {
    for (let turn = 0; turn < count; turn += 1) {
      this.#heldUpMs += lagMs;
      this.advance(TICK_MS);
    }
  }
}

function watched(mostMs = MOST_MS) {
  const clock = new BusyClock();
  const reports: (readonly [isLate: boolean, lagMs: number])[] = [];
  const timer = watchEventLoop(clock, mostMs, (...report) => reports.push(report));
  return { clock, reports, timer };
}

describe('the event loop', () => {
  it('is late after two seconds in which it was, and in time after two in which it was not', () => {
    const { clock, reports } = watched();
    clock.turns(4, 300);
    expect(reports).toEqual([]);
    clock.turns(4, 300);
    expect(reports).toEqual([[true, 300]]);
    clock.turns(10, 10);
    expect(reports).toHaveLength(1);
    clock.turns(20, 10);
    expect(reports).toEqual([
      [true, 300],
      [false, 10],
    ]);
  });

  it.each([
    ['two seconds', 2_000],
    ['a minute', 60_000],
  ])('is not late because of one turn of %s: that is over when it is seen', (_what, ms) => {
    const { clock, reports } = watched();
    clock.turns(10, 0);
    clock.turns(1, ms);
    clock.turns(50, 0);
    expect(reports).toEqual([]);
  });

  it('between the two marks stays what it was', () => {
    const { clock, reports } = watched();
    clock.turns(100, 200);
    expect(reports).toEqual([]);
    clock.turns(20, 400);
    clock.turns(100, 200);
    expect(reports.map(([isLate]) => isLate)).toEqual([true]);
  });

  it('is judged by its usual turn: some long ones between short ones are none', () => {
    const { clock, reports } = watched();
    for (let second = 0; second < 10; second += 1) {
      clock.turns(1, 400);
      clock.turns(5, 0);
    }
    expect(reports).toEqual([]);
  });

  it('is never late where nothing is the mark, and not watched once the timer is cancelled', () => {
    const never = watched(Number.POSITIVE_INFINITY);
    never.clock.turns(30, 5_000);
    expect(never.reports).toEqual([]);
    const { clock, reports, timer } = watched();
    timer.cancel();
    clock.turns(30, 5_000);
    expect(reports).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
