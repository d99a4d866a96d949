/** All samples of a run, and the figures made of them. Owns medians, spreads, ratios and verdicts; prints nothing. */
import type { Machine } from './machine.ts';
import type { FigureSpec, Figures, Scenario, Target } from './scenario.ts';

export interface Sample {
  readonly scenario: string;
  readonly subject: string;
  readonly repeat: number;
  /** In order of time; the last counts, the others show the warm-up. */
  readonly rounds: readonly Figures[];
}

export interface Failure {
  readonly scenario: string;
  readonly subject: string;
  readonly reason: string;
}

export interface Results {
  readonly startedAt: string;
  readonly seconds: number;
  readonly long: boolean;
  readonly repeat: number;
  readonly machine: Machine;
  /** Subject → version. */
  readonly versions: Readonly<Record<string, string>>;
  readonly samples: readonly Sample[];
  readonly failures: readonly Failure[];
}

export interface Cell {
  readonly first: number;
  /** Median over the repeats of the last rounds, and their range. */
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function cellOf(results: Results, scenario: string, subject: string, figure: string): Cell | null {
  const samples = samplesOf(results, scenario, subject);
  if (samples.length === 0) return null;
  const last = samples.map((sample) => sample.rounds.at(-1)?.[figure] ?? Number.NaN);
  const first = samples.map((sample) => sample.rounds[0]?.[figure] ?? Number.NaN);
  return { first: median(first), median: median(last), low: Math.min(...last), high: Math.max(...last) };
}

/** Median over the repeats of `subject` ÷ nginx, each pair of the same repeat. */
export function ratioToNginx(
  results: Results,
  scenario: string,
  subject: string,
  figure: string,
): number | null {
  const ratios = samplesOf(results, scenario, subject).flatMap(({ repeat, rounds }) => {
    const peer = samplesOf(results, scenario, 'nginx').find((sample) => sample.repeat === repeat);
    const [own, other] = [rounds.at(-1)?.[figure], peer?.rounds.at(-1)?.[figure]];
    return own === undefined || other === undefined || other === 0 ? [] : [own / other];
  });
  return ratios.length === 0 ? null : median(ratios);
}

export type Verdict = 'met' | 'missed' | 'unknown';

/** Whether `subject` reaches the figure's target; null where there is none. */
export function verdictOf(
  results: Results,
  scenario: Scenario,
  subject: string,
  spec: FigureSpec,
): Verdict | null {
  const { target } = spec;
  if (target === undefined) return null;
  const value = judgedValue(results, scenario.name, subject, spec.name, target.kind);
  if (value === null || Number.isNaN(value)) return 'unknown';
  const met = target.kind === 'at least' ? value >= target.bound : value <= target.bound;
  return met ? 'met' : 'missed';
}

function judgedValue(
  results: Results,
  scenario: string,
  subject: string,
  figure: string,
  kind: Target['kind'],
): number | null {
  if (kind === 'times nginx') return ratioToNginx(results, scenario, subject, figure);
  const own = cellOf(results, scenario, subject, figure)?.median ?? null;
  if (kind !== 'above direct') return own;
  const floor = cellOf(results, scenario, 'direct', figure)?.median ?? null;
  return own === null || floor === null ? null : own - floor;
}

function samplesOf(results: Results, scenario: string, subject: string): readonly Sample[] {
  return results.samples.filter((sample) => sample.scenario === scenario && sample.subject === subject);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
