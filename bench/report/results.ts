/** All samples of a run, and the figures made of them. Owns pairing, ratios and verdicts; prints nothing. */
import type { Machine } from '../machine.ts';
import type { Curves, FigureSpec, Figures } from '../scenario.ts';
import { type Spread, spreadOf } from './statistics.ts';
import type { Target } from './target.ts';

export interface Sample {
  readonly scenario: string;
  readonly subject: string;
  readonly repeat: number;
  /** It took. */
  readonly seconds: number;
  /** In order of time; the last counts, the others show the warm-up. */
  readonly rounds: readonly Figures[];
  readonly curves: Curves;
}

export interface Failure {
  readonly scenario: string;
  readonly subject: string;
  readonly repeat: number;
  readonly reason: string;
}

export interface Results {
  readonly startedAt: string;
  readonly seconds: number;
  readonly repeat: number;
  readonly machine: Machine;
  /** Subject → version. */
  readonly versions: Readonly<Record<string, string>>;
  readonly samples: readonly Sample[];
  readonly failures: readonly Failure[];
}

/** Over the repeats, of the last rounds; null where there is no such figure. */
export function spreadOfFigure(
  results: Results,
  scenario: string,
  subject: string,
  figure: string,
): Spread | null {
  const values = samplesOf(results, scenario, subject).flatMap((sample) => figureOf(sample, figure));
  return values.length === 0 ? null : spreadOf(values);
}

/** Each `subject` ÷ `peer` of the same repeat. */
export function pairedRatios(
  results: Results,
  scenario: string,
  [subject, peer]: readonly [string, string],
  figure: string,
): readonly number[] {
  return pairs(results, scenario, [subject, peer], figure).flatMap(([own, other]) =>
    other === 0 ? [] : [own / other],
  );
}

export type Verdict = 'met' | 'missed' | 'unknown';

export interface Judgement {
  /** What the bound is held against: the figure itself, or its ratio to or its distance from the peer's. */
  readonly measured: Spread | null;
  readonly verdict: Verdict;
}

/** Whether `subject` reaches a target, by its median over the repeats. */
export function judge(
  results: Results,
  scenario: string,
  subject: string,
  spec: FigureSpec,
  target: Target,
): Judgement {
  const measured = judged(results, scenario, subject, spec.name, target);
  if (measured === null || Number.isNaN(measured.median)) return { measured: null, verdict: 'unknown' };
  const { median } = measured;
  const met = target.kind === 'at least' ? median >= target.bound : median <= target.bound;
  return { measured, verdict: met ? 'met' : 'missed' };
}

export function samplesOf(results: Results, scenario: string, subject: string): readonly Sample[] {
  return results.samples.filter((sample) => sample.scenario === scenario && sample.subject === subject);
}

/** In the order in which they came first. */
export function subjectsOf(results: Results, scenario: string): readonly string[] {
  const first = results.samples.filter((sample) => sample.scenario === scenario);
  return [...new Set(first.map(({ subject }) => subject))];
}

function judged(
  results: Results,
  scenario: string,
  subject: string,
  figure: string,
  target: Target,
): Spread | null {
  if (!('peer' in target)) return spreadOfFigure(results, scenario, subject, figure);
  const both = [subject, target.peer] as const;
  const values =
    target.kind === 'times'
      ? pairedRatios(results, scenario, both, figure)
      : pairs(results, scenario, both, figure).map(([own, other]) => own - other);
  return values.length === 0 ? null : spreadOf(values);
}

function pairs(
  results: Results,
  scenario: string,
  [subject, peer]: readonly [string, string],
  figure: string,
): readonly (readonly [number, number])[] {
  const peers = samplesOf(results, scenario, peer);
  return samplesOf(results, scenario, subject).flatMap((sample) => {
    const [own] = figureOf(sample, figure);
    const [other] = peers
      .filter(({ repeat }) => repeat === sample.repeat)
      .flatMap((each) => figureOf(each, figure));
    return own === undefined || other === undefined ? [] : [[own, other] as const];
  });
}

function figureOf({ rounds }: Sample, figure: string): readonly number[] {
  const value = rounds.at(-1)?.[figure];
  // Figures that came as JSON are null where they were NaN.
  return Number.isFinite(value) ? [Number(value)] : [];
}
