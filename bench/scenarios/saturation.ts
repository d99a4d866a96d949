import { setTimeout as delay } from 'node:timers/promises';
import type { Figures, Outcome, Scenario } from '../scenario.ts';
import { onStage, type Round } from '../stage.ts';
import type { Environment, Subject } from '../subjects/port.ts';
import { FAULTS, soundness } from './soundness.ts';
import { cpuPerDelta } from './stream-steps.ts';
import { OPENING, rampOf, TRAFFIC } from './traffic.ts';

const FIRST = 250;
const DOUBLINGS = 5;
const PER_CONNECTION = 2;
const SETTLE_MS = 2000;
const ROUND_MS = 3000;
/** Later than that is not live any more. */
const LATEST_P99_MS = 250;

/** One round's figures are a step's: the streams double from round to round. */
export const saturation: Scenario = {
  name: 'saturation',
  summary:
    'streams double, two per socket, until deltas come late: the last column that held, and who was busy then',
  byNameOnly: 'about a minute',
  subjects: ['relay', 'bundle'],
  figures: [
    { name: 'streams', label: 'most streams that were served in time', unit: '' },
    { name: 'perCore', label: 'streams for a whole core, at that cost per delta', unit: '' },
    { name: 'cpu', label: 'CPU per delta', unit: 'µs' },
    { name: 'busy', label: 'relay', unit: '% of a core' },
    { name: 'loadBusy', label: 'load generator', unit: '% of a core' },
    { name: 'upstreamBusy', label: 'upstream', unit: '% of a core' },
    { name: 'p99', label: 'delta latency p99', unit: 'ms' },
    { name: 'rss', label: 'resident memory, peak', unit: 'MB' },
    { name: 'rssPerStream', label: 'resident memory per stream beyond the first step', unit: 'KB' },
    { name: 'delivered', label: 'deltas delivered of those written', unit: '' },
    FAULTS,
  ],
  run: (subject) => runSaturation(subject),
};

/** @param nice how far the generator gives way to the subject */
export async function runSaturation(
  subject: Subject,
  environment: Environment = {},
  nice = 0,
): Promise<Outcome> {
  const most = FIRST * 2 ** DOUBLINGS;
  return onStage(subject, TRAFFIC, environment, async (stage) => {
    const connections = most / PER_CONNECTION;
    const load = await stage.load({
      name: 'c',
      connections,
      perConnection: PER_CONNECTION,
      opening: OPENING,
      nice,
    });
    await load.connect();
    const steps: { readonly streams: number; readonly round: Round }[] = [];
    for (let streams = FIRST; streams <= most; streams *= 2) {
      await load.stream({ streams, rampMs: rampOf(streams / 2) });
      await delay(SETTLE_MS);
      const round = await stage.round(ROUND_MS);
      steps.push({ streams, round });
      if (round.load.latency.p99 > LATEST_P99_MS) break;
    }
    const curve = (read: (round: Round) => number) =>
      steps.map(({ streams, round }) => [streams, read(round)] as const);
    return {
      rounds: inTime(steps).map((step) => figuresOf(step, steps[0])),
      curves: {
        busy: curve(busy),
        upstreamBusy: curve((round) => soundness(round)['upstreamBusy'] ?? 0),
        loadBusy: curve((round) => soundness(round)['loadBusy'] ?? 0),
        p99: curve((round) => round.load.latency.p99),
        stepMemory: curve((round) => round.rssPeakMb),
      },
      faults: steps.at(-1)?.round.load.faults ?? {},
    };
  });
}

interface Step {
  readonly streams: number;
  readonly round: Round;
}

function inTime(steps: readonly Step[]): readonly Step[] {
  return steps.filter(({ round }) => round.load.latency.p99 <= LATEST_P99_MS);
}

function figuresOf({ streams, round }: Step, first: Step | undefined): Figures {
  const more = streams - (first?.streams ?? 0);
  const moreMb = round.rssPeakMb - (first?.round.rssPeakMb ?? 0);
  return {
    streams,
    perCore: 1e6 / (cpuPerDelta(round) * TRAFFIC.deltasPerSecond),
    cpu: cpuPerDelta(round),
    busy: busy(round),
    p99: round.load.latency.p99,
    rss: round.rssPeakMb,
    rssPerStream: more === 0 ? Number.NaN : (moreMb * 1000) / more,
    ...soundness(round),
  };
}

function busy({ cpuMicros, seconds }: Round): number {
  return cpuMicros / (seconds * 10_000);
}
