/**
 * `@dash-relay/client/react-native`: the client with what differs in an app. It imports nothing of React Native: the app hands
 * in its `AppState` and, where it has it, `NetInfo`.
 */
import {
  type AIService,
  type AIServiceOptions,
  createAIService as createService,
} from '../client/ai-service.ts';
import {
  createDashClient as create,
  type DashClient,
  type DashClientOptions,
} from '../client/create-dash-client.ts';
import type { AppStateLike } from '../client/platform.ts';
import { appSignals, type NetInfoLike } from './app-signals.ts';
import { bearerHeader } from './native-web-socket.ts';

export type {
  AIService,
  AIServiceMessage,
  AIServiceParams,
  AIServiceResult,
  Fallback,
  FallbackAnswer,
  OldUsage,
  StreamingFlags,
} from '../client/ai-service.ts';
export type * from '../client/index.ts';
export { DashError, METRICS_EVENT, supabaseToken } from '../client/index.ts';
export type { AppStateLike } from '../client/platform.ts';
export type { NetInfoLike } from './app-signals.ts';

export interface NativeOptions {
  /** `AppState` of react-native: the token and the connection are looked after when the app comes to the front. */
  readonly AppState?: AppStateLike | undefined;
  /** The default export of @react-native-community/netinfo. */
  readonly NetInfo?: NetInfoLike | undefined;
}

export type NativeClientOptions = DashClientOptions & NativeOptions;
export type NativeServiceOptions = AIServiceOptions & NativeOptions;

/**
 * SSE only with a `fetch` whose responses have a streaming body, such as `expo/fetch`.
 * @example
 * ```ts
 * import { createDashClient, supabaseToken } from '@dash-relay/client/react-native';
 * import { AppState, Platform } from 'react-native';
 *
 * const client = createDashClient({
 *   url: 'https://relay.example.com',
 *   getToken: supabaseToken(supabase),
 *   AppState,
 *   platform: Platform.OS,
 * });
 * ```
 */
export function createDashClient(options: NativeClientOptions): DashClient {
  return create(withDevice(options));
}

/**
 * `callAIServiceStreaming` for an app, with the same additions.
 * @example
 * ```ts
 * import { createAIService, supabaseToken } from '@dash-relay/client/react-native';
 * import { AppState } from 'react-native';
 *
 * const flags = { EXPO_PUBLIC_DASH_RELAY_URL: 'https://relay.example.com', EXPO_PUBLIC_ENABLE_AI_STREAMING: 'true' };
 * const { callAIServiceStreaming } = createAIService({ flags, getToken: supabaseToken(supabase), AppState });
 * ```
 */
export function createAIService(options: NativeServiceOptions): AIService {
  return createService(withDevice(options));
}

function withDevice<T extends Partial<DashClientOptions> & NativeOptions>({
  AppState,
  NetInfo,
  ...options
}: T) {
  const { webSocket = bearerHeader, signals = appSignals(AppState, NetInfo), fetch } = options;
  const { transports = fetch ? (['websocket', 'sse', 'json'] as const) : (['websocket', 'json'] as const) } =
    options;
  return { ...options, webSocket, signals, transports };
}
