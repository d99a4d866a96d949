/**
 * Stands in for Supabase where a developer has none: its tokens have the same shape, and the same verifier checks
 * them. Who may ask it for one is decided elsewhere: it answers anybody.
 */
import { SignJWT } from 'jose/jwt/sign';
import { RelayError } from '../protocol/relay-error.ts';
import type { Clock } from '../time/clock.ts';
import { loadDevelopmentKey } from './development-key.ts';
import { KeySet } from './key-set.ts';
import { isLabel } from './label.ts';
import { uuidOf } from './token-user.ts';

export interface DevelopmentIssuerOptions {
  /** Where the signing key is kept; made if absent. */
  readonly dataDir: string;
  readonly issuer: string;
  readonly clock: Clock;
}

/** The body of `POST /dev/token`, not yet validated. */
export interface MintRequest {
  /** A UUID; default DEVELOPMENT_USER_ID. */
  readonly sub?: unknown;
  /** A label (1–128 characters), becomes `app_metadata.tier`. */
  readonly tier?: unknown;
  /** Seconds, 1–86400; default 3600. */
  readonly expiresIn?: unknown;
}

export interface DevelopmentIssuer {
  /** Names its key: relays that have the same accept each other's tokens. */
  readonly kid: string;
  /** What verifies its tokens. */
  readonly keySet: KeySet;
  /**
   * An access token.
   * @throws RelayError `bad_request`
   */
  mint(request?: MintRequest): Promise<string>;
}

export const DEVELOPMENT_USER_ID = '00000000-0000-4000-8000-000000000001';
const MAX_EXPIRES_IN = 86_400;

/** @throws Error when the key file cannot be read or written; the message says what to do. */
export async function createDevelopmentIssuer(options: DevelopmentIssuerOptions): Promise<DevelopmentIssuer> {
  const { dataDir, issuer, clock } = options;
  const { kid, privateKey, publicJwk } = await loadDevelopmentKey(dataDir);
  return {
    kid,
    keySet: await KeySet.from({ keys: [publicJwk] }),
    async mint(request = {}) {
      const { userId, tier, expiresIn } = validate(request);
      const issuedAt = Math.floor(clock.now() / 1000);
      return new SignJWT({
        role: 'authenticated',
        aal: 'aal1',
        session_id: crypto.randomUUID(),
        is_anonymous: false,
        app_metadata: { provider: 'development', ...(tier === undefined ? {} : { tier }) },
        user_metadata: {},
      })
        .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
        .setIssuer(issuer)
        .setAudience('authenticated')
        .setSubject(userId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + expiresIn)
        .sign(privateKey);
    },
  };
}

function validate({ sub = DEVELOPMENT_USER_ID, tier, expiresIn = 3600 }: MintRequest) {
  const userId = uuidOf(sub);
  if (userId === undefined) throw new RelayError('bad_request', 'sub must be a UUID');
  if (tier !== undefined && !isLabel(tier)) {
    throw new RelayError('bad_request', 'tier must be a text of 1 to 128 characters on one line');
  }
  if (!isInteger(expiresIn) || expiresIn < 1 || expiresIn > MAX_EXPIRES_IN) {
    throw new RelayError(
      'bad_request',
      `expiresIn must be a whole number of seconds, 1 to ${MAX_EXPIRES_IN}`,
    );
  }
  return { userId, tier, expiresIn };
}

function isInteger(value: unknown): value is number {
  return Number.isInteger(value);
}
