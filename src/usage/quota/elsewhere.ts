/**
 * What other relays have used of a counter, as Postgres said last: the share that this machine's own counts lack while
 * Postgres is down. Bounded; a counter nobody asked for lately is forgotten.
 */
import type { Counter, Standing } from './charges.ts';

const MAX_COUNTERS = 10_000;

export class Elsewhere {
  readonly #used = new Map<string, number>();

  /** `shared` is Postgres's standing, `own` this machine's at the same moment. */
  learn({ key, period }: Counter, shared: Standing | undefined, own: Standing): void {
    if (shared === undefined) return;
    const name = `${period.name} ${key}`;
    this.#used.delete(name);
    this.#used.set(name, Math.max(0, shared.used + shared.reserved - own.used - own.reserved));
    if (this.#used.size <= MAX_COUNTERS) return;
    const [oldest] = this.#used.keys();
    if (oldest !== undefined) this.#used.delete(oldest);
  }

  with({ key, period }: Counter, own: Standing): Standing {
    return { used: own.used + (this.#used.get(`${period.name} ${key}`) ?? 0), reserved: own.reserved };
  }
}
