/** The figures of a load when it has ended, as `--json` prints them. */
import { usdOf } from '../pricing/cost.ts';
import type { CostGuard } from './cost-guard.ts';
import type { Percentiles } from './histogram.ts';
import type { EndedBy, LoadShape } from './load-test.ts';
import type { Fault, Meter } from './meter.ts';
import type { SelfReport } from './self-check.ts';

type Counts = Readonly<Record<string, number>>;

export interface LoadFigures {
  readonly url: string;
  readonly transport: string;
  readonly streams: number;
  readonly perSocket: number;
  readonly seconds: number;
  /** Why it ended. */
  readonly stopped: EndedBy;
  readonly questions: {
    readonly started: number;
    readonly answered: number;
    readonly cancelled: number;
    readonly failed: number;
    /** Of those that ended by themselves, 0 to 1. */
    readonly errorShare: number;
  };
  /** Failed questions by code. */
  readonly errors: Counts;
  /** Whole answers by transport: another than was asked for is the operator's switch, or a network that blocks it. */
  readonly answeredBy: Counts;
  /** From the question to the first text, as who asks has it. */
  readonly firstTokenMs: Percentiles;
  readonly wholeAnswerMs: Percentiles;
  /** From the opening of a socket until it can be used. */
  readonly connectingMs: Percentiles;
  /** From the loss of a connection until a stream went on. */
  readonly resumingMs: Percentiles;
  readonly deltas: number;
  /** In half of the seconds more, in half of them less. */
  readonly deltasPerSecond: number;
  readonly bytes: number;
  readonly resumes: number;
  readonly reconnects: number;
  /** Connections that were cut on purpose. */
  readonly cuts: number;
  /** By status; `none`: no answer came. */
  readonly refusedHandshakes: Counts;
  readonly closeCodes: Counts;
  readonly faults: Readonly<Record<Fault, number>>;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Null where the simulated model answered. */
  readonly costUsd: number | null;
  readonly generator: SelfReport;
}

export interface Measured {
  readonly shape: LoadShape;
  readonly meter: Meter;
  readonly guard: CostGuard;
  /** Deltas of each second while questions were asked. */
  readonly deltasBySecond: readonly number[];
  readonly seconds: number;
  readonly stopped: EndedBy;
  readonly simulated: boolean;
  readonly generator: SelfReport;
}

export function figuresOf(measured: Measured): LoadFigures {
  const { shape, meter, guard, deltasBySecond, seconds, stopped, simulated, generator } = measured;
  const { started, answered, cancelled, failed, errorShare } = meter;
  return {
    url: shape.url,
    transport: shape.transport,
    streams: shape.streams,
    perSocket: shape.perSocket,
    seconds: Math.round(seconds * 10) / 10,
    stopped,
    questions: { started, answered, cancelled, failed, errorShare },
    errors: meter.errors,
    answeredBy: meter.answeredBy,
    firstTokenMs: meter.firstToken.summary(),
    wholeAnswerMs: meter.wholeAnswer.summary(),
    connectingMs: meter.connecting.summary(),
    resumingMs: meter.resuming.summary(),
    deltas: meter.allDeltas,
    deltasPerSecond: median(deltasBySecond) ?? Math.round(meter.allDeltas / seconds),
    bytes: meter.allBytes,
    resumes: meter.resumes,
    reconnects: meter.reconnects,
    cuts: meter.cuts,
    refusedHandshakes: meter.refusedHandshakes,
    closeCodes: meter.closeCodes,
    faults: meter.faults,
    inputTokens: guard.inputTokens,
    outputTokens: guard.outputTokens,
    costUsd: simulated ? null : usdOf(guard.spentPico),
    generator,
  };
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
