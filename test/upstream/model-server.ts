/** A real server on loopback that plays the model's API by a script: HTTP/1.1, HTTPS, or HTTP/2 over TLS. */
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2, { type Http2ServerRequest, type Http2ServerResponse, type Http2Session } from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export type Wire = 'http' | 'https' | 'h2';

export type ModelRequest = IncomingMessage | Http2ServerRequest;
/** What the two kinds of response have in common. */
export interface ModelResponse {
  writeHead(status: number, headers?: Record<string, string>): unknown;
  write(part: string | Uint8Array): boolean;
  end(part?: string | Uint8Array): unknown;
  on(event: 'close' | 'error', listener: () => void): unknown;
}

export interface ModelServer {
  readonly baseURL: string;
  /** Requests received so far, also those not answered. */
  readonly requests: readonly { readonly headers: Record<string, unknown>; readonly body: string }[];
  /** Requests whose response is not closed. */
  readonly open: number;
  /** TCP connections now. */
  readonly sockets: ReadonlySet<Socket>;
  /** HTTP/2 sessions so far. */
  readonly sessions: readonly Http2Session[];
  /** Resolves when `open` is 0. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export type Answer = (response: ModelResponse, call: number, request: ModelRequest) => void;

const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');
export const TEST_CERTIFICATE = fixture('localhost-test-cert.pem');
export const TEST_KEY = fixture('localhost-test-key.pem');

/** @param answer is called once the request's body is there; `call` counts from 0. */
export async function startModelServer(
  wire: Wire,
  answer: Answer,
  settings: http2.Settings = {},
): Promise<ModelServer> {
  const requests: { headers: Record<string, unknown>; body: string }[] = [];
  const sockets = new Set<Socket>();
  const sessions: Http2Session[] = [];
  const idleWaiters: (() => void)[] = [];
  let open = 0;

  const serve = (request: ModelRequest, response: ServerResponse | Http2ServerResponse) => {
    open += 1;
    response.on('error', () => {});
    response.on('close', () => {
      open -= 1;
      if (open === 0) for (const resolve of idleWaiters.splice(0)) resolve();
    });
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('error', () => {});
    request.on('end', () => {
      requests.push({ headers: request.headers, body });
      answer(response as ModelResponse, requests.length - 1, request);
    });
  };

  const tls = { key: TEST_KEY, cert: TEST_CERTIFICATE };
  const server =
    wire === 'http'
      ? http.createServer(serve)
      : wire === 'https'
        ? https.createServer(tls, serve)
        : http2.createSecureServer({ ...tls, settings }, serve).on('session', (session) => {
            sessions.push(session);
            session.on('error', () => {});
          });
  server.on(wire === 'http' ? 'connection' : 'secureConnection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    baseURL: `${wire === 'http' ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    get open() {
      return open;
    },
    sockets,
    sessions,
    idle: () => (open === 0 ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve))),
    close() {
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
