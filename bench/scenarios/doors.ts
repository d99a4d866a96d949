/** What a delta costs, weighs and how late it is at each door, and what a first token waits there. By `npm run bench:doors`. */
import type { FigureSpec, Scenario } from '../scenario.ts';
import type { Round } from '../stage.ts';
import { SOUNDNESS, soundness } from './soundness.ts';
import { measureSteady, outcomeOf } from './steady.ts';
import { cpuPerDelta } from './stream-steps.ts';

const STREAMS = 300;

const FIGURES: readonly FigureSpec[] = [
  { name: 'cpu', label: 'CPU per delta', unit: 'µs' },
  { name: 'bytes', label: 'bytes per delta, its stamps and all frames included', unit: '' },
  { name: 'addedP50', label: 'first token, added, p50', unit: 'ms' },
  { name: 'addedP99', label: 'first token, added, p99', unit: 'ms' },
  { name: 'latencyP50', label: 'delta latency p50', unit: 'ms' },
  { name: 'latencyP99', label: 'delta latency p99', unit: 'ms' },
  ...SOUNDNESS,
];

export const doors1 = doorsScenario('doors-x1', 1);
export const doors10 = doorsScenario('doors-x10', 10);

function doorsScenario(name: string, perConnection: number): Scenario {
  return {
    name,
    summary: `${STREAMS} streams, ${perConnection === 1 ? 'one' : 'ten'} per connection`,
    subjects: ['relay'],
    figures: FIGURES,
    run: async (subject) => {
      const connections = STREAMS / perConnection;
      const course = await measureSteady(subject, { streams: STREAMS, connections, settleMs: 2500 });
      return outcomeOf(course, figuresOf);
    },
  };
}

function figuresOf(round: Round) {
  const { load } = round;
  return {
    cpu: cpuPerDelta(round),
    bytes: load.bytes / Math.max(1, load.deltas),
    addedP50: load.firstTokenAdded.p50,
    addedP99: load.firstTokenAdded.p99,
    latencyP50: load.latency.p50,
    latencyP99: load.latency.p99,
    ...soundness(round),
  };
}
