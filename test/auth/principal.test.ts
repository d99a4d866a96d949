import { describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../src/auth/create-authenticator.ts';
import { KeySet } from '../../src/auth/key-set.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ALICE, TokenMint } from '../support/token-mint.ts';
import { refusalOf } from './refusal-of.ts';

const clock = new ManualClock();
const mint = new TokenMint(clock);
const options = { issuer: mint.issuer, clock, keySet: await KeySet.from({ keys: [mint.key.jwk] }) };
const authenticator = createAuthenticator(options);

describe('a good token names its user', () => {
  it('with the expiry in ms', async () => {
    expect(await authenticator.verify(mint.token({ expiresIn: 90 }))).toEqual({
      userId: ALICE,
      organizationId: null,
      tier: null,
      anonymous: false,
      expiresAt: clock.now() + 90_000,
      token: {
        issuedAt: Math.floor(clock.now() / 1000) * 1000,
        sessionId: '5f0c7c1e-93a1-4a57-8b0e-6f4d1c2b3a99',
        keyId: mint.key.kid,
      },
    });
  });

  it('with sub in lower case', async () => {
    expect(await authenticator.verify(mint.token({ sub: ALICE.toUpperCase() }))).toMatchObject({
      userId: ALICE,
    });
  });

  it.each([
    ['aud as a list', { claims: { aud: ['other', 'authenticated'] } }],
    ['no typ', { header: { typ: undefined } }],
    ['typ jwt', { header: { typ: 'jwt' } }],
    ['no is_anonymous', { claims: { is_anonymous: undefined } }],
    ['claims we do not know', { claims: { amr: [], nonce: 1, roles: ['service_role'] } }],
  ])('also with %s', async (_name, token) => {
    expect(await refusalOf(authenticator.verify(mint.token(token)))).toBe('admitted');
  });

  it('and an audience other than the default where one is configured', async () => {
    const other = createAuthenticator({ ...options, audience: 'school' });
    expect(await refusalOf(other.verify(mint.token({ claims: { aud: 'school' } })))).toBe('admitted');
    expect(await refusalOf(other.verify(mint.token()))).toMatchObject({ cause: 'audience' });
  });
});

describe('only what the server set decides about plans', () => {
  it('reads tier and organization_id of app_metadata', async () => {
    const token = mint.token({ claims: { app_metadata: { tier: 'premium', organization_id: 'school-7' } } });
    expect(await authenticator.verify(token)).toMatchObject({ tier: 'premium', organizationId: 'school-7' });
  });

  it('40 ignores user_metadata', async () => {
    const user_metadata = { plan: 'admin', tier: 'enterprise', organization_id: 'school-7' };
    const token = mint.token({ claims: { user_metadata, tier: 'enterprise', organization_id: 'school-7' } });
    expect(await authenticator.verify(token)).toMatchObject({ tier: null, organizationId: null });
  });

  it.each([
    ['a number', 3],
    ['empty', ''],
    ['129 characters long', 't'.repeat(129)],
    ['with a line break', 'pro\nadmin'],
    ['with U+0000', 'pro\0'],
    ['half a surrogate pair', 'pro\ud800'],
    ['an object', { name: 'pro' }],
  ])('takes a tier that is %s for none', async (_name, tier) => {
    const token = mint.token({ claims: { app_metadata: { tier, organization_id: tier } } });
    expect(await authenticator.verify(token)).toMatchObject({ tier: null, organizationId: null });
  });

  it.each([
    ['missing', undefined],
    ['null', null],
    ['a text', 'tier'],
    ['a list', ['tier']],
  ])('takes app_metadata that is %s for empty', async (_name, app_metadata) => {
    expect(await authenticator.verify(mint.token({ claims: { app_metadata } }))).toMatchObject({
      tier: null,
    });
  });
});

describe('39 anonymous users', () => {
  const token = mint.token({ claims: { is_anonymous: true } });

  it('are forbidden', async () => {
    expect(await refusalOf(authenticator.verify(token))).toMatchObject({ status: 403, code: 'forbidden' });
  });

  it('are admitted, and named so, where the operator allows them', async () => {
    const open = createAuthenticator({ ...options, allowAnonymous: true });
    expect(await open.verify(token)).toMatchObject({ userId: ALICE, anonymous: true });
  });
});
