/**
 * HTTP/1.1 to one origin over kept-alive connections: plain HTTP (simulators, tests), and HTTPS servers without HTTP/2.
 * One connection carries one exchange at a time, so it is the dearer way; HttpsTransport prefers HTTP/2. Nothing tells
 * whether a connection without an exchange is still one, so it is not kept for long.
 */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../../time/clock.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import {
  type Exchange,
  type ExchangeListener,
  errorCode,
  type Transport,
  TransportError,
  type TransportRequest,
} from './transport.ts';

// Imported, node:http loads all of the built-in fetch for its export WebSocket: 6 MB (decision 0014).
const http = process.getBuiltinModule('node:http');

export interface TransportOptions {
  /** Scheme, host and port. */
  readonly origin: URL;
  readonly clock: Clock;
  /** For a connection to be ready: TCP, TLS and the peer's settings. */
  readonly connectMs: number;
  /** Certificates to trust instead of the built-in ones, as PEM. */
  readonly ca: string | undefined;
  readonly breaker: CircuitBreaker;
}

const IDLE_MS = 30_000;
const CHECK_INTERVAL_MS = 1_000;

export class Http1Transport implements Transport {
  readonly #options: TransportOptions;
  readonly #agent: Agent;
  readonly #exchanges = new Set<Http1Exchange>();
  /** When a connection lost its last exchange, monotonic ms. */
  readonly #idleSince = new WeakMap<Duplex, number>();
  #supervision: Timer | null = null;
  #closed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    const pool = { keepAlive: true, scheduling: 'lifo' as const, noDelay: true };
    this.#agent =
      options.origin.protocol === 'https:'
        ? new https.Agent({ ...pool, ...(options.ca === undefined ? {} : { ca: options.ca }) })
        : new http.Agent(pool);
    this.#agent.on('free', (socket: Duplex) => this.#idleSince.set(socket, options.clock.elapsed()));
  }

  send(request: TransportRequest, listener: ExchangeListener): Exchange {
    const exchange = new Http1Exchange(this.#options, this.#agent, listener, () =>
      this.#exchanges.delete(exchange),
    );
    this.#exchanges.add(exchange);
    this.#supervision ??= this.#options.clock.every(CHECK_INTERVAL_MS, () => this.#closeIdle());
    queueMicrotask(() => (this.#closed ? exchange.destroy() : exchange.begin(request)));
    return exchange;
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const exchange of this.#exchanges) exchange.destroy();
    this.#agent.destroy();
    this.#supervision?.cancel();
    return Promise.resolve();
  }

  #closeIdle(): void {
    const idle = Object.values(this.#agent.freeSockets).flatMap((sockets) => sockets ?? []);
    const before = this.#options.clock.elapsed() - IDLE_MS;
    for (const socket of idle) if ((this.#idleSince.get(socket) ?? 0) <= before) socket.destroy();
    if (idle.length > 0 || this.#exchanges.size > 0) return;
    this.#supervision?.cancel();
    this.#supervision = null;
  }
}

class Http1Exchange implements Exchange {
  readonly #options: TransportOptions;
  readonly #agent: Agent;
  readonly #listener: ExchangeListener;
  readonly #onClosed: () => void;
  #message: ClientRequest | null = null;
  #connectDeadline: Timer | null = null;
  #connected = false;
  #ended = false;
  #failed = false;
  #cancelled = false;
  #closed = false;

  constructor(options: TransportOptions, agent: Agent, listener: ExchangeListener, onClosed: () => void) {
    this.#options = options;
    this.#agent = agent;
    this.#listener = listener;
    this.#onClosed = onClosed;
  }

  begin(request: TransportRequest): void {
    if (this.#closed) return;
    const waitMs = this.#options.breaker.tryAcquire();
    if (waitMs > 0) {
      this.#fail(new TransportError('suspended', null, waitMs));
      this.#leave();
      return;
    }
    try {
      this.#send(request);
    } catch (error) {
      this.#options.breaker.abandoned();
      this.#fail(new TransportError('reset', errorCode(error)));
      this.#leave();
    }
  }

  cancel(): void {
    if (this.#cancelled || this.#closed || this.#ended) return;
    this.#cancelled = true;
    if (this.#message === null) this.#leave();
    else this.#message.destroy();
  }

  /** Cuts it; it fails. */
  destroy(): void {
    if (this.#message === null) this.#fail(new TransportError('reset', 'CLOSED'));
    if (this.#message === null) this.#leave();
    else this.#message.destroy();
  }

  #send({ method, path, headers, body }: TransportRequest): void {
    const { origin } = this.#options;
    const secure = origin.protocol === 'https:';
    const message = (secure ? https : http).request({
      protocol: origin.protocol,
      hostname: origin.hostname.replace(/^\[|\]$/g, ''),
      port: origin.port || (secure ? 443 : 80),
      agent: this.#agent,
      method,
      path,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    });
    this.#message = message;
    message.on('socket', (socket) => this.#onSocket(socket, secure));
    message.on('response', (response) => this.#onResponse(response));
    message.on('error', (error) => this.#onError(error));
    message.on('close', () => {
      this.#fail(new TransportError('reset', 'CLOSED'));
      this.#leave();
    });
    message.end(body);
  }

  #onSocket(socket: Socket, secure: boolean): void {
    if (!socket.connecting) {
      this.#onConnected();
      return;
    }
    const { clock, connectMs } = this.#options;
    this.#connectDeadline = clock.after(connectMs, () => {
      this.#fail(new TransportError('connect-timeout', 'ETIMEDOUT'));
      this.#message?.destroy();
    });
    socket.once(secure ? 'secureConnect' : 'connect', () => this.#onConnected());
  }

  #onConnected(): void {
    this.#connectDeadline?.cancel();
    this.#connected = true;
    this.#options.breaker.succeeded();
    if (!this.#cancelled && !this.#failed) this.#listener.sent();
  }

  #onResponse(response: IncomingMessage): void {
    response.on('data', (bytes: Buffer) => {
      if (!this.#cancelled && !this.#failed) this.#listener.data(bytes);
    });
    response.on('end', () => {
      if (this.#cancelled || this.#failed || !response.complete) return;
      this.#ended = true;
      this.#listener.ended();
    });
    response.on('error', (error) => this.#onError(error));
    if (!this.#cancelled && !this.#failed)
      this.#listener.response(response.statusCode ?? 0, response.headers);
  }

  #onError(error: unknown): void {
    this.#fail(new TransportError(this.#connected ? 'reset' : 'unreachable', errorCode(error)));
  }

  #fail(error: TransportError): void {
    if (this.#ended || this.#failed || this.#cancelled) return;
    this.#failed = true;
    this.#listener.failed(error);
  }

  #leave(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connectDeadline?.cancel();
    if (!this.#connected && this.#message !== null) {
      if (this.#failed) this.#options.breaker.failed();
      else this.#options.breaker.abandoned();
    }
    this.#onClosed();
    this.#listener.closed();
  }
}
