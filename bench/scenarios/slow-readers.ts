import { setTimeout as delay } from 'node:timers/promises';
import { atMost } from '../report/target.ts';
import type { Outcome, Scenario } from '../scenario.ts';
import { onStage } from '../stage.ts';
import type { Subject } from '../subjects/port.ts';
import { FAULTS, soundness } from './soundness.ts';
import { OPENING, rampOf, TRAFFIC } from './traffic.ts';

const FAST = 200;
const SLOW = 100;
const SLOW_READS = 1024;
/** Ten times the usual: what piles up for them in seconds is as much as in a minute of usual speed. */
const SLOW_PACE = 250;
const SETTLE_MS = 1500;
const PILE_UP_MS = 4000;
const ROUND_MS = 2500;

export const slowReaders: Scenario = {
  name: 'slow-readers',
  summary: `${FAST} streams; then ${SLOW} more clients, whose streams run at ${SLOW_PACE} deltas/s and who read 1 KiB/s`,
  subjects: ['relay'],
  figures: [
    { name: 'aloneP99', label: 'delta latency p99 of the others before', unit: 'ms' },
    { name: 'besideP99', label: 'the same beside them', unit: 'ms' },
    { name: 'worsened', label: 'p99 of the others, beside them ÷ before', unit: '', targets: [atMost(2)] },
    { name: 'heldKb', label: 'resident memory more, per slow reader', unit: 'KB' },
    FAULTS,
  ],
  run: (subject) => runSlowReaders(subject),
};

async function runSlowReaders(subject: Subject): Promise<Outcome> {
  return onStage(subject, TRAFFIC, {}, async (stage) => {
    const fast = await stage.load({ name: 'f', connections: FAST, perConnection: 1, opening: OPENING });
    await fast.connect();
    await fast.stream({ streams: FAST, rampMs: rampOf(FAST) });
    await delay(SETTLE_MS);
    const alone = await stage.round(ROUND_MS);
    const slow = await stage.load({
      name: 's',
      connections: SLOW,
      perConnection: 1,
      opening: OPENING,
      deltasPerSecond: SLOW_PACE,
      readBytesPerSecond: SLOW_READS,
    });
    await slow.connect();
    await slow.stream({ streams: SLOW, rampMs: rampOf(SLOW) });
    await delay(PILE_UP_MS);
    const beside = await stage.round(ROUND_MS);
    const figures = {
      aloneP99: alone.load.latency.p99,
      besideP99: beside.load.latency.p99,
      worsened: beside.load.latency.p99 / alone.load.latency.p99,
      heldKb: ((beside.rssPeakMb - alone.rssPeakMb) * 1000) / SLOW,
      faults: soundness(beside)['faults'] ?? 0,
    };
    return { rounds: [figures], faults: beside.load.faults };
  });
}
