import { setTimeout as delay } from 'node:timers/promises';
import { atMost } from '../report/target.ts';
import type { Outcome, Scenario } from '../scenario.ts';
import { onStage, type Round } from '../stage.ts';
import type { Subject } from '../subjects/port.ts';
import { FAULTS, soundness } from './soundness.ts';
import { OPENING, rampOf, TRAFFIC } from './traffic.ts';

const WATCHED = 200;
const BESIDE = 100;
const SLOW_READS = 1024;
/** Ten times the usual: what piles up for a slow reader in seconds is as much as in a minute of usual speed. */
const PACE = 250;
const PILE_UP_MS = 4000;
const ROUND_MS = 2000;

export const slowReaders: Scenario = {
  name: 'slow-readers',
  summary: `${WATCHED} streams beside ${BESIDE} that run at ${PACE} deltas/s, whose clients keep up, or read 1 KiB/s`,
  subjects: ['relay'],
  figures: [
    { name: 'keptUpP99', label: 'delta latency p99 beside clients that keep up', unit: 'ms' },
    { name: 'slowP99', label: 'the same beside slow ones', unit: 'ms' },
    {
      name: 'worsened',
      label: 'p99 beside slow clients ÷ beside those that keep up',
      unit: '',
      targets: [atMost(2)],
    },
    { name: 'heldKb', label: 'resident memory more, per slow reader', unit: 'KB' },
    FAULTS,
  ],
  run: runSlowReaders,
};

/** The same load twice: only whether it is read differs. */
async function runSlowReaders(subject: Subject): Promise<Outcome> {
  const keptUp = await measureBeside(subject, {});
  const slow = await measureBeside(subject, { readBytesPerSecond: SLOW_READS });
  const figures = {
    keptUpP99: keptUp.load.latency.p99,
    slowP99: slow.load.latency.p99,
    worsened: slow.load.latency.p99 / keptUp.load.latency.p99,
    heldKb: ((slow.rssPeakMb - keptUp.rssPeakMb) * 1000) / BESIDE,
    faults: soundness(slow)['faults'] ?? 0,
  };
  return { rounds: [figures], faults: slow.load.faults };
}

async function measureBeside(
  subject: Subject,
  reading: { readonly readBytesPerSecond?: number },
): Promise<Round> {
  return onStage(subject, TRAFFIC, {}, async (stage) => {
    const one = { perConnection: 1, opening: OPENING };
    // The first generator is the one whose latencies a round reports.
    const watched = await stage.load({ ...one, name: 'w', connections: WATCHED });
    const beside = await stage.load({
      ...one,
      ...reading,
      name: 'b',
      connections: BESIDE,
      deltasPerSecond: PACE,
    });
    await watched.connect();
    await beside.connect();
    await watched.stream({ streams: WATCHED, rampMs: rampOf(WATCHED) });
    await beside.stream({ streams: BESIDE, rampMs: rampOf(BESIDE) });
    await delay(PILE_UP_MS);
    return stage.round(ROUND_MS);
  });
}
