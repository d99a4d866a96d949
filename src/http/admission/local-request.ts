/**
 * What counts as this very computer. Routes of development are for whoever sits at it. A peer on loopback is not enough: it may be a proxy that
 * brings strangers, and a page of another site may have its name resolve to 127.0.0.1 (DNS rebinding).
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RelayError } from '../../protocol/relay-error.ts';

/** What proxies, tunnels and content networks add, and no client of this computer does. */
const OF_PROXIES =
  /^(forwarded|via|cdn-loop|true-client-ip|x-(real-ip|forwarded|original|client-ip|cluster|envoy|amzn|appengine|cloud-trace|azure|arr|vercel|nf|ms-proxy)|fly|cf|fastly|akamai|ngrok|tailscale)(-|$)/;

/**
 * A hook for such a route. HTTP/1.0 is what nginx speaks to its backends where it is not told otherwise.
 * @throws RelayError `forbidden`
 */
export async function requireLocal(
  { hostname, headers, raw }: FastifyRequest,
  _reply: FastifyReply,
): Promise<void> {
  if (!isLoopbackHost(hostname))
    throw new RelayError('forbidden', 'this door of development answers to loopback names only');
  const proxied = Object.keys(headers).some((name) => OF_PROXIES.test(name)) || raw.httpVersion === '1.0';
  if (proxied)
    throw new RelayError(
      'forbidden',
      'this door of development is for this computer only, and the request came through a proxy',
    );
}

/** `host` as in an environment key or a Host header without its port; brackets around IPv6 are allowed. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

export function isLoopbackUrl(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed !== null && isLoopbackHost(parsed.hostname);
}
