import { describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/environment.ts';
import { handshake, openHandshake } from '../http/raw-client.ts';
import { answerOf } from './answer-of.ts';
import { ProductionRelay } from './production-relay.ts';

type Forwarded = Readonly<Record<string, string>>;

const xff = (list: string): Forwarded => ({ 'x-forwarded-for': list });
const fly = (address: string, list = '198.51.100.1'): Forwarded => ({
  'fly-client-ip': address,
  'x-forwarded-for': list,
});

const SAME = '429 too_many_connections';
const OTHER = '101';
const IN_FRONT: Environment = { TRUST_PROXY: '127.0.0.0/8' };

/** One connection is held, a second one comes: is it of the same address? */
const SECONDS: readonly (readonly [what: string, Environment, Forwarded, Forwarded, string])[] = [
  ['none: no header moves it', { TRUST_PROXY: 'none' }, fly('203.0.113.1'), fly('203.0.113.2'), SAME],
  ['fly: two clients', { TRUST_PROXY: 'fly' }, fly('203.0.113.1'), fly('203.0.113.2'), OTHER],
  [
    'fly: X-Forwarded-For does not move it',
    { TRUST_PROXY: 'fly' },
    fly('203.0.113.1'),
    fly('203.0.113.1', '192.0.2.7'),
    SAME,
  ],
  ['fly: no address is the peer', { TRUST_PROXY: 'fly' }, fly('x'), fly('203.0.113.2, 203.0.113.3'), SAME],
  ['a proxy by CIDR: two clients', IN_FRONT, xff('203.0.113.1'), xff('203.0.113.2'), OTHER],
  [
    'a proxy by CIDR: what stands before its own entry does not move it',
    IN_FRONT,
    xff('192.0.2.1, 203.0.113.1'),
    xff('192.0.2.2, 203.0.113.1'),
    SAME,
  ],
  [
    'a proxy by CIDR: Fly-Client-IP does not move it',
    IN_FRONT,
    fly('192.0.2.1', '203.0.113.1'),
    fly('192.0.2.2', '203.0.113.1'),
    SAME,
  ],
  [
    'a proxy by CIDR: one /64 is one client',
    IN_FRONT,
    xff('2001:db8:1:2::1'),
    xff('2001:db8:1:2:ffff::1'),
    SAME,
  ],
  [
    'a proxy elsewhere: this peer is none',
    { TRUST_PROXY: '10.0.0.0/8' },
    xff('203.0.113.1'),
    xff('203.0.113.2'),
    SAME,
  ],
];

describe('the address that limits count by, under TRUST_PROXY', () => {
  it.each(SECONDS)('%s', async (_what, environment, first, second, expected) => {
    await using relay = await ProductionRelay.start({ ...environment, MAX_CONNECTIONS_PER_IP: '1' });
    const from = (headers: Forwarded) => ({
      headers: { authorization: `Bearer ${relay.token()}`, ...headers },
    });
    const held = await openHandshake(relay.port, from(first));
    expect((await answerOf(relay.port, handshake(from(second)))).outcome).toBe(expected);
    held.socket.destroy();
  });
});

it('a full machine refuses everyone with 503 and when to come back, and serves again', async () => {
  await using relay = await ProductionRelay.start({ MAX_CONNECTIONS: '3' });
  const fresh = () => ({
    headers: { authorization: `Bearer ${relay.token({ sub: crypto.randomUUID() })}` },
  });
  const held = [];
  for (let count = 0; count < 3; count += 1) held.push(await openHandshake(relay.port, fresh()));
  const { outcome, headers } = await answerOf(relay.port, handshake(fresh()));
  expect(outcome).toBe('503 unavailable');
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  for (const { socket } of held) socket.destroy();
  await relay.unharmed();
});
