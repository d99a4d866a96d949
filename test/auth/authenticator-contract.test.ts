import { describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../src/auth/create-authenticator.ts';
import { KeySet } from '../../src/auth/key-set.ts';
import type { Authenticator } from '../../src/auth/port.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';
import { FakeAuthenticator, principalOf } from '../support/fake-authenticator.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ALICE, TokenMint } from '../support/token-mint.ts';
import { refusalOf } from './refusal-of.ts';

interface Subject {
  readonly authenticator: Authenticator;
  readonly good: string;
  readonly anonymous: string;
}

async function real(): Promise<Subject> {
  const clock = new ManualClock();
  const mint = new TokenMint(clock);
  const keySet = await KeySet.from({ keys: [mint.key.jwk] });
  return {
    authenticator: createAuthenticator({ issuer: mint.issuer, clock, keySet }),
    good: mint.token(),
    anonymous: mint.token({ claims: { is_anonymous: true } }),
  };
}

async function fake(): Promise<Subject> {
  const authenticator = new FakeAuthenticator({
    good: principalOf(ALICE),
    anonymous: new RelayError('forbidden', 'anonymous users are not admitted'),
  });
  return { authenticator, good: 'good', anonymous: 'anonymous' };
}

describe.each([
  ['the authenticator', real],
  ['its twin in memory', fake],
])('%s', (_name, create) => {
  it('is ready once started', async () => {
    const { authenticator } = await create();
    await authenticator.start();
    expect(authenticator.ready).toBe(true);
    authenticator.close();
  });

  it('gives the principal of a good token', async () => {
    const { authenticator, good } = await create();
    const { expiresAt, token: _, ...who } = await authenticator.verify(good);
    expect(who).toEqual({ userId: ALICE, organizationId: null, tier: null, anonymous: false });
    expect(expiresAt).toBeGreaterThan(0);
  });

  it('rejects, and never throws, what is no token', async () => {
    const { authenticator } = await create();
    expect(await refusalOf(authenticator.verify('nonsense'))).toMatchObject({ code: 'unauthorized' });
  });

  it('forbids an anonymous user', async () => {
    const { authenticator, anonymous } = await create();
    expect(await refusalOf(authenticator.verify(anonymous))).toMatchObject({ code: 'forbidden' });
  });
});
