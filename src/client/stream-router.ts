/** Which transport carries which stream, and what the device's signals mean for all of them. */
import type { ClientStream } from './client-stream.ts';
import type { Transport } from './dash-stream.ts';
import { createHttpTransport } from './http-transport.ts';
import {
  createSocketTransport,
  type SocketTransport,
  type SocketTransportParts,
} from './socket-transport.ts';

export type StreamRouterParts = Omit<SocketTransportParts, 'moved'>;

export interface StreamRouter {
  choose(): Promise<Transport>;
  /** Reads the stream by that transport, and by another where it turns out not to work. */
  follow(stream: ClientStream, transport: Transport): Promise<void>;
  /** As of the socket transport: by the first connection. */
  readonly listen: SocketTransport['listen'];
  unlisten(): void;
  watch(): void;
  /** The caller wants the model stopped: tells the relay. */
  cancel(stream: ClientStream): void;
  /** The stream has ended for its caller. */
  forget(stream: ClientStream): void;
  /** The network is gone: whatever is open hears nothing more. */
  drop(): void;
  /** The device is back: is the relay still there? */
  probe(): void;
  /** Closes every connection, and goes on with nothing. */
  disconnect(): void;
}

export function createStreamRouter(parts: StreamRouterParts): StreamRouter {
  const { selector } = parts;
  const requests = createHttpTransport(parts);
  /** One is enough, unless a stream has several readers. */
  const sockets: SocketTransport[] = [];

  const dropSockets = (): void => {
    for (const each of sockets) each.drop();
  };
  const choose = (): Promise<Transport> =>
    selector.choose(sockets.some((each) => each.isGoingAway()) ? 'websocket' : undefined);
  const follow = async (stream: ClientStream, transport: Transport): Promise<void> => {
    if (transport === 'websocket') {
      socketFor(stream.id).follow(stream);
    } else if (await requests.follow(stream, transport)) {
      const next = await choose();
      if (!stream.ended) await follow(stream, next);
    }
  };
  const socketFor = (id: string): SocketTransport => {
    let socket = sockets.find((each) => !each.follows(id));
    if (!socket) {
      socket = createSocketTransport({ ...parts, moved: (...to) => void follow(...to) });
      sockets.push(socket);
    }
    return socket;
  };
  return {
    choose,
    follow,
    listen: (listener) => (sockets[0] ?? socketFor('')).listen(listener),
    unlisten: () => sockets[0]?.unlisten(),
    watch: () => sockets[0]?.watch(),
    cancel(stream) {
      if (sockets.some((each) => each.cancel(stream))) return;
      for (const each of sockets) each.forget(stream);
      void requests.cancel(stream);
    },
    forget(stream) {
      for (const each of sockets) each.forget(stream);
      requests.forget(stream);
    },
    drop() {
      dropSockets();
      requests.drop();
    },
    probe() {
      for (const each of sockets) each.probe();
      requests.drop('json'); // its silence tells nothing; asked for again, it is the same run
    },
    disconnect() {
      dropSockets();
      requests.stopCancelling();
    },
  };
}
