/** How a response leaves: the headers of the real API, and its bytes over HTTP/1.1 or HTTP/2. */
import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { WireText } from '../protocol/wire-text.ts';
import type { Clock } from '../time/clock.ts';

type Headers = Readonly<Record<string, string>>;

export interface ResponseWriter {
  /** A whole response at once. */
  reply(status: number, headers: Headers, body: string): void;
  head(status: number, headers: Headers): void;
  /** False: wait for `onceDrained`. */
  write(wire: WireText): boolean;
  onceDrained(callback: () => void): void;
  end(): void;
  /** Breaks this response off: RST_STREAM, or a TCP RST where the connection carries nothing else. */
  reset(): void;
  /** Breaks the whole connection off with a TCP RST. */
  disconnect(): void;
  onceClosed(callback: () => void): void;
}

/** @param tcp the TCP socket underneath, which under TLS is not the response's own */
export class Http1ResponseWriter implements ResponseWriter {
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  readonly #tcp: Socket;

  constructor(response: ServerResponse, socket: Socket, tcp: Socket) {
    this.#response = response;
    this.#socket = socket;
    this.#tcp = tcp;
  }

  reply(status: number, headers: Headers, body: string): void {
    this.#response
      .writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) })
      .end(body);
  }

  head(status: number, headers: Headers): void {
    this.#response.writeHead(status, headers).flushHeaders();
  }

  /** Frames the chunk itself: one write of one string costs a third of what `response.write` does with its four. */
  write(wire: WireText): boolean {
    return this.#socket.write(`${wire.length.toString(16)}\r\n${wire}\r\n`, 'latin1');
  }

  onceDrained(callback: () => void): void {
    this.#socket.once('drain', callback);
  }

  end(): void {
    this.#response.end();
  }

  reset(): void {
    this.disconnect();
  }

  disconnect(): void {
    this.#tcp.resetAndDestroy();
  }

  onceClosed(callback: () => void): void {
    this.#response.once('close', callback);
  }
}

export class Http2ResponseWriter implements ResponseWriter {
  readonly #stream: ServerHttp2Stream;
  readonly #tcp: Socket;

  constructor(response: Http2ServerResponse, tcp: Socket) {
    this.#stream = response.stream;
    this.#tcp = tcp;
  }

  reply(status: number, headers: Headers, body: string): void {
    this.head(status, headers);
    this.#stream.end(body);
  }

  head(status: number, headers: Headers): void {
    if (this.#stream.destroyed) return;
    // Owing trailers (Node sends empty ones at the end) keeps a reset from being preceded by a clean END_STREAM.
    this.#stream.respond({ ':status': status, ...headers }, { waitForTrailers: true });
  }

  write(wire: WireText): boolean {
    return this.#stream.write(wire, 'latin1');
  }

  onceDrained(callback: () => void): void {
    this.#stream.once('drain', callback);
  }

  end(): void {
    this.#stream.end();
  }

  reset(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  disconnect(): void {
    this.#tcp.resetAndDestroy();
  }

  onceClosed(callback: () => void): void {
    this.#stream.once('close', callback);
  }
}

export const JSON_TYPE = { 'content-type': 'application/json' } as const;

const LIMITS = { requests: 4_000, tokens: 2_400_000, 'input-tokens': 2_000_000, 'output-tokens': 400_000 };

/** What every response has, answers and refusals alike. */
export function responseHeaders(requestId: string, clock: Clock): Record<string, string> {
  const headers: Record<string, string> = {
    'request-id': requestId,
    'anthropic-organization-id': '00000000-0000-4000-8000-0000000051a1',
    'anthropic-workspace-id': 'wrkspc_01simulated',
    'cache-control': 'no-cache',
  };
  const reset = `${new Date(clock.now() + 1_000).toISOString().slice(0, 19)}Z`;
  for (const [kind, limit] of Object.entries(LIMITS)) {
    headers[`anthropic-ratelimit-${kind}-limit`] = String(limit);
    headers[`anthropic-ratelimit-${kind}-remaining`] = String(limit);
    headers[`anthropic-ratelimit-${kind}-reset`] = reset;
  }
  return headers;
}
