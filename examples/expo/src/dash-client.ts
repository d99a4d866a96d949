import { createDashClient, supabaseToken } from '@dash-relay/client/react-native';
import NetInfo from '@react-native-community/netinfo';
import { AppState, Platform } from 'react-native';
import { supabase } from './supabase';

const url = process.env.EXPO_PUBLIC_DASH_RELAY_URL || 'http://localhost:8787';

/** One for the whole app: all its streams share one connection. */
export const client = createDashClient({
  url,
  getToken: supabase ? supabaseToken(supabase) : developmentToken,
  platform: Platform.OS,
  // With these two it looks after the connection when the app comes to the front, and when the network comes back.
  AppState,
  NetInfo,
  // Expo's has a streaming body, which React Native's own lacks: server-sent events where WebSockets are blocked.
  fetch,
});

async function developmentToken(): Promise<string | null> {
  const response = await fetch(`${url}/dev/token`, { method: 'POST' });
  // What is thrown is "not now", and the client asks again; null is "nobody is signed in".
  if (response.status >= 500) throw new Error(`the relay answered ${response.status}`);
  if (!response.ok) return null;
  const { access_token } = (await response.json()) as { access_token: string };
  return access_token;
}
