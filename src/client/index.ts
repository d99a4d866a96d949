/** `dash-relay/client`: streams of a Dash Relay for browsers, Node and (through `dash-relay/react-native`) apps. */

export type { Message, QuotaState, StreamRequest, Timing, Usage } from '../protocol/frames.ts';

export type { Answer, AttachOptions, DashStream, Position, StreamOptions, Transport } from './answer.ts';
export {
  createDashClient,
  type DashClient,
  type DashClientOptions,
  type UserListener,
} from './create-dash-client.ts';
export { DashError, type DashErrorCode } from './dash-error.ts';
export { METRICS_EVENT, type StreamingMetrics, type TrackMetrics } from './metrics.ts';
export type { Fetch } from './relay-http.ts';
export type { Signal, SignalSource } from './signals.ts';
export type { Phase } from './stream-state.ts';
export { type SupabaseLike, supabaseToken } from './supabase-token.ts';
export type { TokenGetter } from './tokens.ts';
export type { WebSocketFactory, WebSocketLike } from './web-socket.ts';
