/** What a connection asks of its socket and offers to it. The adapter in http/websocket implements and calls these. */
import type { Principal } from '../auth/port.ts';
import type { Door } from '../observability/port.ts';
import type { CloseCode } from '../protocol/codes.ts';
import type { ParsedFrame, ReadUntyped } from '../protocol/parse-client-frame.ts';
import type { WireText } from '../protocol/wire-text.ts';

/** A socket of whole text frames, as the core sees it. */
export interface FrameSocket {
  /** Sends each text as one frame, all of them in one write. */
  write(frames: readonly WireText[]): void;
  /** Bytes written and not yet taken by the kernel. If 64 KiB or more are left after a write, a `drained()` is owed. */
  readonly bufferedBytes: number;
  /** A WebSocket ping; the answer arrives as `pong()` with the same text. @param text up to 125 bytes */
  ping(text?: string): void;
  /** Graceful close, terminated after a bounded wait if the peer does not answer. Nothing received after it is handled. */
  close(code: CloseCode, reason: string): void;
}

/** What the adapter tells the core about one socket. After `closed` none of them is called. */
export interface ConnectionEvents {
  /** One text frame. Never throws. */
  received(text: string): void;
  pong(text: string): void;
  /** The kernel took what was buffered. */
  drained(): void;
  /** The socket is gone, however it went. `code` is the WebSocket close code (1006 without a close frame). */
  closed(code: number): void;
}

export interface ConnectionInfo {
  readonly connectionId: string;
  readonly principal: Principal;
  /** The header by that name of the upgrade. */
  readonly traceparent?: string | undefined;
  /** For a client that sends frames without `type`. */
  readonly readUntyped?: ReadUntyped | undefined;
  /** What the log calls its route, where it is not the relay's own. */
  readonly door?: Door | undefined;
}

/** A connection as a socket's route has it. */
export interface ServedConnection extends ConnectionEvents {
  /** One frame that was read already, by a route whose clients send others: in the place of `received`. Never throws. */
  take(parsed: ParsedFrame): void;
  /** Counts a frame that its route handles by itself; too many end the connection. */
  countFrame(): void;
}

/** Opens a connection in the core: sends `hello` and serves its frames from then on. */
export type Connect = (socket: FrameSocket, info: ConnectionInfo) => ServedConnection;
