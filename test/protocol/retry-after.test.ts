import { describe, expect, it } from 'vitest';
import { boundedMs, readRetryAfter } from '../../src/protocol/retry-after.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const LONGEST = 2 ** 31 - 1;

describe('Retry-After', () => {
  it.each([
    ['seconds', '30', 30_000],
    ['no wait', '0', 0],
    ['a date', 'Sun, 22 Nov 2026 12:01:00 GMT', 60_000],
    ['a date of the older form', 'Sunday, 22-Nov-26 12:01:00 GMT', 60_000],
    ['a date of C’s asctime', 'Sun Nov 22 12:01:00 2026', 60_000],
    ['a date that is past', 'Sun, 22 Nov 2026 11:00:00 GMT', 0],
    ['spaces around it', ' 5 ', 5000],
    ['longer than timers wait', '99999999999', LONGEST],
    ['a date longer than timers wait', 'Sun, 22 Nov 2076 12:00:00 GMT', LONGEST],
  ])('reads %s', (_name, header, ms) => {
    expect(readRetryAfter(header, NOW)).toBe(ms);
  });

  it.each([
    null,
    undefined,
    '',
    'soon',
    '-1',
    'NaN',
    'Infinity',
    '1e9',
    '30, 60',
    '2026-11-22',
    'Sun, nonsense GMT',
  ])('knows nothing of %j', (header) => {
    expect(readRetryAfter(header, NOW)).toBeUndefined();
  });
});

describe('a time that somebody else names', () => {
  it.each([
    [1500, 1500],
    [0, 0],
    [-5, 0],
    [Number.NaN, 0],
    [Number.POSITIVE_INFINITY, LONGEST],
    ['3000', 0],
    [undefined, 0],
    [null, 0],
  ])('%j becomes %d ms', (named, ms) => {
    expect(boundedMs(named)).toBe(ms);
  });

  it('stays below the bound it is given', () => {
    expect(boundedMs(1e12, 60_000)).toBe(60_000);
  });
});
