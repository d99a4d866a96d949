import { createDashClient } from '@dash-relay/client';
import { dashChatModel } from '@dash-relay/client/assistant-ui';

/** In development the page's own address, which vite.config.ts leads to the relay. */
const url: string = import.meta.env['VITE_DASH_RELAY_URL'] ?? location.origin;

/** One for the whole app: all its threads share one connection. */
const client = createDashClient({
  url,
  // Only a relay in development has tokens to give. With real users this is one line:
  // getToken: supabaseToken(supabase), with `supabaseToken` of this package and a client of @supabase/supabase-js.
  getToken: developmentToken,
});

/** Prompts, models and limits of an action are the server's. */
export const model = dashChatModel(client, { action: 'chat' });

async function developmentToken(): Promise<string | null> {
  const response = await fetch(`${url}/dev/token`, { method: 'POST' });
  // What is thrown is "not now", and the client asks again; null would be "nobody is signed in".
  if (response.status >= 500) throw new Error(`the relay answered ${response.status}`);
  if (!response.ok) return null;
  const { access_token } = (await response.json()) as { access_token: string };
  return access_token;
}
