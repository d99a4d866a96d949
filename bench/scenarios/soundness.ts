/** Figures of every scenario with streams: what shows that a run was sound, and that the relay was the bottleneck. */
import { atLeast, atMost } from '../report/target.ts';
import type { FigureSpec, Figures } from '../scenario.ts';
import type { Round } from '../stage.ts';

/** A generator that is busier than that is late itself; with others on the machine everybody is. */
const MOST_BUSY = atMost(80);
const MOST_OTHERS = atMost(15);

export const FAULTS: FigureSpec = {
  name: 'faults',
  label: 'faults seen by clients',
  unit: '',
  guard: atMost(0),
};

export const SOUNDNESS: readonly FigureSpec[] = [
  { name: 'deltasPerSecond', label: 'deltas delivered', unit: '/s' },
  { name: 'delivered', label: 'deltas delivered of those written', unit: '', guard: atLeast(0.98) },
  { name: 'loadBusy', label: 'load generator', unit: '% of a core', guard: MOST_BUSY },
  { name: 'upstreamBusy', label: 'upstream', unit: '% of a core', guard: MOST_BUSY },
  { name: 'othersBusy', label: 'all else on the machine', unit: '% of a core', guard: MOST_OTHERS },
  FAULTS,
];

export function soundness({ load, upstream, seconds, othersCpuPercent }: Round): Figures {
  const share = (micros: number) => micros / (seconds * 10_000);
  return {
    deltasPerSecond: load.deltas / seconds,
    delivered: load.deltas / Math.max(1, upstream.deltas),
    loadBusy: share(load.cpuMicros),
    upstreamBusy: share(upstream.cpuMicros),
    othersBusy: othersCpuPercent,
    faults: Object.values(load.faults).reduce((sum, each) => sum + each, 0),
  };
}
