/** How the load generator itself is doing: where it has no time, what it measures is its own slowness. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

/** How often the delay of the event loop is sampled, ms; it is part of each sample. */
const SAMPLE_MS = 10;
/** A figure is off by so much where one in a hundred turns is later than this, ms. */
const MOST_LAG_MS = 100;
/** A share of one core. */
const MOST_UTILIZATION = 0.9;

export interface SelfReport {
  /** How late the event loop was, ms: half of the time, one time in a hundred, and at most. */
  readonly lagMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** The share of the time in which the event loop was busy, 0 to 1. */
  readonly utilization: number;
  /** It was too slow for what it was to do: the figures say nothing about the relay. */
  readonly isBottleneck: boolean;
}

export interface SelfCheck {
  /** How late the event loop was in the latest second at most, ms. */
  takeLagMs(): number;
  report(): SelfReport;
  stop(): void;
}

export function startSelfCheck(): SelfCheck {
  const begun = performance.eventLoopUtilization();
  const whole = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  const latest = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  whole.enable();
  latest.enable();
  return {
    takeLagMs() {
      const lag = lagOf(latest.max);
      latest.reset();
      return lag;
    },
    report() {
      const { utilization } = performance.eventLoopUtilization(begun);
      const lagMs = {
        p50: lagOf(whole.percentile(50)),
        p99: lagOf(whole.percentile(99)),
        max: lagOf(whole.max),
      };
      const isBottleneck = lagMs.p99 > MOST_LAG_MS || utilization > MOST_UTILIZATION;
      return { lagMs, utilization: Math.round(utilization * 1000) / 1000, isBottleneck };
    },
    stop() {
      whole.disable();
      latest.disable();
    },
  };
}

function lagOf(nanoseconds: number): number {
  return Math.max(0, Math.round(nanoseconds / 1e5 - 10 * SAMPLE_MS) / 10);
}
