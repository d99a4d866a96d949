import { createLocalJWKSet, jwtVerify } from 'jose';
import { expect, it } from 'vitest';
import { mintTokens, newSigner } from '../../bench/issuer/tokens.ts';

const ISSUER = 'http://127.0.0.1:1/auth/v1';
const { privateKey, keySet } = newSigner('one');
const keys = createLocalJWKSet(JSON.parse(keySet));

it('mints tokens that its key set proves, each of another user', async () => {
  const tokens = mintTokens({ keyId: 'one', privateKey, issuer: ISSUER }, 'c', 3);
  const verified = await Promise.all(
    tokens.map((token) => jwtVerify(token, keys, { issuer: ISSUER, audience: 'authenticated' })),
  );
  expect(verified.every(({ protectedHeader }) => protectedHeader.alg === 'ES256')).toBe(true);
  expect(new Set(verified.map(({ payload }) => payload.sub)).size).toBe(3);
});

it('gives generators of other names other users', async () => {
  const [first, second] = ['a', 'b'].map(
    (name) => mintTokens({ keyId: 'one', privateKey, issuer: ISSUER }, name, 1)[0],
  );
  const users = await Promise.all(
    [first, second].map(async (token) => (await jwtVerify(String(token), keys)).payload.sub),
  );
  expect(users[0]).not.toBe(users[1]);
});
