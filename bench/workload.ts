/** The common shape of workloads: what most scenarios share, in one place. */

import type { Workload } from './measure.ts';
import type { Pace } from './scenario.ts';

/** A mean answer lasts 10 s, so that a tenth of the streams ends and starts anew each second. */
const ANSWER_DELTAS = 250;
const DELTAS_PER_SECOND = 25;

export function streamingWorkload(pace: Pace, streams: number, connections: number): Workload {
  return {
    upstream: { deltasPerSecond: DELTAS_PER_SECOND, answerDeltas: ANSWER_DELTAS, firstTokenMs: [0, 40] },
    load: { connections, streams, rampMs: 2 * streams, opening: 50 },
    warmUpMs: 1000,
    roundMs: pace.long ? 20_000 : 5000,
    rounds: 2,
  };
}
