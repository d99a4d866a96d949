/**
 * Takes a compact JWT apart, strictly and without any cryptography. What it returns is a claim by a stranger:
 * nothing of it may be believed before its signature was verified.
 */

import { uuidOf } from './token-user.ts';
import { unauthorized } from './unauthorized.ts';
import type { SignatureAlgorithm } from './verification-key.ts';

/** Real tokens are 0.6 to 2 KB; refused before any work is spent on a longer one. */
export const MAX_TOKEN_BYTES = 8192;
const MAX_KEY_ID_LENGTH = 256;

const ALGORITHMS: ReadonlySet<unknown> = new Set<SignatureAlgorithm>(['ES256', 'RS256', 'HS256']);

/**
 * Header fields that bring a key along or point to one, change what is signed, or belong to encryption. The issuer
 * sends none of them, so they are not ignored but refused.
 */
const REFUSED_HEADER_FIELDS = ['crit', 'b64', 'jku', 'jwk', 'x5u', 'x5c', 'enc', 'zip'] as const;

export type JsonObject = Readonly<Record<string, unknown>>;

export interface AccessToken {
  readonly text: string;
  readonly alg: SignatureAlgorithm;
  readonly kid: string | undefined;
  readonly claims: JsonObject;
}

/** @throws RelayError `unauthorized` */
export function parseAccessToken(text: string): AccessToken {
  if (text.length > MAX_TOKEN_BYTES) throw unauthorized('too_long');
  if (text.startsWith('sb_')) throw unauthorized('api_key');
  const [header, claims, signature, ...more] = text.split('.', 4);
  // An encrypted token (JWE) has five parts.
  if (header === undefined || claims === undefined || signature === undefined || more.length > 0) {
    throw unauthorized('malformed');
  }
  decodeStrictly(signature);
  const { alg, kid } = checkHeader(decodeJson(header));
  return { text, alg, kid, claims: decodeJson(claims) };
}

/** The user that a token claims to be of, for what refuses by it alone: nobody has said that it is true. */
export function claimedUser(text: string): string | undefined {
  try {
    return uuidOf(parseAccessToken(text).claims['sub']);
  } catch {
    return undefined; // no token
  }
}

function checkHeader(header: JsonObject): Pick<AccessToken, 'alg' | 'kid'> {
  const { alg, kid, typ } = header as { alg?: unknown; kid?: unknown; typ?: unknown };
  if (REFUSED_HEADER_FIELDS.some((field) => Object.hasOwn(header, field))) throw unauthorized('header');
  if (typ !== undefined && (typeof typ !== 'string' || typ.toUpperCase() !== 'JWT'))
    throw unauthorized('header');
  if (!isAlgorithm(alg)) throw unauthorized('algorithm');
  if (kid === undefined) return { alg, kid };
  if (typeof kid !== 'string' || kid === '' || kid.length > MAX_KEY_ID_LENGTH) throw unauthorized('key_id');
  return { alg, kid };
}

function isAlgorithm(alg: unknown): alg is SignatureAlgorithm {
  return ALGORITHMS.has(alg);
}

function decodeJson(part: string): JsonObject {
  const json = decodeStrictly(part).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw unauthorized('malformed');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unauthorized('malformed');
  return value as JsonObject;
}

/** Only the one canonical spelling of the bytes: no padding, no foreign characters, no stray bits in the last one. */
function decodeStrictly(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.length === 0 || bytes.toString('base64url') !== part) throw unauthorized('malformed');
  return bytes;
}
