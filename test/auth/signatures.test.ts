import { sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Signatures } from '../../src/auth/signatures.ts';
import { publicKeyOf, secretKey } from '../../src/auth/verification-key.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createSigningKey, type SigningKey, TEST_SECRET, TokenMint } from '../support/token-mint.ts';

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

describe('a signature by a key of the key set', () => {
  it.each(['ES256', 'RS256'] as const)('holds for what was signed and for nothing else: %s', async (alg) => {
    const { key, token, other } = await signedBy(createSigningKey(alg));
    const [header, claims] = token.split('.');
    const swapped = `${header}.${claims}.${other.split('.')[2]}`;
    expect(await new Signatures().holds(token, key)).toBe(true);
    expect(await new Signatures().holds(swapped, key)).toBe(false);
    expect(await new Signatures().holds(token, (await signedBy(createSigningKey(alg))).key)).toBe(false);
  });

  it.each(['ES256', 'RS256'] as const)('does not hold when cut or lengthened: %s', async (alg) => {
    const { key, token } = await signedBy(createSigningKey(alg));
    const signature = Buffer.from(token.split('.')[2] ?? '', 'base64url');
    const none = Buffer.alloc(0);
    const zeros = Buffer.alloc(signature.length);
    const longer = [Buffer.concat([signature, signature]), Buffer.concat([signature, Buffer.alloc(1)])];
    for (const bytes of [none, zeros, signature.subarray(1), signature.subarray(0, -1), ...longer]) {
      expect(await new Signatures().holds(withSignature(token, bytes), key)).toBe(false);
    }
  });

  it('does not hold in DER, where ES256 has r and s side by side', async () => {
    const signing = createSigningKey('ES256');
    const { key, token } = await signedBy(signing);
    const signed = Buffer.from(token.slice(0, token.lastIndexOf('.')));
    const der = sign('sha256', signed, signing.secret);
    expect(await new Signatures().holds(withSignature(token, der), key)).toBe(false);
  });
});

async function signedBy(signing: SigningKey) {
  const key = await publicKeyOf(signing.jwk);
  if (key === undefined) throw new Error('not a usable key');
  const issuer = new TokenMint(new ManualClock(), signing);
  return { key, token: issuer.token(), other: issuer.token({ sub: crypto.randomUUID() }) };
}

function withSignature(token: string, signature: Buffer): string {
  return token.slice(0, token.lastIndexOf('.') + 1) + signature.toString('base64url');
}
