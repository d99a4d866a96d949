/**
 * Verifies signatures, and remembers which token was proven by which key: clients reconnect with the token they
 * hold, often all at once, and a signature costs a hundred times what the rest of a token does.
 *
 * Only the signature is remembered, under the token's SHA-256. Claims are judged anew each time, and a key that left
 * the key set proves nothing any more. Signatures of the issuer's keys are verified by node:crypto in the thread pool:
 * docs/decisions/0015-signatures-in-the-pool.md has what that costs beside jose, and beside this thread.
 */
import { hash, type KeyObject, verify } from 'node:crypto';
import { compactVerify } from 'jose/jws/compact/verify';
import type { SignatureAlgorithm, VerificationKey } from './verification-key.ts';

export class Signatures {
  /** Token digest → the key that proved it. When `#recent` is full it becomes `#older`: forgetting costs no search. */
  #recent = new Map<string, VerificationKey>();
  #older = new Map<string, VerificationKey>();
  readonly #generation: number;

  /** Remembers two generations of at most so many tokens each: about 1 MB for both. */
  constructor(generation = 5_000) {
    this.#generation = generation;
  }

  /** Whether `key` signed `token`: known at once where it was proven before. */
  holds(token: string, key: VerificationKey): boolean | Promise<boolean> {
    const digest = hash('sha256', token, 'base64url');
    if (this.#recent.get(digest) === key) return true;
    if (this.#older.get(digest) !== key) return this.#prove(digest, token, key);
    this.#remember(digest, key);
    return true;
  }

  async #prove(digest: string, token: string, key: VerificationKey): Promise<boolean> {
    const held = await verifies(token, key);
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

function verifies(token: string, { alg, material }: VerificationKey): Promise<boolean> {
  return material instanceof Uint8Array
    ? secretVerifies(token, alg, material)
    : publicKeyVerifies(token, material);
}

/** @param token parsed before: three parts in base64url, so that its characters are the bytes that were signed */
function publicKeyVerifies(token: string, publicKey: KeyObject): Promise<boolean> {
  const end = token.lastIndexOf('.');
  const signed = Buffer.from(token.slice(0, end), 'latin1');
  const signature = Buffer.from(token.slice(end + 1), 'base64url');
  // JWS writes an ECDSA signature as r and s side by side, not in DER; RSA ignores it.
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  return new Promise((resolve) => {
    verify('sha256', signed, key, signature, (error, holds) => resolve(error === null && holds));
  });
}

/** Any objection of jose's counts as "no": the token stays refused, whatever the reason. */
function secretVerifies(token: string, alg: SignatureAlgorithm, secret: Uint8Array): Promise<boolean> {
  return compactVerify(token, secret, { algorithms: [alg] }).then(
    () => true,
    () => false,
  );
}
