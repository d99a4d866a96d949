/** Tokens 25–41 of the list of bad inputs, and what a handshake with each is answered. */
import { createPublicKey } from 'node:crypto';
import {
  ALICE,
  createSigningKey,
  type SigningKey,
  signToken,
  type TokenMint,
  type TokenOptions,
} from '../support/token-mint.ts';

export interface TokenInput {
  readonly number: number;
  readonly input: string;
  readonly expected: '401 unauthorized' | '403 forbidden' | '101';
  readonly token: (scene: TokenScene) => string;
}

export interface TokenScene {
  readonly mint: TokenMint;
  /** A server of the attacker: nothing must ever connect to it. */
  readonly trapUrl: string;
}

type Parts = readonly [header: string, claims: string, signature: string];

const stranger = createSigningKey();
const nowSeconds = (): number => Math.floor(Date.now() / 1000);
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function bad(number: number, input: string, token: TokenInput['token']): TokenInput {
  return { number, input, expected: '401 unauthorized', token };
}

function minted(number: number, input: string, options: TokenOptions): TokenInput {
  return bad(number, input, ({ mint }) => mint.token(options));
}

const header = (number: number, input: string, fields: object): TokenInput =>
  minted(number, input, { header: { ...fields } });
const claims = (number: number, input: string, fields: object): TokenInput =>
  minted(number, input, { claims: { ...fields } });

/** A good token taken apart and put together otherwise. */
function spliced(
  number: number,
  input: string,
  splice: (parts: Parts, other: Parts) => string[],
): TokenInput {
  const partsOf = (token: string): Parts => {
    const [head = '', middle = '', signature = ''] = token.split('.');
    return [head, middle, signature];
  };
  return bad(number, input, ({ mint }) =>
    splice(partsOf(mint.token()), partsOf(mint.token({ sub: crypto.randomUUID() }))).join('.'),
  );
}

/** HS256 with a text that everybody knows as its secret. */
function signedWith(number: number, input: string, textOf: (key: SigningKey) => string): TokenInput {
  return bad(number, input, ({ mint }) => {
    const { key } = mint;
    return mint.token({ key: { alg: 'HS256', kid: key.kid, secret: textOf(key), jwk: undefined } });
  });
}

function publicPem({ secret }: SigningKey): string {
  if (typeof secret === 'string') throw new Error('a secret has no public half');
  return createPublicKey(secret).export({ type: 'spki', format: 'pem' }).toString();
}

/** What older projects call their API keys, signed with the project's own secret. */
function apiKey(role: string): TokenInput {
  return bad(37, `a legacy ${role} key`, () => {
    const body = { iss: 'supabase', ref: 'project', role, iat: nowSeconds() - 100, exp: nowSeconds() + 1e8 };
    return signToken(createSigningKey('HS256'), { alg: 'HS256', typ: 'JWT' }, body);
  });
}

export const TOKENS: readonly TokenInput[] = [
  spliced(25, 'alg none, unsigned', ([, body]) => [encode({ alg: 'none', typ: 'JWT' }), body, '']),
  header(25, 'alg none, signed', { alg: 'none' }),
  header(25, 'alg nOnE', { alg: 'nOnE' }),
  signedWith(26, 'HS256 by the public PEM', publicPem),
  signedWith(26, 'HS256 by the public JWK', ({ jwk }) => JSON.stringify(jwk)),
  signedWith(26, 'HS256 by a guessed secret', () => 'super-secret-jwt-token-with-at-least-32-characters'),
  header(27, 'kid unknown', { kid: crypto.randomUUID() }),
  header(27, 'kid ../../', { kid: '../../../../dev/null' }),
  header(27, 'kid a number', { kid: 42 }),
  header(27, 'kid of 10 KB', { kid: 'k'.repeat(10_240) }),
  bad(28, 'jku', ({ mint, trapUrl }) =>
    mint.token({ key: stranger, header: { jku: `${trapUrl}/.well-known/jwks.json` } }),
  ),
  bad(28, 'x5u', ({ mint, trapUrl }) =>
    mint.token({ key: stranger, header: { x5u: `${trapUrl}/cert.pem` } }),
  ),
  bad(28, 'a URL as kid', ({ mint, trapUrl }) => mint.token({ header: { kid: `${trapUrl}/jwks.json` } })),
  bad(28, 'iss that points to another key set', ({ mint, trapUrl }) =>
    mint.token({ key: stranger, claims: { iss: `${trapUrl}/auth/v1` } }),
  ),
  minted(28, 'an embedded jwk', { key: stranger, header: { jwk: stranger.jwk } }),
  header(29, 'crit', { crit: ['exp'] }),
  header(29, 'b64 false', { b64: false, crit: ['b64'] }),
  spliced(30, 'an empty signature', ([head, body]) => [head, body, '']),
  spliced(30, 'a swapped signature', ([head, body], [, , signature]) => [head, body, signature]),
  spliced(30, 'swapped claims', ([head, , signature], [, body]) => [head, body, signature]),
  bad(30, 'a stranger under our kid', ({ mint }) =>
    mint.token({ key: stranger, header: { kid: mint.key.kid } }),
  ),
  minted(31, 'exp over 5 s past', { expiresIn: -6 }),
  claims(31, 'exp a string', { exp: String(nowSeconds() + 3600) }),
  claims(31, 'exp missing', { exp: undefined }),
  claims(32, 'nbf in 60 s', { nbf: nowSeconds() + 60 }),
  claims(33, 'iat in an hour', { iat: nowSeconds() + 3600 }),
  claims(34, 'iss of another project', { iss: 'https://other.supabase.co/auth/v1' }),
  bad(34, 'iss with a trailing slash', ({ mint }) => mint.token({ claims: { iss: `${mint.issuer}/` } })),
  claims(34, 'iss of the development issuer', { iss: 'http://localhost/dev' }),
  claims(35, 'aud anon', { aud: 'anon' }),
  claims(35, 'aud missing', { aud: undefined }),
  claims(36, 'role anon', { role: 'anon' }),
  claims(36, 'role service_role', { role: 'service_role' }),
  claims(36, 'role supabase_admin', { role: 'supabase_admin' }),
  apiKey('anon'),
  apiKey('service_role'),
  bad(37, 'sb_publishable_…', () => 'sb_publishable_BJHwQmZkUe0rTnq2yVx4Sg_9fL3kDcP'),
  bad(37, 'sb_secret_…', () => 'sb_secret_W7rTkQ1mZp5vXy8cBn2dLg_Hf4JsUeA'),
  claims(38, 'sub missing', { sub: undefined }),
  claims(38, 'sub not a UUID', { sub: 'admin' }),
  {
    number: 39,
    input: 'is_anonymous',
    expected: '403 forbidden',
    token: ({ mint }) => mint.token({ claims: { is_anonymous: true } }),
  },
  claims(41, 'a token over 8 KB', { user_metadata: { note: 'x'.repeat(8192) } }),
  spliced(41, 'a JWE', ([, body, signature]) => [
    encode({ alg: 'dir', enc: 'A256GCM' }),
    '',
    signature,
    body,
    signature,
  ]),
];

/** 40: what users write into their own metadata, under names that a careless server reads. */
export const SELF_MADE_CLAIMS: TokenOptions = {
  sub: ALICE,
  claims: {
    app_metadata: { provider: 'email' },
    user_metadata: {
      plan: 'admin',
      tier: 'enterprise',
      role: 'service_role',
      organization_id: 'another-school',
    },
    tier: 'enterprise',
    organization_id: 'another-school',
  },
};
