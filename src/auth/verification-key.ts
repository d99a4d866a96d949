/** Keys as they are used: bound to one algorithm, imported once. jose checks their form. */
import { KeyObject } from 'node:crypto';
import type { CryptoKey } from 'jose';
import { importJWK } from 'jose/key/import';

export type SignatureAlgorithm = 'ES256' | 'RS256' | 'HS256';

export interface VerificationKey {
  /** The only algorithm it verifies, whatever a token's header says. */
  readonly alg: SignatureAlgorithm;
  /** The issuer's public key, or the secret shared with it (HS256). */
  readonly material: KeyObject | Uint8Array;
}

const MIN_RSA_BITS = 2048;

/** A public key with the id it goes by. */
export interface PublicKey extends VerificationKey {
  readonly kid: string;
  /** The same for the same key: its public members. */
  readonly fingerprint: string;
}

export function secretKey(secret: string): VerificationKey {
  return { alg: 'HS256', material: new TextEncoder().encode(secret) };
}

/**
 * The key of a JWK that may sign tokens here: EC P-256 or RSA of 2048 bits and more, meant for signatures, with an id.
 * `undefined` for any other: a key set may hold keys that are no concern of ours. Private members are not looked at.
 */
export async function publicKeyOf(jwk: unknown): Promise<PublicKey | undefined> {
  if (typeof jwk !== 'object' || jwk === null) return undefined;
  const { kid, alg, use, key_ops: operations } = jwk as Jwk;
  const members = publicMembers(jwk);
  if (members === undefined || typeof kid !== 'string' || kid === '') return undefined;
  const expected = members.kty === 'EC' ? 'ES256' : 'RS256';
  if ((alg !== undefined && alg !== expected) || (use !== undefined && use !== 'sig')) return undefined;
  if (operations !== undefined && !listHolds(operations, 'verify')) return undefined;
  try {
    const key = await importJWK(members, expected);
    if (isWeak(key)) return undefined;
    const material = KeyObject.from(key);
    return { alg: expected, kid, material, fingerprint: JSON.stringify([expected, members]) };
  } catch {
    // A point off the curve, numbers that are none: the key is useless, the others of its set are not.
    return undefined;
  }
}

interface Jwk {
  readonly kid?: unknown;
  readonly alg?: unknown;
  readonly use?: unknown;
  readonly key_ops?: unknown;
  readonly kty?: unknown;
  readonly crv?: unknown;
  readonly x?: unknown;
  readonly y?: unknown;
  readonly n?: unknown;
  readonly e?: unknown;
}

type PublicMembers =
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string };

function publicMembers({ kty, crv, x, y, n, e }: Jwk): PublicMembers | undefined {
  if (kty === 'EC' && crv === 'P-256' && typeof x === 'string' && typeof y === 'string') {
    return { kty, crv, x, y };
  }
  if (kty === 'RSA' && typeof n === 'string' && typeof e === 'string') {
    return { kty, n, e };
  }
  return undefined;
}

function listHolds(value: unknown, member: string): boolean {
  return Array.isArray(value) && value.includes(member);
}

/** Judged on the key and not on its text, which may begin with zeros. */
function isWeak({ algorithm }: CryptoKey): boolean {
  return 'modulusLength' in algorithm && Number(algorithm.modulusLength) < MIN_RSA_BITS;
}
