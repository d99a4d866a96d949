import type { Transport } from './answer.ts';

export const METRICS_EVENT = 'edudash.dash_ai.streaming_metrics';

/** One per stream, when it ends. Durations by a monotonic clock, from the call of `stream`. */
export interface StreamingMetrics {
  /** Null where no text came. */
  readonly first_token_ms: number | null;
  readonly total_duration_ms: number;
  /** Pieces of text handed to the app; the relay may merge several of the model's into one. */
  readonly chunks_received: number;
  /** UTF-8 bytes of that text. */
  readonly bytes_streamed: number;
  readonly platform: string;
  readonly transport: Transport;
  /** How often the stream went on after a lost connection. */
  readonly resumes: number;
}

export type TrackMetrics = (event: typeof METRICS_EVENT, metrics: StreamingMetrics) => void;
