/** What counts as this very machine: addresses no one else can reach. */

/** `host` as in an environment key or a Host header without its port; brackets around IPv6 are allowed. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

export function isLoopbackUrl(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed !== null && isLoopbackHost(parsed.hostname);
}
