/** What the benchmark tells the load generator and hears from it. */
import type { Distribution } from '../histogram.ts';

export interface LoadOptions {
  /** `websocket`: frames of PROTOCOL.md. `sse`: the Messages API itself, one request at a time a connection. */
  readonly kind: 'websocket' | 'sse';
  readonly port: number;
  readonly connections: number;
  /** Streams kept live, dealt to the connections in turn. */
  readonly streams: number;
  /** The first starts are spread over this long, ms. */
  readonly rampMs: number;
  /** Connections opening at the same time. */
  readonly opening: number;
  /** Each stream is cancelled after a number of deltas in this range. Absent: never. */
  readonly cancelAfter?: readonly [number, number];
}

/** Everything since the last reset, but for `live` and `connected` (now) and `faults` (ever). */
export interface LoadReport {
  readonly connected: number;
  readonly live: number;
  readonly deltas: number;
  /** Frames, or reads of server-sent events, that carried them. */
  readonly chunks: number;
  readonly starts: number;
  /** Ending → count: `done`, `cancelled` or an error's code. */
  readonly endings: Readonly<Record<string, number>>;
  /** What must not happen → count: gaps in seq, refusals, lost connections. */
  readonly faults: Readonly<Record<string, number>>;
  /** Delta written by the upstream → read by the client. */
  readonly latency: Distribution;
  /** Start sent → first delta read. */
  readonly firstToken: Distribution;
  /** The same without the time the upstream took to its first delta. */
  readonly firstTokenAdded: Distribution;
  /** Cancel sent → ending read. */
  readonly cancelRoundTrip: Distribution;
  /** `upstreamClosedMs` of the `cancelled` frames. */
  readonly upstreamClosed: Distribution;
  /** Stream name → microseconds (see stamp.ts) at which its cancel was sent. */
  readonly cancelSent: Readonly<Record<string, number>>;
  readonly cpuMicros: number;
}

/** Of the phase in which all connections open. */
export interface ConnectedReport {
  readonly seconds: number;
}
