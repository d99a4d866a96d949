/** The days and months in which quotas are counted, all in UTC. */

export type PeriodKind = 'day' | 'month';

export interface Period {
  readonly kind: PeriodKind;
  /** `2026-11-22` or `2026-11`. Of the same kind, later ones sort after earlier ones. */
  readonly name: string;
  /** Unix ms: when the next one begins. */
  readonly resetsAt: number;
}

interface Computed {
  readonly beginsAt: number;
  readonly period: Period;
}

/** The last one asked for of each kind: nearly all that follow are in it, and share the object. */
const latest = new Map<PeriodKind, Computed>();

/** The day or month of an instant (Unix ms). */
export function periodAt(kind: PeriodKind, at: number): Period {
  const last = latest.get(kind);
  if (last !== undefined && at >= last.beginsAt && at < last.period.resetsAt) return last.period;
  const computed = compute(kind, at);
  latest.set(kind, computed);
  return computed.period;
}

function compute(kind: PeriodKind, at: number): Computed {
  const date = new Date(at);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const [beginsAt, resetsAt] =
    kind === 'day'
      ? [Date.UTC(year, month, day), Date.UTC(year, month, day + 1)]
      : [Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)];
  const name = date.toISOString().slice(0, kind === 'day' ? 10 : 7);
  return { beginsAt, period: { kind, name, resetsAt } };
}
