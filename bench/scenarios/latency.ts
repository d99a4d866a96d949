import { above } from '../report/target.ts';
import type { FigureSpec, Scenario } from '../scenario.ts';
import { SOUNDNESS, soundness } from './soundness.ts';
import { measureSteady, outcomeOf } from './steady.ts';

const STREAMS = 90;

const figures: readonly FigureSpec[] = [
  { name: 'p50', label: 'delta latency p50', unit: 'ms', targets: [above(1, 'direct')] },
  { name: 'p99', label: 'delta latency p99', unit: 'ms', targets: [above(1, 'direct')] },
  ...SOUNDNESS,
];

export const latency: Scenario = {
  name: 'latency',
  summary: `${STREAMS} streams, one per connection; \`direct\` is the floor: upstream and load generator alone`,
  subjects: ['relay', 'nginx', 'direct'],
  figures,
  run: async (subject) =>
    outcomeOf(await measureSteady(subject, { streams: STREAMS, connections: STREAMS }), (round) => ({
      p50: round.load.latency.p50,
      p99: round.load.latency.p99,
      ...soundness(round),
    })),
};
