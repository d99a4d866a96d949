import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  begin,
  beginForUnknownKey,
  fail,
  isServable,
  type KeySetSchedule,
  NOTHING_FETCHED,
  onUnknownKey,
  REFRESH_MS,
  STALE_MS,
  succeed,
  UNKNOWN_KEY_FETCH_MS,
  want,
} from '../../src/auth/key-set-schedule.ts';

const loaded = succeed(begin(NOTHING_FETCHED, 0), 0);

describe('when the key set is fetched', () => {
  it('each 5 minutes while that succeeds', () => {
    expect(loaded.nextFetchAt).toBe(REFRESH_MS);
  });

  it('after 1, 2, 4, 8, 16 and then each 30 s while it fails', () => {
    const waits: number[] = [];
    let schedule = loaded;
    for (let attempt = 0; attempt < 8; attempt += 1) {
      schedule = fail(begin(schedule, 0), 1_000);
      waits.push(schedule.nextFetchAt - 1_000);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('from 1 s again after a success', () => {
    const again = fail(begin(succeed(fail(fail(loaded, 0), 0), 0), 0), 0);
    expect(again.nextFetchAt).toBe(1_000);
  });
});

describe('what is done for an unknown key id', () => {
  it.each<readonly [string, KeySetSchedule, number, string]>([
    ['nothing was ever fetched', NOTHING_FETCHED, 0, 'unknowable'],
    ['the first fetch is under way', begin(NOTHING_FETCHED, 0), 0, 'join'],
    ['the first fetch failed', fail(begin(NOTHING_FETCHED, 0), 0), 500, 'unknowable'],
    ['the key set was just loaded', loaded, 0, 'fetch'],
    ['it was asked for 4.9 s ago', succeed(beginForUnknownKey(loaded, 0), 50), 4_900, 'absent'],
    ['it was asked for 5 s ago', succeed(beginForUnknownKey(loaded, 0), 50), 5_000, 'fetch'],
    ['another fetch is under way', beginForUnknownKey(loaded, 0), 10, 'join'],
    ['the last refresh failed', fail(begin(loaded, 0), 0), 40_000, 'unknowable'],
    ['the keys are older than 60 min', loaded, STALE_MS + 1, 'unknowable'],
  ])('%s', (_name, schedule, now, expected) => {
    expect(onUnknownKey(schedule, now)).toBe(expected);
  });
});

it('what came too soon is asked for once the time is over, and not later', () => {
  const soon = want(succeed(beginForUnknownKey(loaded, 1000), 1000));
  expect(soon.nextFetchAt).toBe(1000 + UNKNOWN_KEY_FETCH_MS);
  const again = succeed(begin(soon, 6000), 6000);
  expect(onUnknownKey(again, 10_900)).toBe('absent');
  expect(again).toMatchObject({ wanted: false, nextFetchAt: 6000 + REFRESH_MS });
});

describe('keys at hand', () => {
  it('serve for 60 min after the fetch that brought them, whatever fails meanwhile', () => {
    const failing = fail(begin(loaded, 0), 1_000);
    expect(isServable(failing, STALE_MS)).toBe(true);
    expect(isServable(failing, STALE_MS + 1)).toBe(false);
    expect(isServable(NOTHING_FETCHED, 0)).toBe(false);
  });
});

/** What the driver does at an instant: a fetch whose time has come, or one for an unknown key id. */
function step(schedule: KeySetSchedule, now: number): { schedule: KeySetSchedule; asked: boolean } {
  if (now >= schedule.nextFetchAt) {
    const asked = schedule.failures === 0 && schedule.wanted;
    return { schedule: begin(schedule, now), asked };
  }
  const answer = onUnknownKey(schedule, now);
  if (answer === 'fetch') {
    expect(schedule.failures).toBe(0);
    return { schedule: beginForUnknownKey(schedule, now), asked: true };
  }
  return { schedule: answer === 'absent' ? want(schedule) : schedule, asked: false };
}

describe('whatever happens in whatever order', () => {
  const steps = fc.array(fc.record({ wait: fc.nat(20_000), works: fc.boolean() }), { maxLength: 200 });

  it('unknown key ids cause at most one fetch in 5 s, and none between failed attempts', () => {
    fc.assert(
      fc.property(steps, (tape) => {
        let schedule = loaded;
        let now = 0;
        let last = -UNKNOWN_KEY_FETCH_MS;
        for (const { wait, works } of tape) {
          now += wait;
          const { asked, ...next } = step(schedule, now);
          if (asked) {
            expect(now - last).toBeGreaterThanOrEqual(UNKNOWN_KEY_FETCH_MS);
            last = now;
          }
          schedule = next.schedule;
          if (schedule.fetching) schedule = works ? succeed(schedule, now) : fail(schedule, now);
          expect(schedule.nextFetchAt).toBeGreaterThan(now);
        }
      }),
    );
  });
});
