/** What proves who somebody is, in each of its places: a token taken apart, verified, carried by a header or a subprotocol. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { createAuthenticator } from '../../../src/auth/create-authenticator.ts';
import { KeySet } from '../../../src/auth/key-set.ts';
import { headerToken } from '../../../src/http/admission/bearer-token.ts';
import { handshakeToken } from '../../../src/http/websocket/upgrade-request.ts';
import type { RelayError } from '../../../src/protocol/relay-error.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { createSigningKey, signToken, TEST_SECRET, TokenMint } from '../../support/token-mint.ts';
import type { FuzzSubject, FuzzTarget } from '../fuzz-target.ts';
import { readOrRefused, requireRefusal } from '../refused.ts';

const clock = new ManualClock();
const mint = new TokenMint(clock);
const legacy = createSigningKey('HS256');
const GOOD = [
  mint.token(),
  mint.token({ key: legacy }),
  mint.token({ claims: { app_metadata: { tier: 'school_1', organization_id: 'o' } } }),
];
/** Admitted is only what the issuer signed, to the character. */
const ADMITTED: ReadonlySet<string> = new Set(GOOD);
const ORIGINS = new Set(['https://app.example.com']);

const bad = [
  mint.token({ header: { alg: 'none' } }),
  mint.token({ header: { kid: '../../', jku: 'http://127.0.0.1/' } }),
  mint.token({ claims: { exp: undefined, aud: ['x'], sub: 'admin' } }),
  mint.token({ claims: { role: 'service_role' } }),
  signToken(legacy, {}, {}),
  'sb_secret_W7rTkQ1mZp5vXy8cBn2dLg',
  'a.b.c.d.e',
];

export const tokens: FuzzTarget = {
  name: 'tokens',
  corpus: [
    ...GOOD,
    ...bad,
    `Bearer ${GOOD[0]}`,
    `dash-relay.v1, bearer.${GOOD[0]}`,
    `bearer.${GOOD[1]}, dash-relay.v1, x`,
  ],
  words: ['Bearer ', 'bearer.', 'dash-relay.v1', ', ', 'eyJhbGciOiJub25lIn0', 'e30', GOOD[1] ?? ''],
  cases: 300,
  open,
};

async function open(): Promise<FuzzSubject> {
  const keySet = await KeySet.from({ keys: [mint.key.jwk] });
  const authenticator = createAuthenticator({ issuer: mint.issuer, clock, keySet, secret: TEST_SECRET });
  const verify = async (token: string): Promise<void> => {
    try {
      await authenticator.verify(token);
      assert.ok(ADMITTED.has(token), 'a token was admitted that nobody signed');
    } catch (refusal) {
      requireRefusal(refusal);
      assert.equal(refusal.status, 401);
      requireNothingOf(token, refusal);
    }
  };
  return {
    async check(input) {
      await verify(input);
      for (const headers of carriers(input)) {
        const token = readOrRefused(() => handshakeToken(requestWith(headers), ORIGINS));
        if (token !== undefined) await verify(token);
        readOrRefused(() => headerToken(requestWith(headers)));
      }
    },
    async [Symbol.asyncDispose]() {
      authenticator.close();
    },
  };
}

/** The places a text can come in by, and an origin that it may be. */
function carriers(text: string): Record<string, string>[] {
  return [
    { authorization: text },
    { authorization: `Bearer ${text}` },
    { 'sec-websocket-protocol': text },
    { 'sec-websocket-protocol': `dash-relay.v1, bearer.${text}`, origin: 'https://app.example.com' },
    { 'sec-websocket-protocol': `dash-relay.v1, bearer.${GOOD[0]}`, origin: text, host: text },
  ];
}

/** As Node gives it: names in lower case, one text each. */
function requestWith(headers: Readonly<Record<string, string>>): IncomingMessage {
  return { headers, rawHeaders: Object.entries(headers).flat() } as unknown as IncomingMessage;
}

function requireNothingOf(token: string, { message, cause }: RelayError): void {
  const said = `${message} ${String(cause)}`;
  for (const part of token.split('.'))
    if (part.length >= 24) assert.ok(!said.includes(part), 'a part of a token is said');
}
