/** Auth port: a bearer token in, a Principal out. The core knows auth only by this file. */

export interface Principal {
  /** The token's `sub`: a UUID in lower case. */
  readonly userId: string;
  /** Set by a server: by default the claim `app_metadata.organization_id`. */
  readonly organizationId: string | null;
  /** Set by a server: by default the claim `app_metadata.tier`; user_metadata is never read. */
  readonly tier: string | null;
  readonly anonymous: boolean;
  /** The token's `exp`, Unix ms. */
  readonly expiresAt: number;
  readonly token: TokenFacts;
}

/** What a token says beside its user, and can be revoked by. */
export interface TokenFacts {
  /** `iat`, Unix ms; null where it does not say. */
  readonly issuedAt: number | null;
  /** `session_id`, a UUID in lower case; null where it does not say. */
  readonly sessionId: string | null;
  /** Of the key that signed it: the issuer's id for it, or SHARED_SECRET. */
  readonly keyId: string;
}

/** What the secret of a legacy project goes by: what a token of it calls its key is its maker's word. */
export const SHARED_SECRET = 'HS256';

/** What a server says of a user beside the token. */
export type Identity = Pick<Principal, 'tier' | 'organizationId'>;

/**
 * Identities of users whose tokens do not say them. Null: it knows none of this user, so that the token's claims count.
 * Undefined: it cannot say, and said nothing of them lately.
 */
export interface IdentityLookup {
  /** Waits a bounded time. Never rejects. */
  find(userId: string): Promise<Identity | null | undefined>;
  /** What is at hand; brings it up to date for the next time where that is due. Never waits. */
  known(userId: string): Identity | null | undefined;
  /** Resolves also where it cannot be reached; rejects where it never will work, with a sentence for the operator. */
  start(): Promise<void>;
  close(): void;
}

export interface Authenticator {
  /**
   * Verifies a token and its claims, and that it was not revoked.
   * @throws RelayError `unauthorized` (one generic message whatever is wrong), `forbidden` (an anonymous user where
   * those are not admitted), or `unavailable` (the key set cannot be had: the token may be good).
   */
  verify(token: string): Promise<Principal>;
  /** The principal with the tier and organisation that are known of them by now, where these are looked up. */
  current(principal: Principal): Principal;
  /** Whether the issuer has withdrawn the key that proved this principal's token, as far as is known here by now. */
  withdrawn(principal: Principal): boolean;
  /** Loads keys; resolves even if the first attempt fails (it is repeated in the background). */
  start(): Promise<void>;
  /** Whether a key set (or a secret) is at hand: part of /readyz. */
  readonly ready: boolean;
  /** The key set that the issuer publishes; null where keys are at hand for good. */
  readonly keySet: KeySetState | null;
  close(): void;
}

export interface KeySetState {
  /** Whether tokens can be checked by it at this instant: it may be an hour old. */
  readonly isUsable: boolean;
  /** Since it was fetched, ms; null where it never was. */
  readonly ageMs: number | null;
}
