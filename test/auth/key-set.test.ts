import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeySet } from '../../src/auth/key-set.ts';
import { createSigningKey } from '../support/token-mint.ts';

const ec = { ...createSigningKey('ES256', 'ec').jwk };
const { x, y } = ec as { x?: unknown; y?: unknown };
const rsa = { ...createSigningKey('RS256', 'rsa').jwk };
const withPrivate = {
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
  kid: 'ec',
};

describe('a key set keeps the keys that may sign tokens', () => {
  it.each([
    ['an EC key', ec, 'ES256'],
    ['an RSA key', rsa, 'RS256'],
    ['a key that says only what it must', { kty: 'EC', crv: 'P-256', kid: 'ec', x, y }, 'ES256'],
    ['the public half of one published by mistake', withPrivate, 'ES256'],
  ] as const)('%s', async (_name, jwk, alg) => {
    const keys = await KeySet.from({ keys: [jwk] });
    const key = keys.find(alg, alg === 'ES256' ? 'ec' : 'rsa');
    expect(key).toMatchObject({ alg, material: { type: 'public' } });
  });

  it.each([
    ['a secret', { kty: 'oct', kid: 'a', alg: 'HS256', k: 'AAAA' }],
    ['a key without an id', { ...ec, kid: undefined }],
    ['a key whose id is a number', { ...ec, kid: 1 }],
    ['an encryption key', { ...ec, use: 'enc' }],
    ['a key that may not verify', { ...ec, key_ops: ['encrypt'] }],
    ['an EC key for another algorithm', { ...ec, alg: 'ES384' }],
    ['an RSA key for HS256', { ...rsa, alg: 'HS256' }],
    ['another curve', createJwk('P-384')],
    ['a point off the curve', { ...ec, y: x }],
    ['an RSA key of 1024 bits', createJwk(1024)],
    ['an RSA key of leading zeros', { ...createJwk(1024), n: Buffer.alloc(256).toString('base64url') }],
    ['null', null],
    ['a text', 'key'],
  ])('and leaves out %s, but not its neighbour', async (_name, jwk) => {
    const keys = await KeySet.from({ keys: [jwk, { ...ec, kid: 'neighbour' }] });
    expect(keys.size).toBe(1);
    expect(keys.find('ES256', 'neighbour')).toBeDefined();
  });

  it.each([null, 7, 'keys', [], {}, { keys: {} }, { keys: null }])('%j is no key set', async (jwks) => {
    await expect(KeySet.from(jwks)).rejects.toThrow('not a JWK set');
  });

  it('a key that comes again stays the same; another under its id does not', async () => {
    const first = await KeySet.from({ keys: [ec, rsa] });
    const second = await KeySet.from({ keys: [{ ...createSigningKey('ES256', 'ec').jwk }, rsa] }, first);
    expect(second.find('RS256', 'rsa')).toBe(first.find('RS256', 'rsa'));
    expect(second.find('ES256', 'ec')).not.toBe(first.find('ES256', 'ec'));
  });
});

function createJwk(kind: number | 'P-384'): Record<string, unknown> {
  const { publicKey } =
    kind === 'P-384'
      ? generateKeyPairSync('ec', { namedCurve: kind })
      : generateKeyPairSync('rsa', { modulusLength: kind });
  return { ...publicKey.export({ format: 'jwk' }), kid: 'weak' };
}
