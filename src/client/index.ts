/** `@dash-relay/client`: streams of a Dash Relay for browsers, Node and (through `@dash-relay/client/react-native`) apps. */

export type { AnswerReport, ReportCategory } from '../protocol/answer-report.ts';
export type {
  DocumentBlock,
  ErasedStream,
  ImageBlock,
  ListedStream,
  Message,
  MessageBlock,
  QuotaState,
  Refusal,
  StreamChange,
  StreamPage,
  StreamRequest,
  TextBlock,
  Timing,
  Usage,
} from '../protocol/frames.ts';
export type { RefusalReason } from '../protocol/refusal-reason.ts';
export { METRICS_EVENT } from '../protocol/streaming-metrics.ts';
export {
  createDashClient,
  type DashClient,
  type DashClientOptions,
  type UserListener,
} from './create-dash-client.ts';
export { DashError, type DashErrorCode } from './dash-error.ts';
export type {
  Answer,
  AttachOptions,
  DashStream,
  Position,
  StreamingMetrics,
  StreamOptions,
  ToolUse,
  TrackMetrics,
  Transport,
} from './dash-stream.ts';
export type { Fetch, Signal, SignalSource, WebSocketFactory, WebSocketLike } from './platform.ts';
export type { Phase } from './stream-state.ts';
export type { StreamsListener } from './stream-watch.ts';
export { type SupabaseLike, supabaseToken } from './supabase-token.ts';
export type { TokenGetter } from './tokens.ts';
