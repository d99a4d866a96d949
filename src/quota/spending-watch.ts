/** Tells the operator how the daily budget refuses starts: once for each day and figure, not once for each start. */
import type { Shortage } from './verdict.ts';

export interface BudgetEvent {
  readonly day: string;
  readonly limitUsd: number;
}

export interface BudgetEvents {
  /** It is spent: starts are refused until the next day. */
  readonly onBudgetSpent: (event: BudgetEvent) => void;
  /** Live runs hold the rest of it: starts have to wait for them. */
  readonly onBudgetReserved: (event: BudgetEvent) => void;
}

export class SpendingWatch {
  readonly #events: BudgetEvents;
  /** The days that were told of, each with the figure: one that is raised may be used up as well. */
  readonly #told: Record<Shortage['by'], string> = { used: '', reserved: '' };

  constructor(events: BudgetEvents) {
    this.#events = events;
  }

  /** A start was refused for that. */
  refused({ counter: { of, period, limit }, by }: Shortage): void {
    const budget = `${period.name} ${limit}`;
    if (of !== 'spending' || this.#told[by] === budget) return;
    this.#told[by] = budget;
    const event = { day: period.name, limitUsd: (limit ?? 0) / 1e6 };
    if (by === 'used') this.#events.onBudgetSpent(event);
    else this.#events.onBudgetReserved(event);
  }
}
