import type { Scenario } from '../scenario.ts';
import { atMost } from '../target.ts';
import { streamingWorkload } from '../workload.ts';
import { SOUNDNESS, soundness } from './streaming.ts';

/** As the real API answers. */
const FIRST_TOKEN_MS: readonly [number, number] = [400, 900];
/** Short answers: about 100 starts a second. */
const ANSWER_DELTAS = 35;

export const firstToken: Scenario = {
  name: 'first-token',
  summary: '200 streams on 100 sockets, answers of 35 deltas, first token after 400 to 900 ms upstream',
  subjects: ['relay', 'nginx'],
  workload: (pace) => {
    const workload = streamingWorkload(pace, 200, 100);
    const upstream = { ...workload.upstream, firstTokenMs: FIRST_TOKEN_MS, answerDeltas: ANSWER_DELTAS };
    return { ...workload, upstream, warmUpMs: 3000 };
  },
  figures: [
    { name: 'addedP50', label: 'first token, added, p50', unit: 'ms', target: atMost(2) },
    { name: 'addedP99', label: 'first token, added, p99', unit: 'ms', target: atMost(5) },
    { name: 'totalP99', label: 'first token in all, p99', unit: 'ms', target: atMost(1500) },
    { name: 'startCpu', label: 'CPU per stream, its deltas included', unit: 'µs' },
    { name: 'startsPerSecond', label: 'streams started', unit: '/s' },
    ...SOUNDNESS,
  ],
  read: (round) => ({
    addedP50: round.load.firstTokenAdded.p50,
    addedP99: round.load.firstTokenAdded.p99,
    totalP99: round.load.firstToken.p99,
    startCpu: round.cpuMicros / Math.max(1, round.load.starts),
    startsPerSecond: round.load.starts / round.seconds,
    ...soundness(round),
  }),
};
