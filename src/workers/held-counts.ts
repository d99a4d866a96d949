/** What each worker holds of the limits that all count together, as the parent keeps it for those that begin later. */
import type { Counts } from './messages.ts';

export class HeldCounts {
  readonly #byWorker = new Map<number, Map<string, Map<string, number>>>();

  took(from: number, { held }: Counts): void {
    const limits = this.#byWorker.get(from) ?? new Map<string, Map<string, number>>();
    this.#byWorker.set(from, limits);
    for (const [limit, byKey] of Object.entries(held)) {
      const counts = limits.get(limit) ?? new Map<string, number>();
      limits.set(limit, counts);
      for (const [key, count] of Object.entries(byKey))
        if (count === 0) counts.delete(key);
        else counts.set(key, count);
    }
  }

  forget(worker: number): void {
    this.#byWorker.delete(worker);
  }

  *all(): Generator<readonly [worker: number, counts: Counts]> {
    for (const [worker, limits] of this.#byWorker) {
      const held = Object.fromEntries(
        [...limits].map(([limit, counts]) => [limit, Object.fromEntries(counts)]),
      );
      yield [worker, { held, taken: {} }];
    }
  }
}
