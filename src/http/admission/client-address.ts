/**
 * From which address a request comes, as the key of every per-address limit.
 * A forwarding header counts only as far as TRUST_PROXY says: anyone can send one.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, type Socket, SocketAddress } from 'node:net';

/** `none`: the peer itself. `fly`: Fly's proxy names it. Otherwise the CIDRs of our own proxies. */
export type TrustProxy = 'none' | 'fly' | readonly string[];

/** Returns an IPv4 address, or the /64 of an IPv6 one: a client owns at least that, and could change within it. */
export type ClientAddress = (request: IncomingMessage) => string;

/** The peer's own address as a key; undefined where it is a proxy whose word counts. */
export type PeerAddress = (socket: Socket) => string | undefined;

export function peerAddressBy(trust: TrustProxy): PeerAddress {
  if (trust === 'none') return (socket) => addressKey(peer(socket));
  if (trust === 'fly') return () => undefined;
  const proxies = blockList(trust);
  return (socket) => {
    const address = peer(socket);
    return contains(proxies, address) ? undefined : addressKey(address);
  };
}

export function clientAddressBy(trust: TrustProxy): ClientAddress {
  if (trust === 'none') return (request) => addressKey(peer(request.socket));
  if (trust === 'fly')
    return (request) => addressKey(validAddress(header(request, 'fly-client-ip')) ?? peer(request.socket));
  const proxies = blockList(trust);
  return (request) => addressKey(firstUntrusted(request, proxies));
}

/** Proxies in a row: no honest chain is as long, and each costs a look-up. */
const MAX_HOPS = 16;

/** Walks X-Forwarded-For from the right, where our proxies wrote, up to the first address that is none of them. */
function firstUntrusted(request: IncomingMessage, proxies: BlockList): string {
  let address = peer(request.socket);
  const hops = header(request, 'x-forwarded-for').split(',').slice(-MAX_HOPS);
  while (contains(proxies, address)) {
    const previous = validAddress(withoutPort(hops.pop()?.trim() ?? ''));
    if (previous === undefined) break;
    address = previous;
  }
  return address;
}

/** Some proxies name the port too: `192.0.2.1:5060`, `[2001:db8::1]:5060`; an IPv6 address in brackets may have none. */
function withoutPort(hop: string): string {
  const [, inBrackets, ipv4] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(hop) ?? [];
  return inBrackets ?? ipv4 ?? hop;
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}

function peer({ remoteAddress }: Pick<Socket, 'remoteAddress'>): string {
  return validAddress(remoteAddress ?? '') ?? 'unknown';
}

/** The address in its one canonical spelling, IPv4-mapped IPv6 as IPv4; `undefined` if it is none. */
function validAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 0) return undefined;
  if (family === 4) return text;
  const canonical = new SocketAddress({ address: text.split('%', 1)[0] ?? '', family: 'ipv6' }).address;
  return canonical.startsWith('::ffff:') && canonical.includes('.')
    ? canonical.slice('::ffff:'.length)
    : canonical;
}

function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  const [left = '', right = ''] = address.split('::');
  const groups = left === '' ? [] : left.split(':');
  const missing = address.includes('::') ? 8 - groups.length - right.split(':').filter(Boolean).length : 0;
  const all = [...groups, ...Array<string>(missing).fill('0'), ...right.split(':')];
  return `${all.slice(0, 4).join(':')}::/64`;
}

function blockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [network = '', prefix] = cidr.split('/');
    const family = isIP(network) === 4 ? 'ipv4' : 'ipv6';
    list.addSubnet(network, prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family);
  }
  return list;
}

function contains(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}
