/** Which user the claims of a Supabase access token name. Pure: it knows no keys and no signatures. */
import type { JsonObject } from './access-token.ts';
import type { Principal, TokenFacts } from './port.ts';
import { unauthorized } from './unauthorized.ts';

export interface ExpectedClaims {
  readonly issuer: string;
  readonly audience: string;
  /** How long after its issue a token may expire, ms. */
  readonly maxLifeMs: number;
}

/** How far clocks may differ, ms. */
export const TOLERANCE_MS = 5_000;
/** Of a token, ms. Supabase gives a week at most; one that lasts for ever is of no session, and no sign-out ends it. */
export const LONGEST_TOKEN_LIFE_MS = 31 * 86_400_000;
/** The end of the year 9999, Unix seconds: what is later is no time. */
const LATEST_SECONDS = 253_402_300_799;

/**
 * Whom the claims name, if they are those of a user of this project at `now` (Unix ms).
 * @throws RelayError `unauthorized`
 */
export function userOf(claims: JsonObject, expected: ExpectedClaims, now: number): TokenUser {
  const { iss, aud, sub, is_anonymous: anonymous = false, session_id: sessionId } = claims as Claims;
  if (iss !== expected.issuer) throw unauthorized('issuer');
  if (aud !== expected.audience && !(Array.isArray(aud) && aud.includes(expected.audience))) {
    throw unauthorized('audience');
  }
  const userId = uuidOf(sub);
  if (userId === undefined) throw unauthorized('subject');
  if (typeof anonymous !== 'boolean') throw unauthorized('is_anonymous');
  const { expiresAt, issuedAt } = checkTimes(claims, expected.maxLifeMs, now);
  return { userId, anonymous, expiresAt, token: { issuedAt, sessionId: uuidOf(sessionId) ?? null } };
}

type TokenUser = Pick<Principal, 'userId' | 'anonymous' | 'expiresAt'> & {
  readonly token: Omit<TokenFacts, 'keyId'>;
};

interface Claims {
  readonly iss?: unknown;
  readonly aud?: unknown;
  readonly sub?: unknown;
  readonly session_id?: unknown;
  readonly is_anonymous?: unknown;
  readonly exp?: unknown;
  readonly nbf?: unknown;
  readonly iat?: unknown;
}

/** Unix ms. A token must end, and in time; what says it begins later, or was issued later, is refused. */
function checkTimes(
  { exp, nbf, iat }: Claims,
  maxLifeMs: number,
  now: number,
): { readonly expiresAt: number; readonly issuedAt: number | null } {
  if (!isSeconds(exp) || exp * 1000 - now > maxLifeMs + TOLERANCE_MS) throw unauthorized('expiry');
  if (now >= exp * 1000 + TOLERANCE_MS) throw unauthorized('expired');
  if (nbf !== undefined && !(isSeconds(nbf) && nbf * 1000 <= now + TOLERANCE_MS)) {
    throw unauthorized('not_yet_valid');
  }
  if (iat !== undefined && !(isSeconds(iat) && iat * 1000 <= now + TOLERANCE_MS)) {
    throw unauthorized('issued_in_future');
  }
  const issuedAt = iat === undefined ? null : iat * 1000;
  // Or it would outlive its own revocation.
  if (issuedAt !== null && exp * 1000 - issuedAt > maxLifeMs + TOLERANCE_MS) throw unauthorized('expiry');
  return { expiresAt: Math.floor(exp * 1000), issuedAt };
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LATEST_SECONDS;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** In lower case, if it is a UUID: ids of users and sessions are. */
export function uuidOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const lower = value.toLowerCase();
  return UUID.test(lower) ? lower : undefined;
}
