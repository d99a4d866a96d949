import { createPublicKey, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../src/auth/create-authenticator.ts';
import { KeySet } from '../../src/auth/key-set.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  createSigningKey,
  type SigningKey,
  signToken,
  TEST_SECRET,
  TokenMint,
  type TokenOptions,
} from '../support/token-mint.ts';
import { refusalOf } from './refusal-of.ts';

const clock = new ManualClock();
const mint = new TokenMint(clock);
const seconds = clock.now() / 1000;
const stranger = createSigningKey('ES256', mint.key.kid);
const keySet = await KeySet.from({ keys: [mint.key.jwk] });
const authenticator = createAuthenticator({ issuer: mint.issuer, clock, keySet, secret: TEST_SECRET });

/** HMAC keyed by the text of the public key: what a verifier led by the token's header would accept. */
function signedWithPublicKey(form: 'pem' | 'jwk'): string {
  const text = form === 'jwk' ? JSON.stringify(mint.key.jwk) : publicPem(mint.key);
  return mint.token({ key: { alg: 'HS256', kid: mint.key.kid, secret: text, jwk: undefined } });
}

function publicPem({ secret }: SigningKey): string {
  if (typeof secret === 'string') throw new Error('this key has no public half');
  return createPublicKey(secret).export({ type: 'spki', format: 'pem' }).toString();
}

function withParts(edit: (parts: [string, string, string]) => string[]): string {
  return edit(mint.token().split('.') as [string, string, string]).join('.');
}

const claim = (claims: TokenOptions['claims'] & object) => mint.token({ claims });
const header = (fields: TokenOptions['header'] & object) => mint.token({ header: fields });
const otherToken = mint.token({ claims: { role: 'authenticated', email: 'other@school.example' } });
const bareClaims = { iss: mint.issuer, aud: 'authenticated', role: 'authenticated', exp: seconds + 60 };

const unauthorized: Readonly<Record<string, readonly [reason: string, token: string]>> = {
  'an empty token': ['malformed', ''],
  'one that is no JWT': ['malformed', 'hello'],
  '25 alg none': ['algorithm', withParts(() => signToken(mint.key, { alg: 'none' }, bareClaims).split('.'))],
  '25 alg none without a signature': [
    'malformed',
    withParts(([, claims]) => [encode({ alg: 'none' }), claims, '']),
  ],
  '25 alg nOnE': ['algorithm', header({ alg: 'nOnE' })],
  '25 alg missing': ['algorithm', header({ alg: undefined })],
  '25 alg ES384, off the list': ['algorithm', header({ alg: 'ES384' })],
  '25 alg as a list': ['algorithm', header({ alg: ['ES256'] })],
  '25 alg constructor': ['algorithm', header({ alg: 'constructor' })],
  '26 HS256 signed with the public PEM': ['signature', signedWithPublicKey('pem')],
  '26 HS256 signed with the public JWK': ['signature', signedWithPublicKey('jwk')],
  '27 kid unknown': ['unknown_key', header({ kid: 'unknown' })],
  '27 kid missing': ['key_id', header({ kid: undefined })],
  '27 kid ../../': ['unknown_key', header({ kid: '../../../../etc/passwd' })],
  '27 kid __proto__': ['unknown_key', header({ kid: '__proto__' })],
  '27 kid a number': ['key_id', header({ kid: 7 })],
  '27 kid empty': ['key_id', header({ kid: '' })],
  '27 kid of 1 KB': ['key_id', header({ kid: 'k'.repeat(1024) })],
  '27 kid of 10 KB': ['too_long', header({ kid: 'k'.repeat(10_240) })],
  '27 alg RS256 with the kid of an ES256 key': ['unknown_key', header({ alg: 'RS256' })],
  '28 jku': ['header', header({ jku: 'https://evil.example/jwks.json' })],
  '28 x5u': ['header', header({ x5u: 'https://evil.example/cert.pem' })],
  '28 x5c': ['header', header({ x5c: ['MIIB'] })],
  '28 an embedded jwk of the key that signed it': [
    'header',
    mint.token({ key: stranger, header: { jwk: stranger.jwk } }),
  ],
  '29 crit': ['header', header({ crit: ['exp'] })],
  '29 an empty crit': ['header', header({ crit: [] })],
  '29 b64 false': ['header', header({ b64: false, crit: ['b64'] })],
  '29 b64 false without crit': ['header', header({ b64: false })],
  '29 typ at+jwt': ['header', header({ typ: 'at+jwt' })],
  '29 typ a number': ['header', header({ typ: 1 })],
  '30 an empty signature': ['malformed', withParts(([head, claims]) => [head, claims, ''])],
  '30 a swapped signature': [
    'signature',
    withParts(([head, claims]) => [head, claims, otherToken.split('.')[2] ?? '']),
  ],
  '30 swapped claims': [
    'signature',
    withParts(([head, , signature]) => [head, encode(bareWithSub()), signature]),
  ],
  '30 a key of the same kid that is not ours': ['signature', mint.token({ key: stranger })],
  '30 a signature in DER': [
    'signature',
    withParts(([head, claims]) => [head, claims, derOf(`${head}.${claims}`)]),
  ],
  '30 a padded signature': ['malformed', `${mint.token()}==`],
  '30 base64 instead of base64url': ['malformed', withParts(([head, claims]) => [head, claims, '+/+/'])],
  '30 white space inside': [
    'malformed',
    withParts(([head, claims, signature]) => [head, claims, ` ${signature}`]),
  ],
  '31 exp more than 5 s past': ['expired', mint.token({ expiresIn: -5 })],
  '31 exp a string': ['expiry', claim({ exp: String(seconds + 60) })],
  '31 exp missing': ['expiry', claim({ exp: undefined })],
  '31 exp null': ['expiry', claim({ exp: null })],
  '31 exp negative': ['expiry', claim({ exp: -1 })],
  '31 exp past the year 9999': ['expiry', claim({ exp: 1e15 })],
  '31 exp in the year 9999': ['expiry', claim({ exp: 253_402_300_799 })],
  '31 exp in two months': ['expiry', mint.token({ expiresIn: 60 * 86_400 })],
  '31 exp infinite': ['expiry', withRawClaims((json) => json.replace(/"exp":\d+/, '"exp":1e400'))],
  '32 nbf in 60 s': ['not_yet_valid', claim({ nbf: seconds + 60 })],
  '32 nbf a string': ['not_yet_valid', claim({ nbf: String(seconds) })],
  '33 iat in the future': ['issued_in_future', claim({ iat: seconds + 6 })],
  '33 iat a string': ['issued_in_future', claim({ iat: String(seconds) })],
  '34 iss of another project': ['issuer', claim({ iss: 'https://other.supabase.test/auth/v1' })],
  '34 iss with a trailing slash': ['issuer', claim({ iss: `${mint.issuer}/` })],
  '34 iss in other case': ['issuer', claim({ iss: mint.issuer.toUpperCase() })],
  '34 iss a list that holds ours': ['issuer', claim({ iss: [mint.issuer] })],
  '34 iss missing': ['issuer', claim({ iss: undefined })],
  '35 aud anon': ['audience', claim({ aud: 'anon' })],
  '35 aud missing': ['audience', claim({ aud: undefined })],
  '35 aud an empty list': ['audience', claim({ aud: [] })],
  '35 aud an object': ['audience', claim({ aud: { authenticated: true } })],
  '36 role anon': ['role', claim({ role: 'anon' })],
  '36 role service_role': ['role', claim({ role: 'service_role' })],
  '36 another role': ['role', claim({ role: 'supabase_admin' })],
  '36 role missing': ['role', claim({ role: undefined })],
  '36 role a list': ['role', claim({ role: ['authenticated'] })],
  '37 a legacy anon key': ['issuer', legacyKey('anon')],
  '37 a legacy service_role key': ['issuer', legacyKey('service_role')],
  '37 a publishable key': ['api_key', 'sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH'],
  '37 a secret key': ['api_key', 'sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz'],
  '38 sub missing': ['subject', claim({ sub: undefined })],
  '38 sub empty': ['subject', claim({ sub: '' })],
  '38 sub not a UUID': ['subject', claim({ sub: 'admin' })],
  '38 sub a UUID and more': ['subject', claim({ sub: `${crypto.randomUUID()}\n` })],
  '38 sub a number': ['subject', claim({ sub: 42 })],
  '39 is_anonymous that is no boolean': ['is_anonymous', claim({ is_anonymous: 'true' })],
  '39 a forged anonymous token': ['signature', mint.token({ key: stranger, claims: { is_anonymous: true } })],
  '41 a good token over 8 KB': ['too_long', claim({ user_metadata: { note: 'x'.repeat(8192) } })],
  '41 a JWE': [
    'malformed',
    withParts(([head, claims, signature]) => [head, claims, signature, 'AAAA', 'AAAA']),
  ],
  '41 a JWE header': ['header', header({ enc: 'A256GCM' })],
  'claims that are a list': ['malformed', withRawClaims(() => '[]')],
  'claims that are null': ['malformed', withRawClaims(() => 'null')],
  'claims that are no JSON': ['malformed', withRawClaims(() => '{"iss"')],
  'claims nested 3,000 deep': [
    'issuer',
    withRawClaims(() => `{"iss":${'['.repeat(2900)}${']'.repeat(2900)}}`),
  ],
};

describe('a bad token is unauthorized, and only the log learns why', () => {
  it.each(Object.entries(unauthorized))('%s', async (_name, [reason, token]) => {
    const refusal = await refusalOf(authenticator.verify(token));
    expect(refusal).toEqual({
      status: 401,
      code: 'unauthorized',
      cause: reason,
      message: 'the access token is missing, expired or not valid; sign in again to get a new one',
      retryAfterMs: undefined,
    });
  });
});

describe('times are judged with 5 s of tolerance', () => {
  it.each([
    ['exp 4 s past', mint.token({ expiresIn: -4 })],
    ['nbf in 5 s', claim({ nbf: seconds + 5 })],
    ['iat in 5 s', claim({ iat: seconds + 5 })],
    ['no iat', claim({ iat: undefined })],
  ])('%s is admitted', async (_name, token) => {
    expect(await refusalOf(authenticator.verify(token))).toBe('admitted');
  });
});

function withRawClaims(edit: (json: string) => string): string {
  const [head, claims] = mint.token().split('.') as [string, string];
  const edited = Buffer.from(edit(Buffer.from(claims, 'base64url').toString())).toString('base64url');
  return `${head}.${edited}.${derOf('x')}`;
}

function bareWithSub(): object {
  return { ...bareClaims, sub: crypto.randomUUID() };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function derOf(input: string): string {
  return sign('sha256', Buffer.from(input), mint.key.secret).toString('base64url');
}

/** What Supabase calls an API key: HS256 by the project's secret, no user in it. */
function legacyKey(role: string): string {
  const claims = { iss: 'supabase', ref: 'project', role, iat: seconds - 100, exp: seconds + 1e8 };
  return signToken(createSigningKey('HS256'), { alg: 'HS256', typ: 'JWT' }, claims);
}
