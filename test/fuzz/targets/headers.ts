/** Headers of a request that decide something: addresses as proxies name them, the position of a reader, a time to wait. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import {
  clientAddressBy,
  peerAddressBy,
  type TrustProxy,
} from '../../../src/http/admission/client-address.ts';
import { positionOf } from '../../../src/http/routes/event-stream.ts';
import { isHandshake, refusedOrigin, requireHandshake } from '../../../src/http/websocket/upgrade-request.ts';
import { RelayError } from '../../../src/protocol/relay-error.ts';
import { readRetryAfter } from '../../../src/protocol/retry-after.ts';
import { type FuzzTarget, subject } from '../fuzz-target.ts';
import { readOrRefused } from '../refused.ts';

const PROXY = '10.0.0.1';
const TRUSTED: TrustProxy = ['10.0.0.0/8', 'fd00::/8', '192.0.2.7'];
/** `undefined`: it hung up before anybody asked. */
const PEERS = [
  PROXY,
  '::ffff:10.0.0.1',
  'fd00::1',
  '198.51.100.1',
  '2001:db8:1:2::3',
  'fe80::1%eth0',
  undefined,
];
const FOREIGN = '198.51.100.1';
const LONGEST_WAIT_MS = 2 ** 31 - 1;
const LONGEST_KEY = 64;

export const headers: FuzzTarget = {
  name: 'headers',
  corpus: [
    '203.0.113.1',
    '192.0.2.1, 203.0.113.1, 10.0.0.2',
    '2001:db8::1, [2001:db8::2]:5060, 10.1.2.3:80',
    '::ffff:203.0.113.1,fe80::1%eth0,::1',
    'unknown, _hidden, "for=192.0.2.1"',
    'wBf2nJ0cXk3rT9aQ.41',
    '120',
    'Fri, 31 Dec 1999 23:59:59 GMT',
    'PROXY TCP4 203.0.113.1 203.0.113.2 1 2',
    'websocket, h2c',
    'dGhlIHNhbXBsZSBub25jZQ==',
  ],
  words: ['::', ':', '/8', '%', 'fd00::', '10.0.0.', '256.', ', ', '.', 'epoch-of-a-run', 'GMT'],
  cases: 400,
  open: () => subject(check),
};

function check(input: string): void {
  checkAddresses(input);
  const position = readOrRefused(() => positionOf(input));
  if (position !== undefined) assert.ok(Number.isSafeInteger(position.after) && position.after >= 0);
  const wait = readRetryAfter(input, Date.UTC(2026, 10, 22));
  assert.ok(
    wait === undefined || (Number.isInteger(wait) && wait >= 0 && wait <= LONGEST_WAIT_MS),
    `${wait} ms`,
  );
  for (const name of [
    'upgrade',
    'sec-websocket-key',
    'sec-websocket-version',
    'host',
    'origin',
    'content-length',
  ]) {
    const request = requestFrom(undefined, { upgrade: 'websocket', host: 'relay.example', [name]: input });
    isHandshake(request);
    readOrRefused(() => requireHandshake(request) ?? true);
    const origin = refusedOrigin(request, new RelayError('forbidden', 'no', { cause: 'origin' }));
    assert.ok(
      origin === undefined || /^[a-z][a-z0-9+.-]*:\/\/\S+$|^null$/.test(origin),
      `${origin} is an origin`,
    );
  }
}

function checkAddresses(input: string): void {
  const forged = { 'x-forwarded-for': input, 'fly-client-ip': input, forwarded: input };
  for (const trust of ['none', 'fly', TRUSTED] as const) {
    const addressOf = clientAddressBy(trust);
    for (const peer of PEERS) {
      const key = addressOf(requestFrom(peer, forged));
      requireKey(key);
      if (trust === 'none' || (trust === TRUSTED && peer === FOREIGN))
        assert.equal(key, addressOf(requestFrom(peer, {})), 'a header moved it that nobody trusts');
      peerAddressBy(trust)({ remoteAddress: peer } as Socket);
    }
  }
}

/** An IPv4 address, the /64 of an IPv6 one, or that it is not known. */
function requireKey(key: string): void {
  assert.ok(key.length <= LONGEST_KEY);
  const network = key.replace(/\/64$/, '');
  assert.ok(
    key === 'unknown' || isIP(network) === (key === network ? 4 : 6),
    `${key} is no key of an address`,
  );
}

function requestFrom(peer: string | undefined, fields: Readonly<Record<string, string>>): IncomingMessage {
  const rawHeaders = Object.entries(fields).flat();
  const socket = { remoteAddress: peer };
  return {
    method: 'GET',
    url: '/v1/ws',
    httpVersion: '1.1',
    headers: fields,
    rawHeaders,
    socket,
  } as unknown as IncomingMessage;
}
