import { describe, expect, it } from 'vitest';
import { Alarm, TimerWheel } from '../../src/time/timer-wheel.ts';
import { ManualClock } from '../support/manual-clock.ts';

function setUp() {
  const clock = new ManualClock();
  const wheel = new TimerWheel(clock);
  const fired: string[] = [];
  return { clock, wheel, fired };
}

describe('TimerWheel', () => {
  it('fires once, not before its time, within a tick after it', () => {
    const { clock, wheel, fired } = setUp();
    wheel.after(1000, () => fired.push('a'));
    clock.advance(999);
    expect(fired).toEqual([]);
    clock.advance(51);
    expect(fired).toEqual(['a']);
    clock.advance(60_000);
    expect(fired).toEqual(['a']);
  });

  it('keeps timers longer than one turn of the wheel', () => {
    const { clock, wheel, fired } = setUp();
    wheel.after(120_000, () => fired.push('late'));
    clock.advance(119_900);
    expect(fired).toEqual([]);
    clock.advance(200);
    expect(fired).toEqual(['late']);
  });

  it('does not run a cancelled timer, also when it is cancelled by another of the same tick', () => {
    const { clock, wheel, fired } = setUp();
    wheel.after(100, () => second.cancel());
    const second = wheel.after(100, () => fired.push('second'));
    clock.advance(200);
    expect(fired).toEqual([]);
    expect(wheel.pending).toBe(0);
  });

  it('counts a suspension of the process as one tick: nobody is timed out by it', () => {
    const fired: string[] = [];
    let elapsed = 0;
    let tick = () => {};
    const wheel = new TimerWheel({
      now: () => 0,
      elapsed: () => elapsed,
      after: () => ({ cancel() {} }),
      every: (_ms, callback) => {
        tick = callback;
        return { cancel() {} };
      },
    });
    wheel.after(10_000, () => fired.push('pong missed'));
    elapsed = 30_000; // SIGSTOP for 30 s, then SIGCONT
    tick();
    expect(fired).toEqual([]);
    for (let at = 0; at < 200; at += 1) {
      elapsed += 50;
      tick();
    }
    expect(fired).toEqual(['pong missed']);
  });

  it('stops its interval when closed', () => {
    const { clock, wheel, fired } = setUp();
    wheel.after(100, () => fired.push('x'));
    wheel.close();
    clock.advance(1000);
    expect(fired).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

class Bell extends Alarm {
  readonly rung: string[] = [];
  again = 0;

  ringIn(ms: number): void {
    this.set(ms);
  }

  silence(): void {
    this.unset();
  }

  get waits(): boolean {
    return this.isSet;
  }

  protected override due(): void {
    this.rung.push(this.isSet ? 'still set' : 'rung');
    if (this.again > 0) this.set(this.again);
  }
}

describe('Alarm', () => {
  it('is due once, at the time it was set to last', () => {
    const { clock, wheel } = setUp();
    const bell = new Bell(wheel);
    bell.ringIn(100);
    bell.ringIn(1000);
    expect(wheel.pending).toBe(1);
    clock.advance(900);
    expect(bell.rung).toEqual([]);
    clock.advance(200);
    expect(bell.rung).toEqual(['rung']);
    expect([bell.waits, wheel.pending]).toEqual([false, 0]);
  });

  it('is never due once it is unset', () => {
    const { clock, wheel } = setUp();
    const bell = new Bell(wheel);
    bell.silence();
    bell.ringIn(100);
    bell.silence();
    clock.advance(1000);
    expect([bell.rung, wheel.pending]).toEqual([[], 0]);
  });

  it('may be set anew while it is due, also for a whole turn of the wheel', () => {
    const { clock, wheel } = setUp();
    const bell = new Bell(wheel);
    bell.again = 512 * 50;
    bell.ringIn(100);
    clock.advance(200);
    expect(bell.rung).toHaveLength(1);
    clock.advance(bell.again);
    expect(bell.rung).toHaveLength(2);
  });
});
