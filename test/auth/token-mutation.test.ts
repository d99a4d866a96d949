import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../src/auth/create-authenticator.ts';
import { KeySet } from '../../src/auth/key-set.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type Algorithm, createSigningKey, TEST_SECRET, TokenMint } from '../support/token-mint.ts';
import { refusalOf } from './refusal-of.ts';

const clock = new ManualClock();
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const ANY_CHARACTER = fc.oneof(fc.constantFrom(...ALPHABET), fc.string({ minLength: 1, maxLength: 1 }));

describe.each<Algorithm>(['ES256', 'RS256', 'HS256'])('a good %s token', async (algorithm) => {
  const mint = new TokenMint(clock, createSigningKey(algorithm));
  const keySet = await KeySet.from({ keys: mint.key.jwk === undefined ? [] : [mint.key.jwk] });
  const authenticator = createAuthenticator({ issuer: mint.issuer, clock, keySet, secret: TEST_SECRET });
  const token = mint.token();

  const expectRefused = async (mutated: string): Promise<void> => {
    if (mutated !== token)
      expect(await refusalOf(authenticator.verify(mutated))).toMatchObject({ status: 401 });
  };

  it('verifies', async () => {
    expect(await refusalOf(authenticator.verify(token))).toBe('admitted');
  });

  it('verifies no more with any one character changed', async () => {
    for (let at = 0; at < token.length; at += 1) {
      const [character = ''] = fc.sample(ANY_CHARACTER, 1);
      await expectRefused(token.slice(0, at) + character + token.slice(at + 1));
    }
  });

  it('verifies in no other spelling of its last character', async () => {
    for (const character of ALPHABET) await expectRefused(token.slice(0, -1) + character);
  });

  it('verifies no more with characters put in or taken out', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length),
        fc.nat(3),
        fc.string({ maxLength: 3 }),
        async (at, removed, added) => {
          await expectRefused(token.slice(0, at) + added + token.slice(at + removed));
        },
      ),
    );
  });
});
