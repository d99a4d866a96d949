/**
 * Streams over one WebSocket that is opened when there is one to follow and comes back while there is. Owns when a
 * connection is opened and left, also because of the relay's `going_away`; what its end means is `reconnection.ts`.
 */
import type { GoingAwayFrame, HelloFrame, ServerFrame } from '../protocol/frames.ts';
import { boundedMs } from '../protocol/retry-after.ts';
import type { ClientStream } from './client-stream.ts';
import { failure } from './dash-error.ts';
import type { Transport } from './dash-stream.ts';
import type { ClientClock, WebSocketFactory } from './platform.ts';
import { createReconnection, PROVEN_MS, type ReconnectionParts } from './reconnection.ts';
import { openSession, type SessionEnd, type SocketSession } from './socket-session.ts';
import { createSocketStreams, type Listener } from './socket-streams.ts';
import type { StreamFrame } from './stream-state.ts';
import type { TokenRefresh } from './tokens.ts';

const SUBPROTOCOL = 'dash-relay.v1';
const NOT_OPENED: SessionEnd = { code: 0, answered: false, progressed: false };

export interface SocketTransportParts extends Omit<ReconnectionParts, 'streams'> {
  readonly url: string;
  readonly webSocket: WebSocketFactory;
  readonly refresh: TokenRefresh;
  readonly clock: ClientClock;
  readonly connectMs: number;
  onHello(hello: HelloFrame): void;
  /** WebSockets are not to be used: this stream goes on by another transport. */
  moved(stream: ClientStream, transport: Transport): void;
}

export interface SocketTransport {
  /** The relay is about to go; the socket stays for the streams it has. */
  isGoingAway(): boolean;
  /** A connection has one position in a stream: two readers of one stream need two connections. */
  follows(id: string): boolean;
  follow(stream: ClientStream): void;
  /** Has the relay tell which streams there are; resolves when it does not any more. */
  listen(listener: Listener): Promise<void>;
  unlisten(): void;
  /** Asks for the list again. */
  watch(): void;
  /** Tells the relay. False where this connection cannot now. */
  cancel(stream: ClientStream): boolean;
  /**
   * The stream has ended for its caller. Where the relay goes on sending (`detach`), its frames are still acknowledged:
   * a reader that takes nothing would stall the whole connection.
   */
  forget(stream: ClientStream): void;
  /** The network is gone, or nothing is left to do. */
  drop(): void;
  probe(): void;
}

export function createSocketTransport(parts: SocketTransportParts): SocketTransport {
  const { selector, backoff } = parts;
  let session: SocketSession | undefined;
  let isConnecting = false;
  let goingAway: GoingAwayFrame | undefined;
  /** The session, once its `hello` has come. */
  const opened = (): SocketSession | undefined => (session?.hello ? session : undefined);
  const streams = createSocketStreams(parts.clock, opened);
  const reconnection = createReconnection({ ...parts, streams });

  /** While the relay is about to go: leaves as soon as nothing is followed any more. */
  const leaveIfIdle = (): void => {
    if (goingAway && !streams.following) session?.drop();
  };

  const received = (frame: ServerFrame): void => {
    if (frame.type === 'hello') {
      parts.onHello(frame);
      streams.askAll();
    } else if (frame.type === 'going_away') {
      goingAway = frame;
      selector.recheck();
      if (frame.resume === 'elsewhere') session?.drop(boundedMs(frame.reconnectAfterMs));
      leaveIfIdle();
    } else if (frame.type === 'config') {
      selector.configured(frame);
    } else {
      streams.received(frame as StreamFrame);
      leaveIfIdle();
    }
  };

  /** One connection from its opening to its end; undefined where there is no token for it now. */
  const connect = async (): Promise<SessionEnd | undefined> => {
    const { url, webSocket, tokens } = parts;
    const token = await tokens.get().catch(() => false as const); // false: not now
    if (!token) {
      if (token !== false) streams.fail(failure('unauthorized'));
      return undefined;
    }
    try {
      const socket = webSocket(`${url.replace('http', 'ws')}/v1/ws`, SUBPROTOCOL, token);
      session = openSession({ ...parts, socket, token, received });
      return await session.ended;
    } catch {
      return NOT_OPENED;
    } finally {
      session = undefined;
      streams.lost();
    }
  };

  /** One connection after the other, as long as there is a stream to follow. */
  const stayConnected = async (): Promise<void> => {
    isConnecting = true;
    for (let failures = 0; streams.size > 0; failures++) {
      const transport = await selector.choose();
      if (transport !== 'websocket') {
        for (const stream of streams.release()) parts.moved(stream, transport);
        break;
      }
      const end = await connect();
      if (end?.progressed || (end?.livedMs ?? 0) > PROVEN_MS) failures = 0;
      const hintMs = goingAway && boundedMs(goingAway.reconnectAfterMs);
      goingAway = undefined;
      await reconnection(end, failures, hintMs);
    }
    isConnecting = false;
  };

  const connectSoon = (): void => {
    if (isConnecting) backoff.skip();
    else void stayConnected();
  };
  return {
    isGoingAway: () => !!goingAway,
    listen(listener) {
      const over = streams.listen(listener);
      if (!opened()) connectSoon();
      return over;
    },
    unlisten: streams.unlisten,
    watch: streams.watch,
    follows: streams.has,
    follow(stream) {
      stream.transport = 'websocket';
      streams.add(stream);
      if (opened() && !goingAway) streams.ask(stream);
      else connectSoon();
    },
    cancel: streams.cancel,
    forget(stream) {
      streams.remove(stream);
      leaveIfIdle();
    },
    drop: () => session?.drop(),
    probe: () => session?.probe(),
  };
}
