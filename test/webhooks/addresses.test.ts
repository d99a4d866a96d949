import { describe, expect, it } from 'vitest';
import { isReachable } from '../../src/outgoing/address-guard.ts';
import { WebhookEndpoint } from '../../src/webhooks/endpoint.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { SECRET, startReceiver } from './receiver.ts';

const INSIDE = [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '127.9.9.9',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  'fe80::1',
  'fe80::1%eth0',
  'fc00::1',
  'fd12:3456::1',
  'fec0::1',
  'ff02::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '0:0:0:0:0:ffff:a00:1',
  '64:ff9b::10.0.0.1',
  '64:ff9b::a9fe:a9fe',
  '::127.0.0.1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  'localhost',
  '',
];
const OUTSIDE = [
  '1.1.1.1',
  '172.32.0.1',
  '100.128.0.1',
  '2606:4700::1111',
  '2a00:1450:4001::1',
  '64:ff9b::8.8.8.8',
];

describe('addresses that a webhook may lead to', () => {
  it('are public ones, in whatever spelling', () => {
    expect(INSIDE.filter((address) => isReachable(address, 'public'))).toEqual([]);
    expect(OUTSIDE.filter((address) => !isReachable(address, 'public'))).toEqual([]);
  });

  it('are loopback ones as well in development, and all where the operator says so', () => {
    const loopback = INSIDE.filter((address) => isReachable(address, 'loopback'));
    expect(loopback).toEqual(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1']);
    expect(['10.1.2.3', 'fd12:3456::1'].every((address) => isReachable(address, 'anywhere'))).toBe(true);
  });

  it('are judged as the connection is made: a name that resolves anew to an inner address reaches nothing', async () => {
    await using receiver = await startReceiver();
    const { port } = new URL(receiver.url);
    const answers = [['127.0.0.1'], ['10.0.0.1', '::ffff:127.0.0.1'], ['10.0.0.1', '127.0.0.1']];
    const deliverBy = (reach: 'public' | 'loopback', host: string) =>
      new WebhookEndpoint({
        url: `http://${host}:${port}/hooks`,
        secrets: [SECRET],
        reach,
        clock: new ManualClock(),
        resolve: (_name, callback) => {
          const addresses = answers.shift() ?? [];
          callback(
            null,
            addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
          );
        },
      }).deliver('id', '{"type":"t","data":{}}', new AbortController().signal);
    expect(await deliverBy('loopback', 'hooks.example')).toMatchObject({ outcome: 'delivered', status: 204 });
    expect(await deliverBy('public', 'hooks.example')).toMatchObject({ outcome: 'address', status: null });
    expect(await deliverBy('loopback', 'hooks.example')).toMatchObject({ outcome: 'delivered' });
    for (const host of ['127.0.0.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:7f00:1]', '169.254.169.254'])
      expect(await deliverBy('public', host), host).toMatchObject({ outcome: 'address' });
    expect(receiver.attempts).toHaveLength(2);
  });
});
