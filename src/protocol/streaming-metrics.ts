/** What clients measure of their streams, as `POST /v1/client-metrics` takes it: names, closed sets, bounds. */
import type { ErrorCode } from './codes.ts';

export const METRICS_EVENT = 'edudash.dash_ai.streaming_metrics';

export const REPORTED_PLATFORMS = ['ios', 'android', 'web', 'other'] as const;
/** `fallback`: the app's own function, asked in the relay's place. */
export const REPORTED_TRANSPORTS = ['websocket', 'sse', 'json', 'fallback'] as const;
export const REPORTED_STATUSES = ['done', 'cancelled', 'error'] as const;
/** Beside the codes of the wire: what only a client can know of. */
export const CLIENT_CODES = ['unreachable', 'deadline_exceeded', 'closed'] as const;

export type ReportedPlatform = (typeof REPORTED_PLATFORMS)[number];
export type ReportedStatus = (typeof REPORTED_STATUSES)[number];
export type ReportedCode = ErrorCode | (typeof CLIENT_CODES)[number];

/** The largest values that are taken. */
export const REPORT_BOUNDS = {
  /** Of one body. */
  bodyBytes: 16_384,
  /** Of one body. */
  events: 20,
  lost: 100,
  durationMs: 3_600_000,
  chunks: 1_000_000,
  bytes: 100_000_000,
  resumes: 1000,
} as const;

/** One stream, at its ending. */
export interface StreamReport {
  readonly event: typeof METRICS_EVENT;
  /** From the question to the first text; null where none came. */
  readonly first_token_ms: number | null;
  /** From the question to the ending. */
  readonly total_duration_ms: number;
  /** Pieces of text that the app was handed. */
  readonly chunks_received: number;
  /** UTF-8 bytes of that text. */
  readonly bytes_streamed: number;
  readonly platform: ReportedPlatform;
  readonly transport: (typeof REPORTED_TRANSPORTS)[number];
  readonly status: ReportedStatus;
  /** Only with `error`; null or absent where it is none of the set. */
  readonly code?: ReportedCode | null | undefined;
  /** How often the stream went on after a lost connection. */
  readonly resumes?: number | undefined;
}

export interface ReportBatch {
  readonly events: readonly StreamReport[];
  /** Of earlier streams: how many reports the client could not send. */
  readonly lost?: number | undefined;
}
