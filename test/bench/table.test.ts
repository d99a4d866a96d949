import { expect, it } from 'vitest';
import { renderComparison } from '../../bench/report/comparison.ts';
import { short } from '../../bench/report/numbers.ts';
import { renderResults } from '../../bench/report/table.ts';
import { atMost, times } from '../../bench/report/target.ts';
import { resultsOf, sampleOf, scenarioWith } from './sample-results.ts';

const results = resultsOf([
  sampleOf('relay', 1, 10),
  sampleOf('nginx', 1, 20),
  sampleOf('relay', 2, 30),
  sampleOf('nginx', 2, 40),
]);

it('shows each target with what was measured, and marks the missed ones', () => {
  const markdown = renderResults(results, [scenarioWith(times(0.7, 'nginx'), atMost(5))]);
  expect(markdown).toContain('| cpu-x1 | CPU per delta, µs | ≤ 0.7 × nginx | 0.625 (0.5–0.75) | met |');
  expect(markdown).toContain('| cpu-x1 | CPU per delta, µs | ≤ 5 | 20 (10–30) | **missed** |');
});

it('names what makes figures doubtful, of whichever subject', () => {
  const { figures, ...scenario } = scenarioWith();
  const guarded = { ...scenario, figures: figures.map((spec) => ({ ...spec, guard: atMost(25) })) };
  const markdown = renderResults(results, [guarded]);
  expect(markdown).toContain('- cpu-x1, nginx: CPU per delta, µs: 30 (20–40), should be ≤ 25');
  expect(markdown).not.toContain('- cpu-x1, relay:');
});

it('gives every subject a column', () => {
  const markdown = renderResults(results, [scenarioWith()]);
  expect(markdown).toContain('| figure | relay | nginx |');
  expect(markdown).toContain('| CPU per delta, µs | 20 (10–30) | 30 (20–40) |');
});

it('names the machine, the versions and the number of runs', () => {
  const markdown = renderResults(results, [scenarioWith()]);
  expect(markdown).toContain('A processor, 2 cores, 8 GB, Linux 6.1, Node v26.0.0');
  expect(markdown).toContain('relay abc1234; nginx/1.22.1. 2 runs, 61 s.');
});

it('says of each subject without figures why, once', () => {
  const failure = { scenario: 'cpu-x1', subject: 'ai-sdk', reason: 'not there\nat line 1' };
  const failures = [1, 2].map((repeat) => ({ ...failure, repeat }));
  const markdown = renderResults({ ...results, failures }, [scenarioWith()]);
  expect(markdown.split('- **cpu-x1, ai-sdk: no figures.** not there\n')).toHaveLength(2);
});

it('compares two checkouts pair by pair', () => {
  const compared = resultsOf(
    [1, 2, 3].flatMap((n) => [sampleOf('tree', n, 9 * n), sampleOf('base', n, 10 * n)]),
  );
  const markdown = renderComparison(compared, [scenarioWith()], ['tree', 'base']);
  expect(markdown).toContain('| CPU per delta, µs | 20 (10–30) | 18 (9–27) | 0.9 | **less** |');
});

it('sets a peer beside them where a scenario has it', () => {
  const ofAll = [1, 2, 3].flatMap((n) => [
    sampleOf('tree', n, 9 * n),
    sampleOf('base', n, 10 * n),
    sampleOf('nginx', n, 6 * n),
  ]);
  const markdown = renderComparison(resultsOf(ofAll), [scenarioWith()], ['tree', 'base'], 'nginx');
  expect(markdown).toContain('| figure | base | tree | tree ÷ base |  | nginx | tree ÷ nginx |');
  expect(markdown).toContain('| 0.9 | **less** | 12 (6–18) | 1.5 |');
});

it.each([
  [0, '0'],
  [0.012_345, '0.0123'],
  [12.345, '12.3'],
  [123.45, '123'],
  [12_345.6, '12,346'],
  [Number.NaN, ''],
])('writes %d as "%s"', (value, text) => {
  expect(short(value)).toBe(text);
});
