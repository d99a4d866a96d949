/** Which user the claims of a Supabase access token name. Pure: it knows no keys and no signatures. */
import type { JsonObject } from './access-token.ts';
import type { Principal } from './port.ts';
import { unauthorized } from './unauthorized.ts';

export interface ExpectedClaims {
  readonly issuer: string;
  readonly audience: string;
}

/** How far clocks may differ, ms. */
export const TOLERANCE_MS = 5_000;
/** Of a token, ms. Supabase gives a week at most; one that lasts for ever is of no session, and no sign-out ends it. */
const LONGEST_LIFE_MS = 31 * 86_400_000;
/** The end of the year 9999, Unix seconds: what is later is no time. */
const LATEST_SECONDS = 253_402_300_799;

/**
 * Whom the claims name, if they are those of a user of this project at `now` (Unix ms).
 * @throws RelayError `unauthorized`
 */
export function userOf(claims: JsonObject, expected: ExpectedClaims, now: number): TokenUser {
  const { iss, aud, sub, is_anonymous: anonymous = false } = claims as Claims;
  if (iss !== expected.issuer) throw unauthorized('issuer');
  if (aud !== expected.audience && !(Array.isArray(aud) && aud.includes(expected.audience))) {
    throw unauthorized('audience');
  }
  const userId = userIdOf(sub);
  if (userId === undefined) throw unauthorized('subject');
  if (typeof anonymous !== 'boolean') throw unauthorized('is_anonymous');
  return { userId, anonymous, expiresAt: checkTimes(claims, now) };
}

type TokenUser = Pick<Principal, 'userId' | 'anonymous' | 'expiresAt'>;

interface Claims {
  readonly iss?: unknown;
  readonly aud?: unknown;
  readonly sub?: unknown;
  readonly is_anonymous?: unknown;
  readonly exp?: unknown;
  readonly nbf?: unknown;
  readonly iat?: unknown;
}

/** The expiry, Unix ms. A token must end; what says it begins later, or was issued later, is refused. */
function checkTimes({ exp, nbf, iat }: Claims, now: number): number {
  if (!isSeconds(exp) || exp * 1000 - now > LONGEST_LIFE_MS + TOLERANCE_MS) throw unauthorized('expiry');
  if (now >= exp * 1000 + TOLERANCE_MS) throw unauthorized('expired');
  if (nbf !== undefined && !(isSeconds(nbf) && nbf * 1000 <= now + TOLERANCE_MS)) {
    throw unauthorized('not_yet_valid');
  }
  if (iat !== undefined && !(isSeconds(iat) && iat * 1000 <= now + TOLERANCE_MS)) {
    throw unauthorized('issued_in_future');
  }
  return Math.floor(exp * 1000);
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LATEST_SECONDS;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A `sub` in lower case if it is a UUID. */
export function userIdOf(sub: unknown): string | undefined {
  if (typeof sub !== 'string') return undefined;
  const lower = sub.toLowerCase();
  return UUID.test(lower) ? lower : undefined;
}
