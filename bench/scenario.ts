/** A scenario: a workload, the subjects it makes sense for, and what its figures are. One file each in scenarios/. */
import type { Measured, Round, Workload } from './measure.ts';

/** Figures of one round, by name. */
export type Figures = Readonly<Record<string, number>>;

/** What the relay's figure must keep to: a bound of its own, or one set by a peer in the same run. */
export interface Target {
  readonly kind: 'at most' | 'at least' | 'times nginx' | 'above direct';
  readonly bound: number;
}

export interface FigureSpec {
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  /** Whether a ratio to nginx says something. */
  readonly compared?: boolean;
  readonly target?: Target;
}

export interface Pace {
  /** The long form: more connections, longer rounds. */
  readonly long: boolean;
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly subjects: readonly ('relay' | 'nginx' | 'direct')[];
  workload(pace: Pace): Workload;
  readonly figures: readonly FigureSpec[];
  /** Reads the figures out of one round. */
  read(round: Round, measured: Measured): Figures;
  /** Left out unless asked for by name or `--long`. */
  readonly longOnly?: boolean;
}
