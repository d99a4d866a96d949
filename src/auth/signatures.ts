/**
 * Verifies signatures, and remembers which token was proven by which key: clients reconnect with the token they
 * hold, often all at once, and a signature costs a hundred times what the rest of a token does.
 *
 * Only the signature is remembered, under the token's SHA-256. Claims are judged anew each time, and a key that left
 * the key set proves nothing any more. jose verifies in the thread pool: over node:crypto's synchronous `verify` that
 * costs a quarter more CPU in all, but 18 µs instead of 84 µs of the event loop that live streams share; over its
 * asynchronous one, nothing worth writing the checks ourselves.
 */
import { hash } from 'node:crypto';
import { compactVerify } from 'jose/jws/compact/verify';
import type { VerificationKey } from './verification-key.ts';

export class Signatures {
  /** Token digest → the key that proved it. When `#recent` is full it becomes `#older`: forgetting costs no search. */
  #recent = new Map<string, VerificationKey>();
  #older = new Map<string, VerificationKey>();
  readonly #generation: number;

  /** Remembers two generations of at most so many tokens each: about 1 MB for both. */
  constructor(generation = 5_000) {
    this.#generation = generation;
  }

  /** Whether `key` signed `token`. */
  async holds(token: string, key: VerificationKey): Promise<boolean> {
    const digest = hash('sha256', token, 'base64url');
    if (this.#recent.get(digest) === key) return true;
    const held = this.#older.get(digest) === key || (await verifies(token, key));
    if (held) this.#remember(digest, key);
    return held;
  }

  #remember(digest: string, key: VerificationKey): void {
    if (this.#recent.size >= this.#generation) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(digest, key);
  }
}

/** Any objection of jose's counts as "no": the token stays refused, whatever the reason. */
async function verifies(token: string, key: VerificationKey): Promise<boolean> {
  return compactVerify(token, key.material, { algorithms: [key.alg] }).then(
    () => true,
    () => false,
  );
}
