import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthenticatorOptions, createAuthenticator } from '../../src/auth/create-authenticator.ts';
import type { Authenticator } from '../../src/auth/port.ts';
import { systemClock } from '../../src/time/clock.ts';
import { createSigningKey, KeySetServer, TEST_SECRET, TokenMint } from '../support/token-mint.ts';
import { refusalOf } from './refusal-of.ts';

const mint = new TokenMint(systemClock);
const rsa = createSigningKey('RS256');
const tokens = {
  HS256: mint.token({ key: createSigningKey('HS256') }),
  ES256: mint.token(),
  RS256: mint.token({ key: rsa }),
};
const server = new KeySetServer();

beforeAll(async () => {
  await server.listen();
  server.publish(mint.key, rsa);
});
afterAll(() => server.close());

async function started(keys: Pick<AuthenticatorOptions, 'secret' | 'jwksUrl'>): Promise<Authenticator> {
  const authenticator = createAuthenticator({ issuer: mint.issuer, clock: systemClock, ...keys });
  await authenticator.start();
  authenticator.close();
  return authenticator;
}

describe('the environment decides which algorithms count, never the token', () => {
  it.each([
    ['a secret alone: HS256', () => ({ secret: TEST_SECRET }), ['HS256']],
    ['a key set alone: ES256 and RS256', () => ({ jwksUrl: server.url }), ['ES256', 'RS256']],
    [
      'both, in a migrating project: each by its own key',
      () => ({ secret: TEST_SECRET, jwksUrl: server.url }),
      ['HS256', 'ES256', 'RS256'],
    ],
  ])('%s', async (_name, keys, admitted) => {
    const authenticator = await started(keys());
    for (const [algorithm, token] of Object.entries(tokens)) {
      const expected = admitted.includes(algorithm)
        ? 'admitted'
        : { code: 'unauthorized', cause: 'algorithm' };
      const refusal = await refusalOf(authenticator.verify(token));
      if (typeof expected === 'string') expect(refusal, algorithm).toBe(expected);
      else expect(refusal, algorithm).toMatchObject(expected);
    }
  });

  it('another secret proves nothing', async () => {
    const authenticator = await started({ secret: `${TEST_SECRET}!` });
    expect(await refusalOf(authenticator.verify(tokens.HS256))).toMatchObject({ cause: 'signature' });
  });

  it('a secret in the key set (kty oct) is not a key', async () => {
    const secret = createSigningKey('HS256', 'shared');
    const jwk = {
      kty: 'oct',
      kid: 'shared',
      alg: 'HS256',
      k: Buffer.from(TEST_SECRET).toString('base64url'),
    };
    const listed = await new KeySetServer().listen();
    listed.publishJwks([jwk, mint.key.jwk]);
    const authenticator = await started({ jwksUrl: listed.url });
    await listed.close();
    expect(await refusalOf(authenticator.verify(tokens.ES256))).toBe('admitted');
    expect(await refusalOf(authenticator.verify(mint.token({ key: secret })))).toMatchObject({
      cause: 'algorithm',
    });
  });

  it('refuses to be built without any key', () => {
    expect(() => createAuthenticator({ issuer: mint.issuer, clock: systemClock })).toThrow(TypeError);
  });
});
