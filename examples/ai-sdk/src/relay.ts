/** In development the page's own address, which vite.config.ts leads to the relay. */
export const relayUrl: string = import.meta.env['VITE_DASH_RELAY_URL'] ?? location.origin;

/** A token is renewed so long before its end, ms. */
const EARLY_MS = 60_000;
let current: { readonly token: string; readonly until: number } | undefined;

/**
 * Only a relay in development has tokens to give. With real users this is the access token of their session:
 * `(await supabase.auth.getSession()).data.session?.access_token`.
 */
export async function getToken(): Promise<string> {
  if (current !== undefined && Date.now() < current.until) return current.token;
  const response = await fetch(`${relayUrl}/dev/token`, { method: 'POST' });
  if (!response.ok) throw new TypeError(`no token from the network: ${response.status}`);
  const { access_token, expires_in } = (await response.json()) as {
    readonly access_token: string;
    readonly expires_in: number;
  };
  current = { token: access_token, until: Date.now() + expires_in * 1000 - EARLY_MS };
  return access_token;
}
