/** What was read of users lately. Bounded: the one that was used the longest ago goes first. Owns no clock. */
import type { Identity } from '../auth/port.ts';

export interface CachedIdentity {
  /** Null: there is no row. */
  readonly identity: Identity | null;
  /** Monotonic ms. */
  readonly readAt: number;
  /** Until when nobody asks again, monotonic ms. */
  readonly freshUntil: number;
}

export class IdentityCache {
  readonly #entries = new Map<string, CachedIdentity>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(userId: string): CachedIdentity | undefined {
    const entry = this.#entries.get(userId);
    if (entry !== undefined) this.set(userId, entry);
    return entry;
  }

  set(userId: string, entry: CachedIdentity): void {
    this.#entries.delete(userId);
    this.#entries.set(userId, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#most && oldest !== undefined) this.#entries.delete(oldest);
  }

  /** Forgets what was read before that instant. */
  forgetBefore(instant: number): void {
    for (const [userId, { readAt }] of this.#entries) if (readAt < instant) this.#entries.delete(userId);
  }
}
