/**
 * Sockets of clients of the old functions: what they send is read as those read it, and where they know other frames than
 * the relay's, those are what they get.
 */
import type { Connect, ConnectionEvents, ConnectionInfo, FrameSocket } from '../../connection/port.ts';
import { type OldFunction, readOldBody } from '../../legacy/old-body.ts';
import { proxyFrame } from '../../legacy/old-frames.ts';
import type { OldActions } from '../../legacy/parameters.ts';
import { CLOSE_CODES, type CloseCode } from '../../protocol/codes.ts';
import { parseHttpRequest } from '../../protocol/parse-client-frame.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import type { WireText } from '../../protocol/wire-text.ts';

/** Connects a client of that function to the core. */
export function connectOld(
  of: OldFunction,
  socket: FrameSocket,
  info: ConnectionInfo,
  connect: Connect,
  actions: OldActions,
): ConnectionEvents {
  const readUntyped: ConnectionInfo['readUntyped'] = (value) => {
    const body = readOldBody(of, value, actions);
    if (body.asks === 'answer') return parseHttpRequest(body.request);
    throw body.asks === 'elsewhere'
      ? body.error
      : new RelayError('unsupported', 'action: health is a request of HTTP');
  };
  return connect(of === 'ai-proxy' ? new ProxySocket(socket) : socket, { ...info, readUntyped });
}

/** `ai-proxy-ws` answered one question a connection, in frames of its own. */
class ProxySocket implements FrameSocket {
  readonly #socket: FrameSocket;

  constructor(socket: FrameSocket) {
    this.#socket = socket;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedBytes;
  }

  write(frames: readonly WireText[]): void {
    const translated = frames.map(proxyFrame).filter((frame) => frame !== undefined);
    if (translated.length > 0) this.#socket.write(translated.map(({ wire }) => wire));
    if (translated.some(({ isLast }) => isLast)) this.#socket.close(CLOSE_CODES.finished, 'finished');
  }

  ping(): void {
    this.#socket.ping();
  }

  close(code: CloseCode, reason: string): void {
    this.#socket.close(code, reason);
  }
}
