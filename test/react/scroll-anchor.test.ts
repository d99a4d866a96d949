import { expect, it } from 'vitest';
import { atEndOf, type ScrollReading, staysAtEnd } from '../../src/react/assistant/scroll-anchor.ts';

const at = (offset: number, contentHeight = 2000, viewHeight = 500): ScrollReading => ({
  offset,
  contentHeight,
  viewHeight,
});

it.each([
  ['text is added below', true, at(1500), at(1500, 2200), true],
  ['a person scrolls up', true, at(1500), at(1300), false],
  ['a person scrolls up while text is added', true, at(1500), at(1450, 2300), false],
  ['a person scrolls up a little', true, at(1500), at(1497), false],
  ['a person scrolls up a little while text is added', true, at(1500), at(1490, 2026), false],
  ['a person has scrolled up a little, and text is added', false, at(1490), at(1490, 2010), false],
  ['a person has scrolled up a little, and rests there', false, at(1490), at(1490), false],
  ['a person scrolls up while the content becomes shorter', true, at(1500), at(1300, 1900), false],
  ['a person has begun to scroll up, and nothing has moved yet', false, at(1500), at(1500), false],
  ['a person is on their way down', false, at(1000), at(1200), false],
  ['a person is on their way down, further than it was', false, at(1000), at(1480, 2100), false],
  ['a person is back at the end', false, at(1400), at(1480), true],
  ['the end comes up to a person', false, at(1400), at(1400, 1900), true],
  ['a person pulls beyond the end, and lets go', true, at(1560), at(1510), true],
  ['the position is rounded', true, at(1500), at(1499.5), true],
  ['the keyboard takes room', true, at(1500), at(1400, 2000, 300), true],
  ['the keyboard takes room from a person who reads further up', false, at(1000), at(1000, 2000, 300), false],
  ['the content becomes shorter', true, at(1500), at(1400, 1900), true],
  ['it is the first reading', true, undefined, at(0), true],
] as const)('keeps the end in sight or not where %s', (_what, was, before, now, is) => {
  expect(staysAtEnd(was, before, now)).toBe(is);
});

it('knows a step up behind a step of its own to the end', () => {
  expect(staysAtEnd(true, atEndOf(2026, 500), at(1523, 2026))).toBe(false);
  expect(staysAtEnd(true, atEndOf(2026, 500), at(1526, 2026))).toBe(true);
  expect(staysAtEnd(true, atEndOf(300, 500), at(0, 300))).toBe(true);
});
