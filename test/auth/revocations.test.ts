/** Tokens that an operator has revoked, as the authenticator judges them. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../src/auth/create-authenticator.ts';
import { KeySet } from '../../src/auth/key-set.ts';
import { NO_REVOCATIONS, type RevocationLists, Revocations, united } from '../../src/auth/revocations.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  ALICE,
  BOB,
  createSigningKey,
  TEST_SECRET,
  TokenMint,
  type TokenOptions,
} from '../support/token-mint.ts';
import { refusalOf } from './refusal-of.ts';

const HOUR = 3_600_000;
const PHONE = '5f0c7c1e-93a1-4a57-8b0e-6f4d1c2b3a99';
const LAPTOP = '9a1d2c3e-0b4f-4d5a-8c6e-7f8091a2b3c4';

let clock: ManualClock;
let revocations: Revocations;
let mint: TokenMint;
let verify: (options?: TokenOptions) => Promise<unknown>;

beforeEach(async () => {
  clock = new ManualClock();
  revocations = new Revocations({ clock, maxTokenLifeMs: HOUR });
  mint = new TokenMint(clock);
  const { verify: verifyToken } = createAuthenticator({
    issuer: mint.issuer,
    clock,
    keySet: await KeySet.from({ keys: [mint.key.jwk] }),
    secret: TEST_SECRET,
    maxTokenLifeMs: HOUR,
    isRevoked: (principal) => revocations.has(principal),
  });
  verify = (options) => refusalOf(verifyToken(mint.token(options)));
});

function revoke(lists: Partial<{ [List in keyof RevocationLists]: Readonly<Record<string, number>> }>): void {
  const { users = {}, sessions = {}, keys = {} } = lists;
  revocations.replace({
    users: new Map(Object.entries(users)),
    sessions: new Map(Object.entries(sessions)),
    keys: new Map(Object.entries(keys)),
  });
}

const seconds = (ms: number) => Math.floor(ms / 1000);
const issuedAt = (ms: number, more: TokenOptions = {}): TokenOptions => ({
  expiresIn: 600,
  ...more,
  claims: { iat: seconds(ms), ...more.claims },
});
const REVOKED = { code: 'unauthorized', cause: 'revoked' };

describe('a revoked user', () => {
  it('is refused with each token from before, in any session, and served once they have signed in again', async () => {
    const now = clock.now();
    revoke({ users: { [ALICE]: now } });
    expect(await verify(issuedAt(now - 60_000))).toMatchObject(REVOKED);
    expect(await verify(issuedAt(now - 1000, { claims: { session_id: LAPTOP } }))).toMatchObject(REVOKED);
    clock.advance(1000);
    expect(await verify(issuedAt(now + 1000))).toBe('admitted');
    expect(await verify(issuedAt(now - 60_000, { sub: BOB }))).toBe('admitted');
  });

  it('is refused with a token from the same second: that may be from before', async () => {
    const second = seconds(clock.now()) * 1000;
    revoke({ users: { [ALICE]: second + 1 } });
    expect(await verify(issuedAt(second))).toMatchObject(REVOKED);
    revoke({ users: { [ALICE]: second } });
    expect(await verify(issuedAt(second))).toBe('admitted');
  });

  it('is refused with a token that does not say when it was issued', async () => {
    revoke({ users: { [ALICE]: clock.now() } });
    expect(await verify({ claims: { iat: undefined } })).toMatchObject(REVOKED);
  });
});

describe('a revoked session', () => {
  it('is refused with each token, refreshed ones too; other sessions of the user are not', async () => {
    revoke({ sessions: { [PHONE]: clock.now() } });
    expect(await verify({ claims: { session_id: PHONE } })).toMatchObject(REVOKED);
    expect(await verify({ claims: { session_id: PHONE.toUpperCase() } })).toMatchObject(REVOKED);
    clock.advance(60_000);
    expect(await verify({ claims: { session_id: PHONE } })).toMatchObject(REVOKED);
    expect(await verify({ claims: { session_id: LAPTOP } })).toBe('admitted');
  });

  it.each([[undefined], [7], ['phone'], [null]])(
    'says nothing of a token whose session is %j',
    async (session_id) => {
      revoke({ sessions: { [PHONE]: clock.now() } });
      expect(await verify({ claims: { session_id } })).toBe('admitted');
    },
  );
});

describe('a revoked key', () => {
  it('has signed nothing good, whoever it is of and whenever it was', async () => {
    revoke({ keys: { [mint.key.kid]: clock.now() } });
    expect(await verify()).toMatchObject(REVOKED);
    expect(await verify({ sub: BOB })).toMatchObject(REVOKED);
    const secret = createSigningKey('HS256', mint.key.kid);
    expect(await verify({ key: secret })).toBe('admitted'); // a name that its maker gave it
  });

  it('may be the shared secret, whatever its tokens call their key', async () => {
    revoke({ keys: { HS256: clock.now() } });
    expect(await verify({ key: createSigningKey('HS256', 'another') })).toMatchObject(REVOKED);
    expect(await verify({ key: createSigningKey('HS256'), header: { kid: undefined } })).toMatchObject(
      REVOKED,
    );
    expect(await verify()).toBe('admitted');
  });
});

describe('a revocation lapses', () => {
  it('of users and sessions, once each token from before has expired; of keys never', async () => {
    const now = clock.now();
    revoke({ users: { [ALICE]: now }, sessions: { [PHONE]: now }, keys: { other: now } });
    const counts = () => (['users', 'sessions', 'keys'] as const).map((of) => revocations.count(of));
    clock.advance(HOUR + 10_000);
    expect(counts()).toEqual([1, 1, 1]);
    expect(await verify({ claims: { session_id: PHONE } })).toMatchObject(REVOKED);
    clock.advance(1);
    expect(counts()).toEqual([0, 0, 1]);
    expect(await verify({ claims: { session_id: PHONE } })).toBe('admitted');
  });

  it('not before: a token that lasts longer is none', async () => {
    const now = clock.now();
    expect(await verify(issuedAt(now - 30_000, { expiresIn: 3570 }))).toBe('admitted');
    expect(await verify(issuedAt(now - 30_000, { expiresIn: 3576 }))).toMatchObject({
      code: 'unauthorized',
      cause: 'expiry',
    });
  });
});

it('of two places that revoke the same, the one counts that reaches farther', () => {
  const some = {
    ...NO_REVOCATIONS,
    users: new Map([
      [ALICE, 1],
      [BOB, 5],
    ]),
  };
  const others = {
    ...NO_REVOCATIONS,
    users: new Map([
      [ALICE, 2],
      [BOB, 4],
    ]),
    keys: new Map([['k', 3]]),
  };
  expect(united(some, others)).toEqual({
    users: new Map([
      [ALICE, 2],
      [BOB, 5],
    ]),
    sessions: new Map(),
    keys: new Map([['k', 3]]),
  });
});
