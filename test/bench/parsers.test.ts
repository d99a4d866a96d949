import { expect, it } from 'vitest';
import { judge } from '../../bench/parsers/measure.ts';
import { parsers } from '../../bench/parsers/parsers.ts';

/** A conversation costs 10 µs for a KiB; what collects every fault of a text, or walks it twice, costs hundreds of times that. */
const MOST_TIMES = 40;

it('no shape of a text costs a parser many times what an honest conversation of that size does', () => {
  const verdicts = judge(parsers, { rounds: 5, roundMs: 1 });
  expect(verdicts.length).toBe(parsers.length);
  const dear = verdicts.filter(({ ratio }) => !(ratio < MOST_TIMES));
  expect(
    dear.map(({ parser, worst, ratio }) => `${parser}: ${worst.shape}, ${ratio.toFixed(1)} times`),
  ).toEqual([]);
});
