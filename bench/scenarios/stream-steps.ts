/** Streams raised step by step in the same processes: what a delta costs, and how late it is, at each step. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Target } from '../report/target.ts';
import type { FigureSpec, Figures, Outcome } from '../scenario.ts';
import { onStage, type Round } from '../stage.ts';
import type { Subject } from '../subjects/port.ts';
import { SOUNDNESS, soundness } from './soundness.ts';
import { OPENING, rampOf, TRAFFIC } from './traffic.ts';

export interface Steps {
  /** Rising. */
  readonly streams: readonly number[];
  /** The one of them that targets are for. */
  readonly judged: number;
  readonly perConnection: number;
}

const SETTLE_MS = 1000;
/** At the first step, which also warms up. */
const FIRST_SETTLE_MS = 2500;
const ROUND_MS = 2000;
/** Who delivers less of what is due cannot keep up: further steps would only lengthen its queues. */
const LEAST_SERVED = 0.9;

/** Raises until the last step, or until the subject cannot keep up. */
export async function runSteps(subject: Subject, steps: Steps): Promise<Outcome> {
  const { streams, judged, perConnection } = steps;
  return onStage(subject, TRAFFIC, {}, async (stage) => {
    const most = Math.max(...streams);
    const connections = Math.ceil(most / perConnection);
    const load = await stage.load({ name: 'c', connections, perConnection, opening: OPENING });
    await load.connect();
    const rounds = new Map<number, Round>();
    let live = 0;
    for (const step of streams) {
      await load.stream({ streams: step, rampMs: rampOf(step - live) });
      await delay(live === 0 ? FIRST_SETTLE_MS : SETTLE_MS);
      live = step;
      const round = await stage.round(ROUND_MS);
      rounds.set(step, round);
      if (servedOf(step, round) < LEAST_SERVED) break;
    }
    return outcomeOf(rounds, judged);
  });
}

export interface StepTargets {
  readonly cpu?: readonly Target[];
  readonly latencyP50?: readonly Target[];
  readonly latencyP99?: readonly Target[];
}

export function stepFigures(
  { streams, judged }: Pick<Steps, 'streams' | 'judged'>,
  targets: StepTargets,
): readonly FigureSpec[] {
  const held = (step: number, of: readonly Target[] | undefined) =>
    step === judged && of !== undefined ? { targets: of } : {};
  return [
    ...streams.map((n) => ({
      name: `cpu${n}`,
      label: `CPU per delta, ${n} streams`,
      unit: 'µs',
      ...held(n, targets.cpu),
    })),
    ...streams.map((n) => ({
      name: `p50of${n}`,
      label: `delta latency p50, ${n} streams`,
      unit: 'ms',
      ...held(n, targets.latencyP50),
    })),
    ...streams.map((n) => ({
      name: `p99of${n}`,
      label: `delta latency p99, ${n} streams`,
      unit: 'ms',
      ...held(n, targets.latencyP99),
    })),
    ...streams.map((n) => ({
      name: `served${n}`,
      label: `deltas delivered of those due, ${n} streams`,
      unit: '',
    })),
    ...streams.map((n) => ({ name: `rss${n}`, label: `resident memory, peak, ${n} streams`, unit: 'MB' })),
    ...SOUNDNESS,
  ];
}

function outcomeOf(rounds: ReadonlyMap<number, Round>, judged: number): Outcome {
  const figures: Record<string, number> = {};
  for (const [step, round] of rounds) {
    figures[`cpu${step}`] = cpuPerDelta(round);
    figures[`p50of${step}`] = round.load.latency.p50;
    figures[`p99of${step}`] = round.load.latency.p99;
    figures[`served${step}`] = servedOf(step, round);
    figures[`rss${step}`] = round.rssPeakMb;
  }
  const last = [...rounds.values()].at(-1);
  const measured = rounds.get(judged) ?? last;
  if (last === undefined || measured === undefined) return { rounds: [] };
  return {
    rounds: [{ ...figures, ...soundness(measured) } satisfies Figures],
    curves: {
      cpu: [...rounds].map(([step, round]) => [step, cpuPerDelta(round)] as const),
      latency: measured.load.latency.curve,
    },
    faults: last.load.faults,
  };
}

function servedOf(streams: number, { load, seconds }: Round): number {
  return load.deltas / (streams * TRAFFIC.deltasPerSecond * seconds);
}

export function cpuPerDelta({ cpuMicros, load }: Round): number {
  return cpuMicros / Math.max(1, load.deltas);
}
