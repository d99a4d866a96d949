/** A scenario: what is done to a subject, the subjects it makes sense for, and what its figures are. One file each in scenarios/. */
import type { Target } from './report/target.ts';
import type { SubjectName } from './subjects/all.ts';
import type { Subject } from './subjects/port.ts';

/** Figures of one round, by name. */
export type Figures = Readonly<Record<string, number>>;

/** What a plot is drawn from: name of the curve → its points. */
export type Curve = readonly (readonly [number, number])[];
export type Curves = Readonly<Record<string, Curve>>;

export interface FigureSpec {
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  /** What the relay's figure must keep to. */
  readonly targets?: readonly Target[];
  /** What it must keep to for the run to say anything, of whichever subject. */
  readonly guard?: Target;
}

export interface Outcome {
  /** In order of time; the last counts, the others show the warm-up. */
  readonly rounds: readonly Figures[];
  readonly curves?: Curves;
  /** What clients saw that must not happen → count. */
  readonly faults?: Readonly<Record<string, number>>;
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly subjects: readonly SubjectName[];
  readonly figures: readonly FigureSpec[];
  /** Left out unless asked for by name: how long it takes. */
  readonly byNameOnly?: string;
  run(subject: Subject): Promise<Outcome>;
}
