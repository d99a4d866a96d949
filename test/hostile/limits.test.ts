import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handshake } from '../http/handshake.ts';
import { openHandshake } from '../http/raw-client.ts';
import { eventually } from '../support/test-run.ts';
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

/** One connection is held, a second one comes: is it of the same address? */
type Second = readonly [what: string, first: Forwarded, second: Forwarded, expected: string];

const PROXIES: readonly { readonly TRUST_PROXY: string; readonly seconds: readonly Second[] }[] = [
  {
    TRUST_PROXY: 'none',
    seconds: [['none: no header moves it', fly('203.0.113.1'), fly('203.0.113.2'), SAME]],
  },
  {
    TRUST_PROXY: 'fly',
    seconds: [
      ['fly: two clients', fly('203.0.113.1'), fly('203.0.113.2'), OTHER],
      ['fly: X-Forwarded-For does not move it', fly('203.0.113.1'), fly('203.0.113.1', '192.0.2.7'), SAME],
      ['fly: no address is the peer', fly('x'), fly('203.0.113.2, 203.0.113.3'), SAME],
    ],
  },
  {
    TRUST_PROXY: '127.0.0.0/8',
    seconds: [
      ['a proxy by CIDR: two clients', xff('203.0.113.1'), xff('203.0.113.2'), OTHER],
      [
        'a proxy by CIDR: what stands before its own entry does not move it',
        xff('192.0.2.1, 203.0.113.1'),
        xff('192.0.2.2, 203.0.113.1'),
        SAME,
      ],
      [
        'a proxy by CIDR: Fly-Client-IP does not move it',
        fly('192.0.2.1', '203.0.113.1'),
        fly('192.0.2.2', '203.0.113.1'),
        SAME,
      ],
      ['a proxy by CIDR: one /64 is one client', xff('2001:db8:1:2::1'), xff('2001:db8:1:2:ffff::1'), SAME],
    ],
  },
  {
    TRUST_PROXY: '10.0.0.0/8',
    seconds: [['a proxy elsewhere: this peer is none', xff('203.0.113.1'), xff('203.0.113.2'), SAME]],
  },
];

describe.each(PROXIES)(
  'the address that limits count by, under TRUST_PROXY $TRUST_PROXY',
  ({ TRUST_PROXY, seconds }) => {
    let relay: ProductionRelay;
    beforeAll(async () => {
      relay = await ProductionRelay.start({ TRUST_PROXY, MAX_CONNECTIONS_PER_IP: '1' });
    });
    afterAll(() => relay[Symbol.asyncDispose]());

    it.each(seconds)('%s', async (_what, first, second, expected) => {
      const from = (headers: Forwarded) => ({
        headers: { authorization: `Bearer ${relay.token()}`, ...headers },
      });
      const held = await openHandshake(relay.port, from(first));
      expect((await answerOf(relay.port, handshake(from(second)))).outcome).toBe(expected);
      held.socket.destroy();
      // The next one has the same addresses.
      await eventually('nobody is connected', async () => (await relay.gauges())['connections'] === 0);
    });
  },
);

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
