import { describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../src/auth/create-authenticator.ts';
import type { ClaimNotice } from '../../src/auth/identity-claims.ts';
import { KeySet } from '../../src/auth/key-set.ts';
import { readConfig } from '../../src/config/environment.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createSigningKey, TokenMint } from '../support/token-mint.ts';
import { refusalOf } from './refusal-of.ts';

const clock = new ManualClock();
const mint = new TokenMint(clock);
const keySet = await KeySet.from({ keys: [mint.key.jwk] });
const SCHOOL = '6f1c0e52-7f0a-4b8e-9a51-0c9d6d0a7e11';

/** An authenticator as these keys of the environment make it, and what it told the operator. */
function configured(environment: Record<string, string>) {
  const {
    CLAIM_TIER: tier,
    CLAIM_ORGANIZATION: organization,
    ALLOWED_ROLES: roles,
  } = readConfig(environment);
  const told: ClaimNotice[] = [];
  const claims = { tier, organization, roles, onNotice: (notice: ClaimNotice) => told.push(notice) };
  return { told, ...createAuthenticator({ issuer: mint.issuer, clock, keySet, claims }) };
}

const TOP_LEVEL = {
  ALLOWED_ROLES: 'teacher,principal',
  CLAIM_TIER: 'subscription_tier,app_metadata.tier',
  CLAIM_ORGANIZATION: 'organization_id,preschool_id',
};
const NAMESPACE = 'https://school.example/claims';

describe('a tier and a school are found where the operator says', () => {
  it.each<[layout: string, environment: Record<string, string>, claims: object, tier: string | null]>([
    ['app_metadata', {}, { app_metadata: { tier: 'pro', organization_id: SCHOOL } }, 'pro'],
    [
      'the top level, with a role of the app',
      TOP_LEVEL,
      { role: 'teacher', organization_id: SCHOOL, subscription_tier: 'school_premium' },
      'school_premium',
    ],
    [
      'the second of several paths',
      TOP_LEVEL,
      { role: 'principal', organization_id: null, preschool_id: SCHOOL, app_metadata: { tier: 'basic' } },
      'basic',
    ],
    [
      'an object further down',
      { CLAIM_TIER: 'app_metadata.subscription.plan.name', CLAIM_ORGANIZATION: 'app_metadata.school.id' },
      { app_metadata: { subscription: { plan: { name: 'parent_plus' } }, school: { id: SCHOOL } } },
      'parent_plus',
    ],
    [
      'a name with dots and slashes',
      {
        CLAIM_TIER: '/https:~1~1school.example~1claims/tier',
        CLAIM_ORGANIZATION: '/https:~1~1school.example~1claims/a~0b',
      },
      { [NAMESPACE]: { tier: 'professional', 'a~b': SCHOOL } },
      'professional',
    ],
  ])('in %s', async (_layout, environment, claims, tier) => {
    const authenticator = configured(environment);
    const principal = await authenticator.verify(mint.token({ claims: { ...claims } }));
    expect(principal).toMatchObject({ tier, organizationId: SCHOOL });
    expect(authenticator.told).toEqual([]);
  });

  it('the first that is there counts, also where it is no label: the next one is of another meaning', async () => {
    const { told, verify } = configured(TOP_LEVEL);
    const claims = { subscription_tier: ['pro'], app_metadata: { tier: 'enterprise' } };
    expect(await verify(mint.token({ claims }))).toMatchObject({ tier: null });
    expect(told).toEqual([{ kind: 'unusable', claim: 'tier', why: 'array' }]);
  });

  it('nothing is found elsewhere once another path is named', async () => {
    const { verify } = configured({ CLAIM_TIER: 'tier', CLAIM_ORGANIZATION: 'school' });
    const claims = { app_metadata: { tier: 'pro', organization_id: SCHOOL } };
    expect(await verify(mint.token({ claims }))).toMatchObject({ tier: null, organizationId: null });
  });
});

describe('a hostile claim gives nothing', () => {
  const { verify } = configured({
    CLAIM_TIER: 'a.constructor,a.__proto__.tier,a.toString,a.length,a.0,tier',
    CLAIM_ORGANIZATION: '/__proto__/id,hasOwnProperty,org',
  });
  const verified = (claims: object) => verify(mint.token({ claims: { ...claims } }));

  it.each([
    ['an object', { a: {} }],
    ['a list', { a: ['pro', 'pro'] }],
    ['a text', { a: 'pro' }],
    ['a number', { a: 5 }],
    ['null', { a: null }],
  ])('by names that every object has, in %s', async (_what, claims) => {
    expect(await verified(claims)).toMatchObject({ tier: null, organizationId: null });
  });

  it('__proto__ as a claim is a name like the rest, and changes no object', async () => {
    const claims = JSON.parse(
      '{"__proto__":{"id":"school-7","tier":"pro"},"a":{"__proto__":{"tier":"pro"}}}',
    );
    expect(await verified(claims)).toMatchObject({ tier: 'pro', organizationId: 'school-7' });
    const raw = mint.token({ claims: { marker: 1 } });
    expect(await verify(raw)).toMatchObject({ tier: null, organizationId: null });
    expect(Object.prototype).not.toHaveProperty('tier');
  });

  it.each([
    ['array', ['pro']],
    ['array', []],
    ['object', { name: 'pro' }],
    ['number', 3],
    ['boolean', true],
    ['empty', ''],
    ['too_long', 't'.repeat(129)],
    ['too_long', '😀'.repeat(129)],
    ['characters', 'pro\nadmin'],
    ['characters', 'pro\0'],
    ['characters', 'pro\ud800'],
  ])('%s: its users count as having none, and the operator hears why, once', async (why, value) => {
    const authenticator = configured({ CLAIM_TIER: 'tier', CLAIM_ORGANIZATION: 'org' });
    const token = mint.token({ claims: { tier: value, org: value } });
    for (let request = 0; request < 3; request += 1)
      expect(await authenticator.verify(token)).toMatchObject({ tier: null, organizationId: null });
    expect(authenticator.told).toEqual([
      { kind: 'unusable', claim: 'organization', why },
      { kind: 'unusable', claim: 'tier', why },
    ]);
  });

  it('1 MB of it is refused with the whole token', async () => {
    const claims = { tier: 'x'.repeat(2 ** 20) };
    expect(await refusalOf(verified(claims))).toMatchObject({ code: 'unauthorized', cause: 'too_long' });
  });

  it('128 characters are a label, also of two units each', async () => {
    const { verify: read } = configured({ CLAIM_TIER: 'tier' });
    const tier = '😀'.repeat(128);
    expect(await read(mint.token({ claims: { tier } }))).toMatchObject({ tier });
  });
});

describe('a role is admitted where it is of users', () => {
  const REFUSED = { status: 401, code: 'unauthorized', cause: 'role' };

  it('authenticated, and those that are listed', async () => {
    const { verify } = configured(TOP_LEVEL);
    for (const role of ['authenticated', 'teacher', 'principal'])
      expect(await refusalOf(verify(mint.token({ claims: { role } })))).toBe('admitted');
  });

  it.each([
    'Teacher',
    'anon',
    'service_role',
    'admin',
    'supabase_admin',
    '',
    ' teacher',
    undefined,
    null,
    7,
    true,
    ['teacher'],
    { role: 'teacher' },
    'toString',
  ])('%j is not', async (role) => {
    const { verify } = configured(TOP_LEVEL);
    expect(await refusalOf(verify(mint.token({ claims: { role } })))).toMatchObject(REFUSED);
  });

  it('the operator hears of each role that is refused, once, and of no forged one', async () => {
    const { told, verify } = configured({});
    const stranger = createSigningKey('ES256', mint.key.kid);
    await refusalOf(verify(mint.token({ key: stranger, claims: { role: 'forged' } })));
    for (const role of ['teacher', 'parent', 'teacher', ['a'], 'x'.repeat(200)])
      await refusalOf(verify(mint.token({ claims: { role } })));
    expect(told).toEqual([
      { kind: 'role', role: 'teacher' },
      { kind: 'role', role: 'parent' },
    ]);
  });

  it('of a hook that makes a role for each user the first hundred', async () => {
    const { told, verify } = configured({});
    for (let user = 0; user < 120; user += 1)
      await refusalOf(verify(mint.token({ claims: { role: `role-${user}` } })));
    expect(told).toHaveLength(100);
  });
});

it('without these keys a token is read as before: two claims of app_metadata, and the one role', async () => {
  const read: string[] = [];
  const watched = (of: string, target: object): object =>
    new Proxy(target, {
      get(object, name) {
        const value: unknown = Reflect.get(object, name);
        read.push(`${of}${String(name)}`);
        return typeof value === 'object' && value !== null ? watched(`${of}${String(name)}.`, value) : value;
      },
    });
  const { IdentityClaims } = await import('../../src/auth/identity-claims.ts');
  const claims = { role: 'authenticated', app_metadata: { tier: 'pro', organization_id: SCHOOL } };
  const identityClaims = new IdentityClaims({});
  identityClaims.requireRole(watched('', claims));
  expect(identityClaims.read(watched('', claims) as typeof claims)).toEqual({
    tier: 'pro',
    organizationId: SCHOOL,
  });
  expect(read).toEqual([
    'role',
    'app_metadata',
    'app_metadata.organization_id',
    'app_metadata',
    'app_metadata.tier',
  ]);
});
