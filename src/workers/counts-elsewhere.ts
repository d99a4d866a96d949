/**
 * Limits of a machine that several workers count together: each tells the others what changed, at once where it has told
 * nothing just before, and some hundred times a second at most. What comes to several of them meanwhile, each judges by what
 * it knows: of a crowd within those few milliseconds each may let in as many as are left.
 */
import type { Clock, Timer } from '../time/clock.ts';
import type { Counts } from './messages.ts';
import type { HeldElsewhere, SharedLimits, TakenElsewhere } from './port.ts';

/** From one telling to the next, ms: what changes meanwhile is told together. */
const GATHER_MS = 10;

export class CountsElsewhere implements SharedLimits {
  readonly #clock: Clock;
  readonly #tell: (counts: Counts) => void;
  readonly #held = new Map<string, HeldOfOthers>();
  readonly #onTaken = new Map<string, (key: string, count: number) => void>();
  #changed: NestedCounts = {};
  #took: NestedCounts = {};
  #telling: Timer | undefined;
  /** Monotonic ms. */
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, tell: (counts: Counts) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  held(limit: string): HeldElsewhere {
    const others = this.#othersOf(limit);
    return {
      of: (key) => others.of(key),
      changed: (key, count) => {
        const counts = countsOf(this.#changed, limit);
        counts[key] = count;
        this.#tellSoon();
      },
    };
  }

  taken(limit: string): TakenElsewhere {
    return {
      took: (key) => {
        const counts = countsOf(this.#took, limit);
        counts[key] = (counts[key] ?? 0) + 1;
        this.#tellSoon();
      },
      onTaken: (listener) => void this.#onTaken.set(limit, listener),
    };
  }

  /** @param counts null: that worker has ended */
  hear(from: number, counts: Counts | null): void {
    if (counts === null) {
      for (const others of this.#held.values()) others.forget(from);
      return;
    }
    for (const [limit, byKey] of Object.entries(counts.held)) this.#othersOf(limit).hear(from, byKey);
    for (const [limit, byKey] of Object.entries(counts.taken))
      for (const [key, count] of Object.entries(byKey)) this.#onTaken.get(limit)?.(key, count);
  }

  #othersOf(limit: string): HeldOfOthers {
    const known = this.#held.get(limit) ?? new HeldOfOthers();
    this.#held.set(limit, known);
    return known;
  }

  #tellSoon(): void {
    if (this.#telling !== undefined) return;
    const dueAt = this.#toldAt + GATHER_MS;
    this.#telling = this.#clock.after(Math.max(0, dueAt - this.#clock.elapsed()), () => {
      this.#telling = undefined;
      this.#toldAt = this.#clock.elapsed();
      this.#tell({ held: this.#changed, taken: this.#took });
      this.#changed = {};
      this.#took = {};
    });
  }
}

type NestedCounts = Record<string, Record<string, number>>;

/** Keys are names of users and addresses: none is one of an object's own. */
function countsOf(nested: NestedCounts, limit: string): Record<string, number> {
  const counts = nested[limit] ?? (Object.create(null) as Record<string, number>);
  nested[limit] = counts;
  return counts;
}

/** By worker and key, and the sums. */
class HeldOfOthers {
  readonly #byWorker = new Map<number, Map<string, number>>();
  readonly #sums = new Map<string, number>();

  of(key: string): number {
    return this.#sums.get(key) ?? 0;
  }

  hear(from: number, byKey: Readonly<Record<string, number>>): void {
    const own = this.#byWorker.get(from) ?? new Map<string, number>();
    this.#byWorker.set(from, own);
    for (const [key, count] of Object.entries(byKey)) {
      this.#add(key, count - (own.get(key) ?? 0));
      if (count === 0) own.delete(key);
      else own.set(key, count);
    }
  }

  forget(from: number): void {
    for (const [key, count] of this.#byWorker.get(from) ?? []) this.#add(key, -count);
    this.#byWorker.delete(from);
  }

  #add(key: string, by: number): void {
    const sum = this.of(key) + by;
    if (sum === 0) this.#sums.delete(key);
    else this.#sums.set(key, sum);
  }
}
