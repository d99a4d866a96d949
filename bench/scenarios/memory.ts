import { atMost, type Target } from '../report/target.ts';
import type { FigureSpec, Figures, Scenario } from '../scenario.ts';
import type { Round } from '../stage.ts';
import { SOUNDNESS, soundness } from './soundness.ts';
import { measureSteady, outcomeOf } from './steady.ts';

const STREAMS = 1000;
/** Answers of four seconds: 250 streams begin and end each second. */
const CHURN = { answerDeltas: 100 };
const MINUTE_MS = 60_000;

export const memory: Scenario = {
  name: 'memory',
  summary: '1,000 live streams, one per socket, 250 of them ending and beginning each second',
  subjects: ['relay', 'bundle'],
  figures: memorySpecs([atMost(125)]),
  run: async (subject) =>
    outcomeOf(
      await measureSteady(subject, {
        streams: STREAMS,
        connections: STREAMS,
        traffic: CHURN,
        settleMs: 2000,
        roundMs: 3000,
      }),
      memoryFigures,
    ),
};

export const churn: Scenario = {
  name: 'churn',
  summary: 'the same for ten minutes: memory stays flat',
  byNameOnly: '10.5 minutes a subject',
  subjects: ['relay', 'bundle'],
  figures: [
    { name: 'growth', label: 'mean memory, last minute ÷ third', unit: '', targets: [atMost(1.1)] },
    { name: 'startsPerSecond', label: 'streams started', unit: '/s' },
    ...memorySpecs([]),
  ],
  run: async (subject) => {
    const course = await measureSteady(subject, {
      streams: STREAMS,
      connections: STREAMS,
      traffic: CHURN,
      roundMs: MINUTE_MS,
      rounds: 10,
    });
    return outcomeOf(course, (round, rounds) => ({
      // The first two minutes still fill the window in which ended streams can be resumed.
      growth: round.rssMb / (rounds[2]?.rssMb ?? Number.NaN),
      startsPerSecond: round.load.starts / round.seconds,
      ...memoryFigures(round),
    }));
  },
};

export function memorySpecs(targets: readonly Target[]): readonly FigureSpec[] {
  return [
    { name: 'rssPeak', label: 'resident memory, peak', unit: 'MB', targets },
    { name: 'rss', label: 'resident memory, mean', unit: 'MB' },
    { name: 'pss', label: 'proportional share', unit: 'MB' },
    { name: 'live', label: 'live streams', unit: '' },
    { name: 'p99', label: 'delta latency p99', unit: 'ms' },
    ...SOUNDNESS,
  ];
}

export function memoryFigures(round: Round): Figures {
  return {
    rssPeak: round.rssPeakMb,
    rss: round.rssMb,
    pss: round.pssMb,
    live: round.load.live,
    p99: round.load.latency.p99,
    ...soundness(round),
  };
}
