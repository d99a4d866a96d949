/** Figures of every scenario whose streams run at a steady pace: CPU, latency, and what shows the run was sound. */
import type { Round } from '../measure.ts';
import type { FigureSpec, Figures, Target } from '../scenario.ts';
import { atMost } from '../target.ts';

export const SOUNDNESS: readonly FigureSpec[] = [
  { name: 'deltasPerSecond', label: 'deltas delivered', unit: '/s' },
  {
    name: 'delivered',
    label: 'deltas delivered of those written',
    unit: '',
    target: { kind: 'at least', bound: 0.99 },
  },
  { name: 'loadCpu', label: "load generator's own CPU per delta", unit: 'µs' },
  { name: 'upstreamCpu', label: "upstream's CPU per delta", unit: 'µs' },
  { name: 'othersCpu', label: 'CPU taken by others meanwhile', unit: '% of a core' },
  { name: 'faults', label: 'faults seen by clients', unit: '', target: atMost(0) },
];

export function soundness(round: Round): Figures {
  const { load, upstream, seconds } = round;
  return {
    deltasPerSecond: load.deltas / seconds,
    delivered: load.deltas / Math.max(1, upstream.deltas),
    loadCpu: load.cpuMicros / Math.max(1, load.deltas),
    upstreamCpu: upstream.cpuMicros / Math.max(1, upstream.deltas),
    othersCpu: round.othersCpuPercent,
    faults: Object.values(load.faults).reduce((sum, each) => sum + each, 0),
  };
}

export function streamingFigures(round: Round): Figures {
  const { load } = round;
  return {
    cpu: round.cpuMicros / Math.max(1, load.deltas),
    latencyP50: load.latency.p50,
    latencyP99: load.latency.p99,
    rssPeak: round.rssPeakMb,
    startsPerSecond: load.starts / round.seconds,
    deltasPerChunk: load.deltas / Math.max(1, load.chunks),
    ...soundness(round),
  };
}

export interface StreamingTargets {
  readonly cpu?: Target;
  readonly latencyP50: Target;
  readonly latencyP99: Target;
}

export function streamingSpecs({ cpu, latencyP50, latencyP99 }: StreamingTargets): readonly FigureSpec[] {
  const cpuTarget = cpu === undefined ? {} : { target: cpu };
  return [
    { name: 'cpu', label: 'CPU per delta', unit: 'µs', compared: true, ...cpuTarget },
    { name: 'latencyP50', label: 'delta latency p50', unit: 'ms', compared: true, target: latencyP50 },
    { name: 'latencyP99', label: 'delta latency p99', unit: 'ms', compared: true, target: latencyP99 },
    { name: 'rssPeak', label: 'resident memory, peak', unit: 'MB', compared: true },
    { name: 'startsPerSecond', label: 'streams started', unit: '/s' },
    { name: 'deltasPerChunk', label: 'deltas per frame or read', unit: '' },
    ...SOUNDNESS,
  ];
}
