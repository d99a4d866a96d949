import { setTimeout as delay } from 'node:timers/promises';
import { atMost } from '../report/target.ts';
import type { Outcome, Scenario } from '../scenario.ts';
import { onStage } from '../stage.ts';
import type { Subject } from '../subjects/port.ts';
import { FAULTS, soundness } from './soundness.ts';
import { OPENING, rampOf, TRAFFIC } from './traffic.ts';

const WATCHERS = 100;
const CROWD = 5000;
/** Of the crowd's connections, so many have a live stream to resume. */
const CROWD_STREAMS = 500;
const SETTLE_MS = 1000;
const CALM_MS = 2500;
/** From the moment they are cut: the storm and its end. */
const STORM_MS = 4000;

export const storm: Scenario = {
  name: 'storm',
  summary:
    '5,000 clients, 500 of them with a live stream, lose their connections and come back at once; 100 watch',
  subjects: ['relay'],
  figures: [
    { name: 'seconds', label: 'until the last client was served', unit: 's', targets: [atMost(10)] },
    { name: 'servedP50', label: 'attempt → served, p50', unit: 'ms' },
    { name: 'servedP99', label: 'attempt → served, p99', unit: 'ms' },
    { name: 'refused', label: 'attempts refused and made again', unit: '' },
    { name: 'calmP99', label: 'delta latency p99 of the watchers before', unit: 'ms' },
    { name: 'stormP99', label: 'the same over the four seconds of the storm', unit: 'ms' },
    { name: 'worsened', label: 'p99 of the watchers, in the storm ÷ before', unit: '', targets: [atMost(2)] },
    { name: 'rssPeak', label: 'resident memory, peak', unit: 'MB' },
    FAULTS,
  ],
  run: (subject) => runStorm(subject),
};

async function runStorm(subject: Subject): Promise<Outcome> {
  return onStage(subject, TRAFFIC, {}, async (stage) => {
    const one = { perConnection: 1, opening: OPENING };
    // The first generator is the one whose latencies a round reports.
    const watchers = await stage.load({ ...one, name: 'w', connections: WATCHERS });
    const crowd = await stage.load({ ...one, name: 'c', connections: CROWD });
    await watchers.connect();
    await crowd.connect();
    await watchers.stream({ streams: WATCHERS, rampMs: rampOf(WATCHERS) });
    await crowd.stream({ streams: CROWD_STREAMS, rampMs: rampOf(CROWD_STREAMS) });
    await delay(SETTLE_MS);
    const calm = await stage.round(CALM_MS);
    const [report, stormy] = await Promise.all([crowd.storm(), stage.round(STORM_MS)]);
    const { faults } = await crowd.report();
    const crowdFaults = Object.values(faults).reduce((sum, each) => sum + each, 0);
    const figures = {
      seconds: report.seconds,
      servedP50: report.serving.p50,
      servedP99: report.serving.p99,
      refused: report.refused,
      calmP99: calm.load.latency.p99,
      stormP99: stormy.load.latency.p99,
      worsened: stormy.load.latency.p99 / calm.load.latency.p99,
      rssPeak: stormy.rssPeakMb,
      faults: crowdFaults + (soundness(stormy)['faults'] ?? 0),
    };
    return { rounds: [figures], faults: { ...stormy.load.faults, ...faults } };
  });
}
