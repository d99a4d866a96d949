import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../src/auth/create-authenticator.ts';
import {
  createDevelopmentIssuer,
  DEVELOPMENT_USER_ID,
  type DevelopmentIssuer,
} from '../../src/auth/development-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { BOB, TEST_ISSUER, TokenMint } from '../support/token-mint.ts';
import { refusalOf } from './refusal-of.ts';

const clock = new ManualClock();
let dataDir: string;
let keyFile: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'development-issuer-'));
  keyFile = join(dataDir, 'development-key.json');
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const createIssuer = (dir = dataDir) => createDevelopmentIssuer({ dataDir: dir, issuer: TEST_ISSUER, clock });
const authenticatorOf = ({ keySet }: DevelopmentIssuer) =>
  createAuthenticator({ issuer: TEST_ISSUER, clock, keySet });

describe('a token of the development issuer', () => {
  it('passes the verifier that Supabase tokens pass', async () => {
    const issuer = await createIssuer();
    const principal = await authenticatorOf(issuer).verify(await issuer.mint());
    expect(principal).toEqual({
      userId: DEVELOPMENT_USER_ID,
      organizationId: null,
      tier: null,
      anonymous: false,
      expiresAt: clock.now() + 3_600_000,
      token: {
        issuedAt: clock.now(),
        sessionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        keyId: issuer.kid,
      },
    });
  });

  it('carries the sub, the tier and the lifetime asked for', async () => {
    const issuer = await createIssuer();
    const token = await issuer.mint({ sub: BOB.toUpperCase(), tier: 'premium', expiresIn: 60 });
    expect(await authenticatorOf(issuer).verify(token)).toMatchObject({
      userId: BOB,
      tier: 'premium',
      expiresAt: clock.now() + 60_000,
    });
  });

  it.each([
    ['a sub that is no UUID', { sub: 'admin' }],
    ['a sub that is a number', { sub: 1 }],
    ['an empty tier', { tier: '' }],
    ['a long tier', { tier: 't'.repeat(129) }],
    ['a tier with a line break', { tier: 'pro\nadmin' }],
    ['a tier that is a number', { tier: 1 }],
    ['a lifetime of 0 s', { expiresIn: 0 }],
    ['a lifetime over a day', { expiresIn: 86_401 }],
    ['a lifetime of 1.5 s', { expiresIn: 1.5 }],
    ['a lifetime as a text', { expiresIn: '60' }],
  ])('is not minted with %s', async (_name, request) => {
    const issuer = await createIssuer();
    expect(await refusalOf(issuer.mint(request))).toMatchObject({ status: 400, code: 'bad_request' });
  });

  it('of somebody else is refused', async () => {
    const authenticator = authenticatorOf(await createIssuer());
    expect(await refusalOf(authenticator.verify(new TokenMint(clock).token()))).toMatchObject({
      status: 401,
    });
  });
});

describe('the signing key of the development issuer', () => {
  it('outlives a restart', async () => {
    const token = await (await createIssuer()).mint();
    expect(await refusalOf(authenticatorOf(await createIssuer()).verify(token))).toBe('admitted');
  });

  it('is readable by its owner alone, and nothing else is left beside it', async () => {
    await createIssuer();
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
    expect(await readdir(dataDir)).toEqual(['development-key.json']);
  });

  it('is one key, however many begin at once', async () => {
    const dir = join(dataDir, 'not', 'there', 'yet');
    const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => createIssuer(dir)));
    if (first === undefined) throw new Error('no issuer');
    const authenticator = authenticatorOf(first);
    for (const other of others)
      expect(await refusalOf(authenticator.verify(await other.mint()))).toBe('admitted');
    expect(await readdir(dir)).toEqual(['development-key.json']);
  });

  it.each([
    ['empty', () => ''],
    ['cut off', (text: string) => text.slice(0, -20)],
    ['null', () => 'null'],
    ['without its private part', (text: string) => text.replace('"d"', '"e"')],
    ['a point off the curve', (text: string) => text.replace(/"x":"..../, '"x":"AAAA')],
  ])('whose file is %s is named, with what to do', async (_name, damage) => {
    await createIssuer();
    await writeFile(keyFile, damage(await readFile(keyFile, 'utf8')));
    await expect(createIssuer()).rejects.toThrow(`${keyFile} holds no usable signing key; delete it`);
  });

  it('that cannot be written is named, with what to do', async () => {
    await writeFile(join(dataDir, 'file'), '');
    await expect(createIssuer(join(dataDir, 'file'))).rejects.toThrow(/cannot be (read|written); check/);
  });
});
