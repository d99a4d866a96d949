import { describe, expect, it } from 'vitest';
import { Signatures } from '../../src/auth/signatures.ts';
import { secretKey } from '../../src/auth/verification-key.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createSigningKey, TEST_SECRET, TokenMint } from '../support/token-mint.ts';

const mint = new TokenMint(new ManualClock(), createSigningKey('HS256'));
const GENERATION = 2;

/** A key that stops verifying on demand: what still holds then was remembered. */
function breakableKey() {
  const key = { alg: 'HS256' as const, material: secretKey(TEST_SECRET).material };
  return { key, breakIt: () => Object.assign(key, { material: secretKey('another secret').material }) };
}

async function provenThenOthers(others: number) {
  const signatures = new Signatures(GENERATION);
  const { key, breakIt } = breakableKey();
  const token = mint.token();
  expect(await signatures.holds(token, key)).toBe(true);
  for (let index = 0; index < others; index += 1) {
    await signatures.holds(mint.token({ sub: crypto.randomUUID() }), key);
  }
  return { signatures, key, breakIt, token };
}

describe('a signature that was proven', () => {
  it.each([0, 2])('is not verified again after %i others', async (others) => {
    const { signatures, key, breakIt, token } = await provenThenOthers(others);
    breakIt();
    expect(await signatures.holds(token, key)).toBe(true);
  });

  it('is forgotten after two generations of others', async () => {
    const { signatures, key, breakIt, token } = await provenThenOthers(2 * GENERATION);
    breakIt();
    expect(await signatures.holds(token, key)).toBe(false);
  });

  it.each([0, 2])('counts for no other key, also after %i others', async (others) => {
    const { signatures, token } = await provenThenOthers(others);
    expect(await signatures.holds(token, secretKey('another secret'))).toBe(false);
  });

  it('is not what a refusal leaves behind', async () => {
    const signatures = new Signatures(GENERATION);
    const token = mint.token();
    expect(await signatures.holds(token, secretKey('another secret'))).toBe(false);
    expect(await signatures.holds(token, secretKey(TEST_SECRET))).toBe(true);
  });
});
