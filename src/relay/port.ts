/** What the core asks of a socket and offers to the doors. Adapters in http/ implement and call these. */
import type { Principal } from '../auth/port.ts';
import type { CloseCode, ErrorCode } from '../protocol/codes.ts';
import type { StreamRequest, Usage } from '../protocol/frames.ts';
import type { WireText } from '../protocol/wire-text.ts';

/** A socket of whole text frames, as the core sees it. */
export interface FrameSocket {
  /** Sends each text as one frame, all of them in one write. */
  write(frames: readonly WireText[]): void;
  /** Bytes written and not yet taken by the kernel. If 64 KiB or more are left after a write, a `drained()` is owed. */
  readonly bufferedBytes: number;
  /** A WebSocket ping; the answer arrives as `pong()`. */
  ping(): void;
  /** Graceful close, terminated after a bounded wait if the peer does not answer. Nothing received after it is handled. */
  close(code: CloseCode, reason: string): void;
}

/** What the adapter tells the core about one socket. After `closed` none of them is called. */
export interface ConnectionEvents {
  /** One text frame. Never throws. */
  received(text: string): void;
  pong(): void;
  /** The kernel took what was buffered. */
  drained(): void;
  /** The socket is gone, however it went. `code` is the WebSocket close code (1006 without a close frame). */
  closed(code: number): void;
}

export interface ConnectionInfo {
  readonly connectionId: string;
  readonly principal: Principal;
}

/** Opens a connection in the core: sends `hello` and serves its frames from then on. */
export type Connect = (socket: FrameSocket, info: ConnectionInfo) => ConnectionEvents;

/**
 * How short memory is: `refuse` new work, `shed` what can be had again by starting anew, `cut` the slowest reader.
 * Each includes the ones before.
 */
export type MemoryPressure = 'none' | 'refuse' | 'shed' | 'cut';

/** By which way a request came in. `http`: a request that is none of the others. */
export type Door =
  | 'websocket'
  | 'sse'
  | 'json'
  | 'ai_gateway'
  | 'session'
  | 'usage'
  | 'config'
  | 'dev_token'
  | 'http';

/** Who asked, for the log: what joins a line to an answer, a connection and an access log. */
export interface Caller {
  readonly door: Door;
  /** The `x-request-id` of the HTTP answer; null for a frame of a connection. */
  readonly requestId: string | null;
  /** Null for HTTP callers. */
  readonly connectionId: string | null;
}

/** Whose a run is, as far as plans and bills ask. */
export interface Payer {
  readonly organizationId: string | null;
  readonly tier: string | null;
}

/**
 * What happened, for logs and metrics. Implementations never throw and never block.
 * Nothing here holds a word of a prompt or an answer, a token or a key.
 */
export interface Observer {
  connectionOpened(event: { connectionId: string; userId: string }): void;
  connectionClosed(event: {
    connectionId: string;
    userId: string;
    code: number;
    /** Why the relay closed it, if it did: a code name such as `noPong`. */
    reason: string | null;
    durationMs: number;
  }): void;
  streamStarted(event: StreamIdentity & Caller & Payer): void;
  streamEnded(
    event: StreamIdentity &
      Caller &
      Payer & {
        status: 'done' | 'cancelled' | 'error';
        code: ErrorCode | null;
        /** Of `done` the model's own; otherwise for what reason the relay or its client stopped it, if one did. */
        stopReason: string | null;
        usage: Usage;
        /** The model that answered, as the API named it; null where none did. */
        servedModel: string | null;
        /** US dollars; null for a model without a price. */
        costUsd: number | null;
        firstTokenMs: number | null;
        totalMs: number;
        upstreamClosedMs: number | null;
        chunks: number;
        bytes: number;
        /** The upstream's request id. */
        upstreamRequestId: string | null;
        /** For `error`: what lies underneath (never an upstream's message, which may hold a user's words). */
        cause: unknown;
      },
  ): void;
  /** A frame or request was refused. */
  refused(
    event: Caller & {
      userId: string | null;
      streamId: string | null;
      of: string;
      code: ErrorCode;
      /** What lies underneath; where it is a word of ours, such as `expired`, it says which of a code's reasons it was. */
      cause: unknown;
      /** The origin of the page that asked, where that is what was refused. */
      origin?: string;
    },
  ): void;
  /** A run that is there already is read from now on, behind `after`. */
  resumed(event: StreamIdentity & Caller & { after: number; head: number }): void;
  /** A caller asked for a run to be cancelled. */
  cancelAsked(event: Caller & { userId: string; streamId: string }): void;
  /** An error that no client could be told of. */
  failed(event: { what: string; cause: unknown; connectionId?: string; epoch?: string }): void;
}

export interface StreamIdentity {
  readonly streamId: string;
  readonly epoch: string;
  readonly userId: string;
  readonly action: string;
  readonly model: string;
}

export type { StreamRequest };
