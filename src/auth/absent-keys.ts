/** Key ids that the issuer was asked for lately and does not have: nobody asks it again for those. Bounded. */
import type { SignatureAlgorithm } from './verification-key.ts';

/** How long its word holds, ms. */
const HOLDS_MS = 30_000;
/** Their ids are at most 256 characters long. */
const MOST = 1000;

export class AbsentKeys {
  /** When the issuer was asked, monotonic ms; oldest first. */
  readonly #askedAt = new Map<string, number>();

  has(alg: SignatureAlgorithm, kid: string, now: number): boolean {
    const askedAt = this.#askedAt.get(`${alg} ${kid}`);
    return askedAt !== undefined && now - askedAt < HOLDS_MS;
  }

  add(alg: SignatureAlgorithm, kid: string, now: number): void {
    const name = `${alg} ${kid}`;
    this.#askedAt.delete(name);
    this.#askedAt.set(name, now);
    const [oldest] = this.#askedAt.keys();
    if (this.#askedAt.size > MOST && oldest !== undefined) this.#askedAt.delete(oldest);
  }
}
