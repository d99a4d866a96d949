import { type Distribution, Histogram } from '../histogram.ts';
import { atMost } from '../report/target.ts';
import type { Scenario } from '../scenario.ts';
import type { Round } from '../stage.ts';
import { microsBetween } from '../stamp.ts';
import { SOUNDNESS, soundness } from './soundness.ts';
import { measureSteady, outcomeOf } from './steady.ts';

const CANCEL_AFTER = [1, 40] as const;
const P50 = atMost(2);
const P99 = atMost(10);

export const cancel: Scenario = {
  name: 'cancel',
  summary: '100 streams on 50 sockets, each cancelled after 1 to 40 deltas and started anew',
  subjects: ['relay'],
  figures: [
    { name: 'closedP50', label: 'cancel sent → upstream request closed, p50', unit: 'ms', targets: [P50] },
    { name: 'closedP99', label: 'cancel sent → upstream request closed, p99', unit: 'ms', targets: [P99] },
    { name: 'saidP50', label: '`upstreamClosedMs` of the frame, p50', unit: 'ms', targets: [P50] },
    { name: 'saidP99', label: '`upstreamClosedMs` of the frame, p99', unit: 'ms', targets: [P99] },
    { name: 'roundTripP50', label: 'cancel sent → `cancelled` read, p50', unit: 'ms' },
    { name: 'roundTripP99', label: 'cancel sent → `cancelled` read, p99', unit: 'ms' },
    { name: 'cancelsPerSecond', label: 'cancels', unit: '/s' },
    ...SOUNDNESS,
  ],
  run: async (subject) => {
    const course = await measureSteady(subject, { streams: 100, connections: 50, cancelAfter: CANCEL_AFTER });
    return outcomeOf(course, (round) => {
      const closed = closedBehindCancel(round);
      const { upstreamClosed, cancelRoundTrip } = round.load;
      return {
        closedP50: closed.p50,
        closedP99: closed.p99,
        saidP50: upstreamClosed.p50,
        saidP99: upstreamClosed.p99,
        roundTripP50: cancelRoundTrip.p50,
        roundTripP99: cancelRoundTrip.p99,
        cancelsPerSecond: cancelRoundTrip.count / round.seconds,
        ...soundness(round),
      };
    });
  },
};

/** By stream name: when the client sent its cancel, and when the upstream saw the request closed. */
function closedBehindCancel({ load, upstream }: Round): Distribution {
  const histogram = new Histogram();
  for (const [name, sentAt] of Object.entries(load.cancelSent)) {
    const closedAt = upstream.aborted[name];
    if (closedAt !== undefined) histogram.record(microsBetween(sentAt, closedAt));
  }
  return histogram.summary();
}
