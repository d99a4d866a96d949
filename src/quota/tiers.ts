/** Tiers as plans name them: as they are, or all that begin alike (`school_*`). All in lower case. */
import * as z from 'zod';

/** Alone the star would mean every tier, also those that nobody thought of: these are `free`, and told of. */
export const tierName = z
  .string()
  .max(64)
  .regex(/^[^*]+\*?$/, 'must be a name, or the beginning of names and a * at its end, such as school_*');

/** What each tier means: by its own name, else by the longest beginning of it that is there. */
export class TierMap<Meaning> {
  readonly #exact = new Map<string, Meaning>();
  /** Longest first. */
  #beginnings: readonly (readonly [beginning: string, Meaning])[] = [];

  /** @param tier by `tierName` */
  set(tier: string, meaning: Meaning): void {
    if (!tier.endsWith('*')) return void this.#exact.set(tier, meaning);
    const all = [...this.#beginnings, [tier.slice(0, -1), meaning] as const];
    this.#beginnings = all.toSorted(([one], [other]) => other.length - one.length);
  }

  get(tier: string): Meaning | undefined {
    return this.#exact.get(tier) ?? this.#beginnings.find(([beginning]) => tier.startsWith(beginning))?.[1];
  }
}
