/**
 * What a release is told by its environment. Expo replaces each `process.env.EXPO_PUBLIC_…` by its value while it bundles,
 * and only where it is written out in full.
 */
export const flags = {
  relayUrl: process.env.EXPO_PUBLIC_DASH_RELAY_URL || 'http://localhost:8787',
  supabaseUrl: process.env.EXPO_PUBLIC_SUPABASE_URL,
  supabaseKey: process.env.EXPO_PUBLIC_SUPABASE_PUBLISHABLE_KEY,
  /** Without it each answer comes in one piece. */
  streams: process.env.EXPO_PUBLIC_AI_STREAMING_ENABLED !== 'false',
  /** Without it answers stream by server-sent events. */
  usesWebSockets: process.env.EXPO_PUBLIC_USE_WEBSOCKET_STREAMING !== 'false',
  offersPhotos: process.env.EXPO_PUBLIC_DASH_PHOTOS !== 'false',
  /** On the device, in plain text: only where it is asked for. */
  keepsConversations: process.env.EXPO_PUBLIC_DASH_KEEP_CONVERSATIONS === 'true',
  /** For whoever tries the app on a phone: by what each answer came. */
  showsMeasurements: process.env.EXPO_PUBLIC_DASH_SHOW_MEASUREMENTS === 'true',
} as const;
