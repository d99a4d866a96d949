/**
 * What other relays have used and reserved of a counter, as Postgres said last: the share that this machine's own counts
 * lack while Postgres is down. Bounded; a counter nobody asked for lately is forgotten.
 */
import type { Counter, Standing } from './charges.ts';

const MAX_COUNTERS = 10_000;

export class OtherRelaysUsage {
  readonly #standings = new Map<string, Standing>();

  /** `shared` is Postgres's standing, `own` this machine's at the same moment. */
  learn({ key, period }: Counter, shared: Standing | undefined, own: Standing): void {
    if (shared === undefined) return;
    const name = `${period.name} ${key}`;
    this.#standings.delete(name);
    // A run of ours that ended may still be reserved there: only the sums can be set against each other.
    const all = Math.max(0, shared.used + shared.reserved - own.used - own.reserved);
    const reserved = Math.min(all, Math.max(0, shared.reserved - own.reserved));
    this.#standings.set(name, { used: all - reserved, reserved });
    if (this.#standings.size <= MAX_COUNTERS) return;
    const [oldest] = this.#standings.keys();
    if (oldest !== undefined) this.#standings.delete(oldest);
  }

  with({ key, period }: Counter, own: Standing): Standing {
    const others = this.#standings.get(`${period.name} ${key}`);
    if (others === undefined) return own;
    return { used: own.used + others.used, reserved: own.reserved + others.reserved };
  }
}
