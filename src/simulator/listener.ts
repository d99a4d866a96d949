/**
 * The simulator's server: HTTP/1.1 in plain text, or HTTP/2 and 1.1 by ALPN over TLS, as the real API.
 * Owns sockets; hands each request over with a writer for the answer.
 */
import { createServer, type IncomingMessage, ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { Http1ResponseWriter, Http2ResponseWriter, type ResponseWriter } from './response-writer.ts';

export type SimulatedHttpRequest = IncomingMessage | Http2ServerRequest;
export type Handler = (request: SimulatedHttpRequest, writer: ResponseWriter) => void;

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** PEM. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer } | undefined;
  /** Streams a client may open in one HTTP/2 connection. */
  readonly maxConcurrentStreams: number;
}

export interface Listener {
  readonly url: string;
  readonly connections: number;
  /** Asks every HTTP/2 client to go elsewhere for new requests; open ones go on. */
  goAway(): void;
  /** Destroys what is open. */
  close(): Promise<void>;
}

export async function listen(options: ListenOptions, handler: Handler): Promise<Listener> {
  const sockets = new Map<number, Socket>();
  const sessions = new Set<ServerHttp2Session>();
  const serve = (request: SimulatedHttpRequest, response: ServerResponse | Http2ServerResponse): void => {
    const { socket } = request;
    // Under TLS the TCP socket is found by its port: it alone can be reset.
    const tcp = sockets.get(socket.remotePort ?? 0) ?? socket;
    handler(
      request,
      response instanceof ServerResponse
        ? new Http1ResponseWriter(response, socket, tcp)
        : new Http2ResponseWriter(response, tcp),
    );
  };
  const server =
    options.tls === undefined ? createServer(serve) : secureServer(options, options.tls, serve, sessions);
  server.on('connection', (socket: Socket) => {
    const port = socket.remotePort ?? 0;
    socket.setNoDelay(true);
    sockets.set(port, socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(port));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // Its own also in a process of a cluster, whose parent would have all of them share one.
    server.listen({ port: options.port, host: options.host, exclusive: true }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls ? 'https' : 'http'}://${options.host}:${port}`,
    get connections() {
      return sockets.size;
    },
    goAway() {
      for (const session of sessions) session.close();
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.destroy();
      for (const socket of sockets.values()) socket.destroy();
      await closed;
    },
  };
}

function secureServer(
  { maxConcurrentStreams }: ListenOptions,
  { key, cert }: NonNullable<ListenOptions['tls']>,
  serve: (request: SimulatedHttpRequest, response: ServerResponse | Http2ServerResponse) => void,
  sessions: Set<ServerHttp2Session>,
) {
  const server = createSecureServer(
    { key, cert, allowHTTP1: true, settings: { maxConcurrentStreams } },
    serve,
  );
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  server.on('sessionError', () => {});
  return server;
}
