import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { clientAddressBy, type TrustProxy } from '../../src/http/admission/client-address.ts';

function address(
  trust: TrustProxy,
  remoteAddress: string | undefined,
  headers: Record<string, string> = {},
): string {
  return clientAddressBy(trust)({ headers, socket: { remoteAddress } } as unknown as IncomingMessage);
}

const forwarded = (list: string) => ({ 'x-forwarded-for': list });

describe('the client address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::', '2001:db8:0:1::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    [undefined, 'unknown'],
  ])('of the peer %s is %s', (peer, expected) => {
    expect(address('none', peer)).toBe(expected);
  });

  it('ignores every header where no proxy is trusted', () => {
    const forged = { ...forwarded('203.0.113.9'), 'fly-client-ip': '203.0.113.9' };
    expect(address('none', '192.0.2.1', forged)).toBe('192.0.2.1');
  });

  it('is what Fly says, in one spelling, and the peer where that is no address', () => {
    expect(
      address('fly', '172.16.0.1', { 'fly-client-ip': '203.0.113.9', ...forwarded('198.51.100.1') }),
    ).toBe('203.0.113.9');
    expect(address('fly', '172.16.0.1', { 'fly-client-ip': '2001:DB8:0::1' })).toBe('2001:db8:0:0::/64');
    expect(address('fly', '172.16.0.1', { 'fly-client-ip': 'x' })).toBe('172.16.0.1');
    expect(address('fly', '172.16.0.1')).toBe('172.16.0.1');
  });

  it.each([
    ['the last entry', '10.0.0.1', '198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['the last that is no proxy', '10.0.0.1', '203.0.113.9, 10.9.9.9,fd00::7', '203.0.113.9'],
    ['the peer, if it is no proxy', '192.0.2.1', '203.0.113.9', '192.0.2.1'],
    ['the peer, without a list', '10.0.0.1', '', '10.0.0.1'],
    ['the proxy before garbage', '10.0.0.1', '203.0.113.9, x, 10.2.2.2', '10.2.2.2'],
    ['the first proxy, if there is nobody else', '10.0.0.1', '10.3.3.3', '10.3.3.3'],
    ['without its port', '10.0.0.1', '203.0.113.9:5060', '203.0.113.9'],
    ['without ports of proxies', '10.0.0.1', '203.0.113.9:1, 10.9.9.9:2,[fd00::7]:3', '203.0.113.9'],
    ['an IPv6 one without its port', '10.0.0.1', '[2001:db8::1]:5060', '2001:db8:0:0::/64'],
    ['an IPv6 one without its brackets', '10.0.0.1', '[2001:db8::1]', '2001:db8:0:0::/64'],
    ['the proxy before what only looks like a port', '10.0.0.1', '203.0.113.9:x, 10.2.2.2', '10.2.2.2'],
    ['seen through an IPv4-mapped peer', '::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9'],
  ])('behind proxies by CIDR is %s', (_what, peer, list, expected) => {
    expect(address(['10.0.0.0/8', 'fd00::/8'], peer, forwarded(list))).toBe(expected);
  });
});
