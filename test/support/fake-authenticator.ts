import type { Authenticator, Principal } from '../../src/auth/port.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';

/** What a fake token means: a principal, or the error its verification ends with. */
export type FakeToken = Principal | RelayError;

/** A principal as tests need it: a signed-in user without a plan whose token ends in the year 9999. */
export function principalOf(userId: string, overrides: Partial<Principal> = {}): Principal {
  return {
    userId,
    organizationId: null,
    tier: null,
    anonymous: false,
    expiresAt: 253_402_300_799_000,
    token: { issuedAt: null, sessionId: null, keyId: 'test' },
    ...overrides,
  };
}

/** The auth port by table: a token is a name, its meaning is looked up. Unlisted tokens are `unauthorized`. */
export class FakeAuthenticator implements Authenticator {
  readonly tokens: Map<string, FakeToken>;
  ready = false;
  readonly keySet = null;

  constructor(tokens: Readonly<Record<string, FakeToken>> = {}) {
    this.tokens = new Map(Object.entries(tokens));
  }

  async verify(token: string): Promise<Principal> {
    const meaning = this.tokens.get(token) ?? new RelayError('unauthorized', 'the access token is not valid');
    if (meaning instanceof RelayError) throw meaning;
    return meaning;
  }

  current(principal: Principal): Principal {
    return principal;
  }

  withdrawn(): boolean {
    return false;
  }

  async start(): Promise<void> {
    this.ready = true;
  }

  close(): void {
    this.ready = false;
  }
}
