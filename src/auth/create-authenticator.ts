/**
 * Verifies Supabase access tokens. Which kind of key a token needs is decided by the configuration, never by the
 * token's header: HS256 only by the secret, ES256 and RS256 only by the issuer's public keys.
 * The cheap checks come first, so that most bad tokens cost microseconds and no key fetch.
 */
import { RelayError } from '../protocol/relay-error.ts';
import type { Clock } from '../time/clock.ts';
import { type AccessToken, parseAccessToken } from './access-token.ts';
import { IdentityClaims, type IdentityClaimsOptions } from './identity-claims.ts';
import type { KeySet } from './key-set.ts';
import { type Found, fixedKeys, type KeySource } from './key-set.ts';
import { type Authenticator, type Principal, SHARED_SECRET } from './port.ts';
import { type KeySetEvent, RemoteKeys } from './remote-keys.ts';
import { Signatures } from './signatures.ts';
import { LONGEST_TOKEN_LIFE_MS, userOf } from './token-user.ts';
import { unauthorized } from './unauthorized.ts';
import { secretKey, type VerificationKey } from './verification-key.ts';

export interface AuthenticatorOptions {
  /** `iss`, exactly: `<SUPABASE_URL>/auth/v1`. */
  readonly issuer: string;
  readonly clock: Clock;
  /** HS256 secret of a legacy or migrating project. */
  readonly secret?: string | undefined;
  /** Where the issuer publishes its ES256 and RS256 keys. */
  readonly jwksUrl?: string | undefined;
  /** Public keys at hand instead of a URL: those of the development issuer. */
  readonly keySet?: KeySet | undefined;
  /** Default `authenticated`. */
  readonly audience?: string | undefined;
  /** Which claims say what users may use, and which roles are users'. */
  readonly claims?: IdentityClaimsOptions | undefined;
  /** Whether anonymous users are admitted; default false. */
  readonly allowAnonymous?: boolean | undefined;
  /** How long after its issue a token may expire, ms; default LONGEST_TOKEN_LIFE_MS. */
  readonly maxTokenLifeMs?: number | undefined;
  /** Whether an operator has revoked the token of a principal, at this moment; default: none is. */
  readonly isRevoked?: ((principal: Principal) => boolean) | undefined;
  /** For one fetch of the key set, ms; default 4000: a handshake waiting for it is answered within 5 s. */
  readonly fetchTimeoutMs?: number | undefined;
  /** Told of each key-set fetch, for logs and metrics. Must not throw. */
  readonly onKeySet?: ((event: KeySetEvent) => void) | undefined;
}

/** @throws TypeError when no key of any kind is configured, or the URL is none. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { issuer, clock, audience = 'authenticated', allowAnonymous = false } = options;
  const { maxTokenLifeMs: maxLifeMs = LONGEST_TOKEN_LIFE_MS, isRevoked = () => false } = options;
  const secret = options.secret === undefined ? undefined : secretKey(options.secret);
  const source = keySourceOf(options);
  if (secret === undefined && source === undefined) throw new TypeError('an authenticator needs keys');
  const signatures = new Signatures();
  const identityClaims = new IdentityClaims(options.claims ?? {});
  /** By which key of the issuer each principal was proven. */
  const provenBy = new WeakMap<Principal, VerificationKey>();

  return {
    async verify(text) {
      const token = parseAccessToken(text);
      const user = userOf(token.claims, { issuer, audience, maxLifeMs }, clock.now());
      const key = await keyFor(token, secret, source);
      if (key === undefined) throw unauthorized('unknown_key');
      if (!(await signatures.holds(token.text, key))) throw unauthorized('signature');
      // Only now: a forged token learns nothing of what is admitted here, and writes nothing into the log.
      identityClaims.requireRole(token.claims);
      if (user.anonymous && !allowAnonymous) {
        throw new RelayError('forbidden', 'anonymous users are not admitted; sign in with an account', {
          cause: 'anonymous',
        });
      }
      const facts = { ...user.token, keyId: keyIdOf(token) };
      const principal = { ...user, ...identityClaims.read(token.claims), token: facts };
      if (isRevoked(principal)) throw unauthorized('revoked');
      if (key !== secret) provenBy.set(principal, key);
      return principal;
    },
    current: (principal) => principal,
    withdrawn(principal) {
      const key = provenBy.get(principal);
      return key !== undefined && source?.has(key) === false;
    },
    start: async () => source?.start(),
    get ready() {
      return secret !== undefined || source?.ready === true;
    },
    get keySet() {
      return source?.state ?? null;
    },
    close: () => source?.close(),
  };
}

/** Of a token that was proven. */
function keyIdOf({ alg, kid }: AccessToken): string {
  return alg === 'HS256' ? SHARED_SECRET : (kid ?? '');
}

function keySourceOf(options: AuthenticatorOptions): KeySource | undefined {
  const { keySet, jwksUrl, clock, secret, fetchTimeoutMs = 4_000, onKeySet = () => {} } = options;
  if (keySet !== undefined) return fixedKeys(keySet);
  if (jwksUrl === undefined) return undefined;
  return new RemoteKeys({
    url: new URL(jwksUrl),
    clock,
    timeoutMs: fetchTimeoutMs,
    mayBeEmpty: secret !== undefined,
    observe: onKeySet,
  });
}

/** @throws RelayError `unauthorized` where tokens of that kind are not taken */
function keyFor(
  { alg, kid }: AccessToken,
  secret: VerificationKey | undefined,
  source: KeySource | undefined,
): Found | Promise<Found> {
  if (alg === 'HS256') {
    if (secret === undefined) throw unauthorized('algorithm');
    return secret;
  }
  if (source === undefined) throw unauthorized('algorithm');
  if (kid === undefined) throw unauthorized('key_id');
  return source.find(alg, kid);
}
