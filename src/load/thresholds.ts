/** What the figures of a load must keep to, so that a script can tell by the exit code. */
import type { LoadFigures } from './figures.ts';

/** Null: whatever it is. */
export interface Limits {
  readonly maxFirstTokenP95Ms: number | null;
  /** 0 to 1. */
  readonly maxErrorShare: number | null;
  readonly minDeltasPerSecond: number | null;
}

export interface Threshold {
  /** The option that sets it; `answers` always holds. */
  readonly name: 'answers' | '--max-first-token-p95' | '--max-errors' | '--min-deltas';
  /** What was, and what had to be, for people. */
  readonly text: string;
  readonly holds: boolean;
}

export function thresholdsOf(figures: LoadFigures, limits: Limits): Threshold[] {
  const { maxFirstTokenP95Ms, maxErrorShare, minDeltasPerSecond } = limits;
  const thresholds = [answers(figures)];
  if (maxFirstTokenP95Ms !== null) {
    const { p95 } = figures.firstTokenMs;
    thresholds.push({
      name: '--max-first-token-p95',
      text: `${p95 ?? 'no'} ms, at most ${maxFirstTokenP95Ms}`,
      holds: p95 !== null && p95 <= maxFirstTokenP95Ms,
    });
  }
  if (maxErrorShare !== null)
    thresholds.push({
      name: '--max-errors',
      text: `${percent(figures.questions.errorShare)}, at most ${percent(maxErrorShare)}`,
      holds: figures.questions.errorShare <= maxErrorShare,
    });
  if (minDeltasPerSecond !== null)
    thresholds.push({
      name: '--min-deltas',
      text: `${figures.deltasPerSecond} a second, at least ${minDeltasPerSecond}`,
      holds: figures.deltasPerSecond >= minDeltasPerSecond,
    });
  return thresholds;
}

/** Some were answered, and all of them whole: nothing that a limit could allow otherwise. */
function answers({ questions, faults }: LoadFigures): Threshold {
  const { missing, doubled, incomplete } = faults;
  const whole = missing + doubled + incomplete === 0;
  const text = whole
    ? `${questions.answered}, all of them whole`
    : `${missing} deltas missing, ${doubled} doubled, ${incomplete} texts incomplete`;
  return { name: 'answers', text, holds: whole && questions.answered > 0 };
}

export function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100}%`;
}
