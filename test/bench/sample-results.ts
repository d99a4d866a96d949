/** Results of a run that nobody made: two repeats of one scenario. */
import type { Results, Sample } from '../../bench/report/results.ts';
import type { Target } from '../../bench/report/target.ts';
import type { Curves, Scenario } from '../../bench/scenario.ts';

export function sampleOf(subject: string, repeat: number, cpu: number, curves: Curves = {}): Sample {
  const warmUp = { cpu: cpu * 10 };
  return { scenario: 'cpu-x1', subject, repeat, seconds: 1, rounds: [warmUp, { cpu }], curves };
}

export function resultsOf(samples: readonly Sample[]): Results {
  return {
    startedAt: '2026-11-23T01:02:03.000Z',
    seconds: 61.4,
    repeat: 2,
    machine: { cpu: 'A processor', cores: 2, memoryGb: 8, kernel: '6.1', node: 'v26.0.0' },
    versions: { relay: 'relay abc1234', nginx: 'nginx/1.22.1' },
    samples,
    failures: [],
  };
}

/** The samples' scenario, with these targets on its one figure. */
export function scenarioWith(...targets: readonly Target[]): Scenario {
  return {
    name: 'cpu-x1',
    summary: 'streams',
    subjects: ['relay', 'nginx'],
    figures: [{ name: 'cpu', label: 'CPU per delta', unit: 'µs', targets }],
    run: () => Promise.resolve({ rounds: [] }),
  };
}
