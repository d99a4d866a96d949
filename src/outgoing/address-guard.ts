/**
 * Which addresses a request of the relay's may connect to, so that an address that somebody else can choose, or a name that
 * they can point elsewhere, reaches nothing inside (server-side request forgery). A name is judged by what it resolves to for
 * this very connection: there is no second resolution that could say otherwise.
 */
import { type LookupAddress, lookup as lookupName } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** `public`: what the internet routes; `loopback`: this computer as well, for development; `anywhere`: no address is refused. */
export type Reach = 'public' | 'loopback' | 'anywhere';

/** Asks for all addresses of a name. */
export type ResolveName = (
  name: string,
  callback: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

/** Private, loopback, link-local, shared, documentation, benchmark, multicast and reserved ones (IANA's registry). */
const NOT_PUBLIC_4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Of IPv6 only this is routed. */
const PUBLIC_6 = '2000::/3';
/** Of that, what is for protocols (Teredo among them), documentation, or leads to IPv4 by 6to4. */
const NOT_PUBLIC_6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];
/** IPv4 in the clothes of IPv6: mapped, and what resolvers of networks without IPv4 give (NAT64). */
const EMBEDDED_4 = /^(?:::ffff:|64:ff9b::)(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/;

const notPublic4 = listOf(NOT_PUBLIC_4, 'ipv4');
const public6 = listOf([PUBLIC_6], 'ipv6');
const notPublic6 = listOf(NOT_PUBLIC_6, 'ipv6');
const loopback = listOf(['127.0.0.0/8'], 'ipv4');

function listOf(ranges: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/');
    list.addSubnet(network, Number(prefix), family);
  }
  return list;
}

/** @param address an IP address; anything else is not reachable */
export function isReachable(address: string, reach: Reach): boolean {
  if (reach === 'anywhere') return isIP(address) !== 0;
  const plain = spelled(address);
  if (plain === undefined) return false;
  if (reach === 'loopback' && (plain === '::1' || loopback.check(plain, familyOf(plain)))) return true;
  if (isIP(plain) === 4) return !notPublic4.check(plain, 'ipv4');
  return public6.check(plain, 'ipv6') && !notPublic6.check(plain, 'ipv6');
}

/** As a browser spells it, without a zone; an IPv4 address that stands in an IPv6 one by itself. Undefined: it is none. */
function spelled(address: string): string | undefined {
  const [bare = ''] = address.split('%');
  const family = isIP(bare);
  if (family !== 6) return family === 4 ? bare : undefined;
  const host = URL.parse(`http://[${bare}]`)?.hostname.slice(1, -1);
  const [, dotted, high, low] = EMBEDDED_4.exec(host ?? '') ?? [];
  if (dotted !== undefined) return dotted;
  if (high === undefined || low === undefined) return host;
  const bits = Number.parseInt(high, 16) * 0x10000 + Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join('.');
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}

/** A host that is an address is not looked up: it has to be judged before. @param url http or https */
export function isRefusedHost(url: string, reach: Reach): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return isIP(host) !== 0 && !isReachable(host, reach);
}

/** What a name leads to, but for addresses that are refused. @param onRefused called where none is left */
export function guardedLookup(
  reach: Reach,
  onRefused: () => void,
  resolve: ResolveName = resolveBySystem,
): LookupFunction {
  return (name, { all, family }, callback) => {
    resolve(name, (error, addresses) => {
      const wanted =
        family === 4 || family === 6 ? addresses.filter((each) => each.family === family) : addresses;
      const allowed = wanted.filter(({ address }) => isReachable(address, reach));
      const [first] = allowed;
      if (error === null && first !== undefined) {
        if (all) callback(null, [...allowed]);
        else callback(null, first.address, first.family);
        return;
      }
      if (error === null && wanted.length > 0) onRefused();
      callback(error ?? new Error('no address of this name may be reached'), '', 0);
    });
  };
}

function resolveBySystem(name: string, callback: Parameters<ResolveName>[1]): void {
  lookupName(name, { all: true }, callback);
}
