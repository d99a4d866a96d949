import { expect, it } from 'vitest';
import { type ScrollReading, staysAtEnd } from '../../src/react/assistant/stickiness.ts';

const at = (offset: number, contentHeight = 2000, viewHeight = 500): ScrollReading => ({
  offset,
  contentHeight,
  viewHeight,
});

it.each([
  ['text is added below', true, at(1500), at(1500, 2200), true],
  ['a person scrolls up', true, at(1500), at(1300), false],
  ['a person scrolls up while text is added', true, at(1500), at(1450, 2300), false],
  ['a person is on their way down', false, at(1000), at(1200), false],
  ['a person is back at the end', false, at(1400), at(1480), true],
  ['the keyboard takes room', true, at(1500), at(1400, 2000, 300), true],
  ['the content becomes shorter', true, at(1500), at(1300, 1900), true],
  ['it is the first reading', true, undefined, at(0), true],
] as const)('keeps the end in sight or not where %s', (_what, was, before, now, is) => {
  expect(staysAtEnd(was, before, now)).toBe(is);
});
