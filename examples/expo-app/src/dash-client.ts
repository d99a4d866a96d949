import { createDashClient } from '@dash-relay/client/react-native';
import NetInfo from '@react-native-community/netinfo';
import { AppState } from 'react-native';
import { clientOptions } from './client-options';

/** One for the whole app: all its streams share one connection. Browsers take `dash-client.web.ts`. */
export const client = createDashClient({
  ...clientOptions,
  // With these two it looks after the connection when the app comes to the front, and when the network comes back.
  AppState,
  NetInfo,
  // Expo's has a streaming body, which React Native's own lacks: server-sent events where WebSockets are blocked.
  fetch,
});
