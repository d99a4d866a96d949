/** The days and months in which quotas are counted, all in UTC. */

export type PeriodKind = 'day' | 'month';

export interface Period {
  readonly kind: PeriodKind;
  /** `2026-11-22` or `2026-11`. Of the same kind, later ones sort behind earlier ones. */
  readonly name: string;
  /** Unix ms: when the next one begins. */
  readonly resetsAt: number;
}

/** The day or month of an instant (Unix ms). */
export function periodAt(kind: PeriodKind, at: number): Period {
  const date = new Date(at);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const iso = date.toISOString();
  return kind === 'day'
    ? { kind, name: iso.slice(0, 10), resetsAt: Date.UTC(year, month, day + 1) }
    : { kind, name: iso.slice(0, 7), resetsAt: Date.UTC(year, month + 1, 1) };
}
