import { atMost } from '../report/target.ts';
import type { Scenario } from '../scenario.ts';
import { SOUNDNESS, soundness } from './soundness.ts';
import { measureSteady, outcomeOf, type Steady } from './steady.ts';

/** As the real API answers; short answers: about 100 starts a second. */
const TRAFFIC = { firstTokenMs: [400, 900] as const, answerDeltas: 35 };

export const firstToken = firstTokenIn('first-token', { settleMs: 2500 });
/** One round of a thousand starts, so that a 99th percentile is ten of them. */
export const firstTokenTail = firstTokenIn('first-token-tail', {
  settleMs: 5000,
  roundMs: 10_000,
  rounds: 1,
});

function firstTokenIn(name: string, course: Pick<Steady, 'settleMs' | 'roundMs' | 'rounds'>): Scenario {
  return {
    name,
    summary: '200 streams on 100 sockets, answers of 35 deltas, first token after 400 to 900 ms upstream',
    subjects: ['relay'],
    figures: [
      { name: 'addedP50', label: 'first token, added, p50', unit: 'ms', targets: [atMost(2)] },
      { name: 'addedP99', label: 'first token, added, p99', unit: 'ms', targets: [atMost(5)] },
      { name: 'totalP99', label: 'first token in all, p99', unit: 'ms', targets: [atMost(1500)] },
      { name: 'startCpu', label: 'CPU per stream, its deltas included', unit: 'µs' },
      { name: 'startsPerSecond', label: 'streams started', unit: '/s' },
      ...SOUNDNESS,
    ],
    run: async (subject) => {
      const measured = await measureSteady(subject, {
        streams: 200,
        connections: 100,
        traffic: TRAFFIC,
        ...course,
      });
      return outcomeOf(measured, (round) => ({
        addedP50: round.load.firstTokenAdded.p50,
        addedP99: round.load.firstTokenAdded.p99,
        totalP99: round.load.firstToken.p99,
        startCpu: round.cpuMicros / Math.max(1, round.load.starts),
        startsPerSecond: round.load.starts / round.seconds,
        ...soundness(round),
      }));
    },
  };
}
