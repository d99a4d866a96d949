import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { LONG, report, SEED } from '../support/test-run.ts';
import { played } from './commands.ts';
import { ALONE, AT_FAULT, type Kind, playHistories, TOGETHER } from './histories.ts';

/** Histories of all kinds together: HISTORIES=n asks for another number. */
const COUNT = Number(process.env['HISTORIES'] ?? (LONG ? 100_000 : 300));
/** The same each time, so that a change that breaks something fails for everybody. */
const FIXED_SEED = 20_261_129;
/** Of this run; fast-check says it where one fails. */
const RANDOM_SEED = Number.parseInt(SEED.slice(0, 7), 16);

const started = performance.now();

afterAll(() => {
  const seconds = (performance.now() - started) / 1000;
  const counts = [...played].toSorted(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`);
  const sum = [...played.values()].reduce((total, count) => total + count, 0);
  report(`${COUNT} histories in ${seconds.toFixed(1)} s, ${sum} commands: ${counts.join(', ')}`);
});

describe.each<[string, Kind, number]>([
  ['one machine that dies and comes back', ALONE, 0.4],
  ['machines that share their streams, and lose what they tell each other', TOGETHER, 0.3],
  ['machines whose store is away, frozen, slow, one-sided or an older copy', AT_FAULT, 0.3],
])('%s', (_name, kind, share) => {
  it.each([
    ['a fixed seed', FIXED_SEED],
    ['a seed of this run', RANDOM_SEED],
  ])(
    'keeps every promise of the protocol, by %s',
    async (_of, seed) => {
      const details = await playHistories(kind, { count: Math.ceil((COUNT * share) / 2), seed });
      expect(details.failed && (await fc.asyncDefaultReportMessage(details))).toBe(false);
    },
    14_400_000,
  );
});
