import type { Scenario } from '../scenario.ts';
import { atMost } from '../target.ts';
import { streamingWorkload } from '../workload.ts';
import { memoryFigures, memorySpecs } from './memory-1000.ts';

const ROUNDS = 10;
/** Four seconds: 250 streams begin and end each second. */
const ANSWER_DELTAS = 100;

export const churn: Scenario = {
  name: 'churn',
  summary: '1,000 streams of 4 s, ten rounds of a minute: memory stays flat (6 s each unless --long)',
  subjects: ['relay'],
  longOnly: true,
  workload: (pace) => {
    const workload = streamingWorkload(pace, 1000, 500);
    const upstream = { ...workload.upstream, answerDeltas: ANSWER_DELTAS };
    return { ...workload, upstream, rounds: ROUNDS, roundMs: pace.long ? 60_000 : 6000 };
  },
  figures: [
    { name: 'growth', label: 'mean resident memory, last round ÷ second', unit: '', target: atMost(1.1) },
    { name: 'startsPerSecond', label: 'streams started', unit: '/s' },
    ...memorySpecs(undefined),
  ],
  read: (round, { rounds }) => ({
    // The second round: the first still fills the windows in which ended streams can be resumed.
    growth: round.rssMb / (rounds[1]?.rssMb ?? Number.NaN),
    startsPerSecond: round.load.starts / round.seconds,
    ...memoryFigures(round),
  }),
};
