/** What the benchmark tells the load generator and hears from it. */
import type { Distribution } from '../histogram.ts';
import type { Signer } from '../issuer/tokens.ts';
import type { Door } from '../subjects/port.ts';

export interface LoadOptions {
  readonly door: Door;
  readonly port: number;
  readonly signer: Signer;
  /** Names its streams: unique among the generators of a run. */
  readonly name: string;
  readonly connections: number;
  /** Streams a connection carries; the first connections are filled first. */
  readonly perConnection: number;
  /** Connections opening at the same time. */
  readonly opening: number;
  /** Each stream is cancelled after a number of deltas in this range. Absent: never. */
  readonly cancelAfter?: readonly [number, number];
  /** Connections cut each second, which come back after a moment and resume. Absent: none. */
  readonly cutsPerSecond?: number;
  /** Asks the upstream for another pace than its own. */
  readonly deltasPerSecond?: number;
  /** Each connection reads no faster than that. Absent: as fast as it can. */
  readonly readBytesPerSecond?: number;
  /** How far the generator gives way to others, 0 to 19: where cores are fewer than who wants one. Absent: not. */
  readonly nice?: number;
}

/** Argument of the command `stream`. */
export interface StreamCommand {
  /** Streams kept live from now on: not fewer than before. */
  readonly streams: number;
  /** The new ones start spread over this long, ms. */
  readonly rampMs: number;
}

/** Everything since the last reset, but for `live` and `connected` (now) and `faults` (ever). */
export interface LoadReport {
  readonly connected: number;
  readonly live: number;
  readonly deltas: number;
  /** Frames, or reads of server-sent events, that carried them. */
  readonly chunks: number;
  /** Read from all sockets, protocol and all. */
  readonly bytes: number;
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
  /** Resume sent → first missing frame read. */
  readonly resumed: Distribution;
  /** Stream name → microseconds (see stamp.ts) at which its cancel was sent. */
  readonly cancelSent: Readonly<Record<string, number>>;
  readonly cpuMicros: number;
}

/** Of the phase in which all connections open. */
export interface ConnectedReport {
  readonly seconds: number;
}

/** Of all connections cut and opened again at once. */
export interface StormReport {
  /** Until the last client was served: greeted, and each of its streams resumed with its first missing frame. */
  readonly seconds: number;
  /** Connection attempts that were refused and made again. */
  readonly refused: number;
  /** Attempt → served, per client. */
  readonly serving: Distribution;
}
