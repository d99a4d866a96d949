/**
 * The WebSocket endpoint: from an upgrade request to a served connection, or to a refusal before the 101.
 * Owns the raw socket until `ws` has it, and the set of open sockets. What frames say is the core's affair.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Principal } from '../../auth/port.ts';
import type { Connect, ConnectionEvents, ConnectionInfo } from '../../connection/port.ts';
import type { OldActions } from '../../legacy/parameters.ts';
import type { Observer } from '../../observability/port.ts';
import { SUBPROTOCOL } from '../../protocol/frames.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import type { Clock } from '../../time/clock.ts';
import type { Admission } from '../admission/admission.ts';
import type { ClientAddress } from '../admission/client-address.ts';
import type { ConnectionLease } from '../admission/connection-lease.ts';
import type { Connections } from '../admission/connections.ts';
import { EventLoopLimiter } from '../admission/event-loop-limiter.ts';
import { Lingering } from '../admission/lingering.ts';
import { traceparentOf } from '../admission/traceparent.ts';
import { connectChats } from '../ai-sdk/chat-socket.ts';
import type { ChatStreams } from '../ai-sdk/chat-streams.ts';
import { rawErrorResponse } from '../error-response.ts';
import { connectOld } from '../legacy/old-socket.ts';
import { MAX_FRAGMENTS } from './frame-rules.ts';
import { adaptWebSocket, type ServedSocket, type SocketParts } from './frame-socket.ts';
import {
  asksForChats,
  doorOf,
  handshakeToken,
  oldFunctionOf,
  refusedOrigin,
  requireHandshake,
  versionsServed,
} from './upgrade-request.ts';

/**
 * A frame may come in segments of this many bytes. In memory each piece takes 1 KB beside them, so that what one socket
 * can hold of an unfinished frame is 13 times its size at most.
 */
const PIECE_BYTES = 64;
/** Where frames are limited to a few KB: who writes byte by byte is still heard. */
const MIN_PIECES = 1024;
/** Handshakes accepted in a turn of the event loop: about 1 ms. */
const HANDSHAKES_PER_TURN = 4;
/** Sockets taken down in one, with what is left of their connections: about 1 ms. */
const ENDINGS_PER_TURN = 16;

export interface WebSocketEndpointParts {
  readonly connect: Connect;
  /** Called for each upgrade and each end of a socket. */
  readonly flushLate: () => void;
  readonly actions: OldActions;
  /** Streams by the chats of the AI SDK. */
  readonly chats: ChatStreams;
  readonly admission: Admission;
  readonly connections: Connections;
  readonly clientAddress: ClientAddress;
  readonly allowedOrigins: ReadonlySet<string>;
  readonly maxFrameBytes: number;
  readonly observer: Observer;
  readonly clock: Clock;
}

export class WebSocketEndpoint {
  readonly #parts: WebSocketEndpointParts;
  readonly #websockets: WebSocketServer;
  /** Sockets that are neither refused nor served yet. */
  readonly #handshakes = new Set<Socket>();
  readonly #open = new Map<ServedSocket, ConnectionLease>();
  /** As judging is: a key set that was late lets all those pass at once who waited for it. */
  readonly #accepting = new EventLoopLimiter(HANDSHAKES_PER_TURN);
  readonly #socketParts: SocketParts;
  readonly #lingering: Lingering;

  constructor(parts: WebSocketEndpointParts) {
    this.#parts = parts;
    this.#lingering = new Lingering(parts.clock);
    this.#socketParts = {
      clock: parts.clock,
      flushLate: parts.flushLate,
      endings: new EventLoopLimiter(ENDINGS_PER_TURN),
      gone: this.#gone,
    };
    const options = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      // Unset, `ws` would echo the first name offered, which may be the token.
      handleProtocols: () => SUBPROTOCOL,
      maxPayload: parts.maxFrameBytes,
      maxFragments: MAX_FRAGMENTS,
      maxBufferedChunks: Math.max(MIN_PIECES, Math.ceil(parts.maxFrameBytes / PIECE_BYTES)),
      skipUTF8Validation: false,
      closeTimeout: 2000,
    };
    this.#websockets = new WebSocketServer(options);
  }

  /** Sockets served at this instant. */
  get connections(): number {
    return this.#open.size;
  }

  /** Serves the upgrades of a server that takes those which are a handshake (`isHandshake`): the stream then is the socket itself. */
  attach(server: Server): void {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#parts.flushLate();
      void this.#handle(request, socket as Socket, head);
    });
  }

  /** Cuts every socket at once. Graceful closing is the core's, before this. */
  close(): void {
    for (const socket of this.#handshakes) socket.destroy();
    for (const socket of this.#open.keys()) socket.terminate();
  }

  async #handle(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    // Before the first await: Node took its own listener away, and a reset now would end the process.
    socket.on('error', destroy);
    this.#handshakes.add(socket);
    const handshake: Handshake = { connectionId: randomUUID(), request, socket, head };
    try {
      await this.#admit(handshake);
    } catch (cause) {
      this.#refuse(handshake, RelayError.from(cause));
    } finally {
      this.#handshakes.delete(socket);
    }
  }

  /** The guards, in turns and cheapest first. @throws RelayError to be answered before the 101 */
  async #admit(handshake: Handshake): Promise<void> {
    const { admission, allowedOrigins, clientAddress } = this.#parts;
    const { request, socket } = handshake;
    const turn = admission.turn(request);
    if (turn !== undefined) await turn;
    requireHandshake(request);
    admission.refuseSockets();
    const address = clientAddress(request);
    const principal = await admission.authenticate(address, () => handshakeToken(request, allowedOrigins));
    const accepting = this.#accepting.take();
    if (accepting !== undefined) await accepting;
    if (socket.destroyed) return;
    handshake.userId = principal.userId;
    const lease = admission.handshake(address, principal.userId);
    this.#parts.connections.forget(socket);
    this.#accept(handshake, lease, principal);
  }

  #accept(
    { request, socket, head, connectionId }: Handshake,
    lease: ConnectionLease,
    principal: Principal,
  ): void {
    let accepted = false;
    // The 101 leaves with `hello`, in one write: after what this turn marks to be written.
    socket.cork();
    request.headers.upgrade = 'websocket'; // of several offers: `ws` knows no list
    // What the peer sent after the head (the rest of `head`, and what waits in the paused socket) is parsed only now.
    this.#websockets.handleUpgrade(request, socket, head, (websocket) => {
      accepted = true;
      // `ws` hears of errors by now; a second listener would be an array, 100 bytes for each connection.
      socket.off('error', destroy);
      const frames = adaptWebSocket(websocket, socket, this.#socketParts);
      this.#open.set(frames, lease);
      this.#serve(frames, request, {
        connectionId,
        principal,
        traceparent: traceparentOf(request),
      });
    });
    setImmediate(() => socket.uncork());
    // The peer hung up during the check: `ws` has destroyed the socket and does not call back.
    if (!accepted) lease.release();
  }

  #serve(frames: ServedSocket, request: IncomingMessage, info: ConnectionInfo): void {
    try {
      frames.serve(this.#connected(frames, request, info));
    } catch (cause) {
      this.#parts.observer.failed({ what: 'connect', cause, connectionId: info.connectionId });
      request.socket.uncork();
      frames.terminate();
    }
  }

  #connected(frames: ServedSocket, request: IncomingMessage, info: ConnectionInfo): ConnectionEvents {
    const { actions, connect, chats, clock, observer } = this.#parts;
    if (asksForChats(request)) return connectChats(frames, info, connect, { chats, clock, observer });
    const old = oldFunctionOf(request);
    return old === undefined ? connect(frames, info) : connectOld(old, frames, info, connect, actions);
  }

  readonly #gone = (frames: ServedSocket): void => {
    this.#open.get(frames)?.release();
    this.#open.delete(frames);
  };

  #refuse({ request, socket, connectionId, userId }: Handshake, error: RelayError): void {
    const { code, cause } = error;
    this.#parts.observer.refused({
      door: doorOf(request),
      requestId: connectionId,
      connectionId,
      userId: userId ?? null,
      streamId: null,
      of: 'upgrade',
      code,
      cause,
      origin: refusedOrigin(request, error),
    });
    if (socket.destroyed) return;
    const headers = {
      'x-request-id': connectionId,
      ...(code === 'method_not_allowed' ? { allow: 'GET' } : {}),
      ...versionsServed(request),
    };
    socket.end(rawErrorResponse(error, { headers }));
    this.#lingering.add(socket);
  }
}

interface Handshake {
  readonly connectionId: string;
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** Bytes that came in one read with the request's head. */
  readonly head: Buffer;
  userId?: string;
}

function destroy(this: Socket): void {
  this.destroy();
}
