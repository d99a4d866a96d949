/** Tells the operator that the daily budget is spent: once for each day, not once for each start it refuses. */
import type { Counter } from './charges.ts';

export type OnBudgetSpent = (event: { readonly day: string; readonly limitUsd: number }) => void;

export class SpendingWatch {
  readonly #onBudgetSpent: OnBudgetSpent;
  #toldDay = '';

  constructor(onBudgetSpent: OnBudgetSpent) {
    this.#onBudgetSpent = onBudgetSpent;
  }

  /** A start was refused by that counter. */
  refused({ of, period, limit }: Counter): void {
    if (of !== 'spending' || this.#toldDay === period.name) return;
    this.#toldDay = period.name;
    this.#onBudgetSpent({ day: period.name, limitUsd: (limit ?? 0) / 1e6 });
  }
}
