import { type DashClientOptions, supabaseToken } from '@dash-relay/client';
import { Platform } from 'react-native';
import { flags } from './flags';
import { measure } from './measurement';
import { supabase } from './supabase';

/** What the client is told on phones and in browsers alike. */
export const clientOptions: DashClientOptions = {
  url: flags.relayUrl,
  getToken: supabase ? supabaseToken(supabase) : developmentToken,
  platform: Platform.OS,
  onMetrics: measure,
  ...transports(),
};

/** Best first. Nothing is said where the switches are on: the client knows which the platform has. */
function transports(): Pick<DashClientOptions, 'transports'> {
  if (!flags.streams) return { transports: ['json'] };
  if (!flags.usesWebSockets) return { transports: ['sse', 'json'] };
  return {};
}

async function developmentToken(): Promise<string | null> {
  const response = await fetch(`${flags.relayUrl}/dev/token`, { method: 'POST' });
  // What is thrown is "not now", and the client asks again; null is "nobody is signed in".
  if (response.status >= 500) throw new Error(`the relay answered ${response.status}`);
  if (!response.ok) return null;
  const { access_token } = (await response.json()) as { access_token: string };
  return access_token;
}
