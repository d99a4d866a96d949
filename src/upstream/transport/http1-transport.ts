/**
 * HTTP/1.1 to one origin over kept-alive connections: plain HTTP (simulators, tests), and HTTPS servers without HTTP/2.
 * One connection carries one exchange at a time, so it is the dearer way; HttpsTransport prefers HTTP/2. Nothing tells
 * whether a connection without an exchange is still one, so it is not kept for long; and where the server closed it at the
 * very moment in which a request came, the request goes out once more, on a new one.
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
    const exchange = new Http1Exchange(request, listener, this.#options, {
      agent: this.#agent,
      wasStale: () => this.#closeIdle(0),
      closed: () => this.#exchanges.delete(exchange),
    });
    this.#exchanges.add(exchange);
    this.#supervision ??= this.#options.clock.every(CHECK_INTERVAL_MS, () => this.#check());
    queueMicrotask(() => (this.#closed ? exchange.destroy() : exchange.begin()));
    return exchange;
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const exchange of this.#exchanges) exchange.destroy();
    this.#agent.destroy();
    this.#supervision?.cancel();
    return Promise.resolve();
  }

  #check(): void {
    if (this.#closeIdle(IDLE_MS) > 0 || this.#exchanges.size > 0) return;
    this.#supervision?.cancel();
    this.#supervision = null;
  }

  /** Closes connections without an exchange for so long, ms. @returns how many had none */
  #closeIdle(idleMs: number): number {
    const idle = Object.values(this.#agent.freeSockets).flatMap((sockets) => sockets ?? []);
    const before = this.#options.clock.elapsed() - idleMs;
    for (const socket of idle) if ((this.#idleSince.get(socket) ?? 0) <= before) socket.destroy();
    return idle.length;
  }
}

/** What an exchange has of its transport. */
interface Http1Pool {
  readonly agent: Agent;
  /** A connection that was kept had been closed: the others may have been as well. */
  readonly wasStale: () => void;
  readonly closed: () => void;
}

/** What a request meets on a connection that the server has closed meanwhile. */
const CLOSED_CODES: ReadonlySet<string | null> = new Set(['ECONNRESET', 'EPIPE']);

class Http1Exchange implements Exchange {
  readonly #options: TransportOptions;
  readonly #pool: Http1Pool;
  readonly #listener: ExchangeListener;
  /** Null once no one sends it again: a prompt may be large. */
  #request: TransportRequest | null;
  #message: ClientRequest | null = null;
  #connectDeadline: Timer | null = null;
  #connected = false;
  #ended = false;
  #failed = false;
  #cancelled = false;
  #closed = false;

  constructor(
    request: TransportRequest,
    listener: ExchangeListener,
    options: TransportOptions,
    pool: Http1Pool,
  ) {
    this.#request = request;
    this.#listener = listener;
    this.#options = options;
    this.#pool = pool;
  }

  begin(): void {
    const request = this.#request;
    if (this.#closed || request === null) return;
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
      agent: this.#pool.agent,
      method,
      path,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    });
    this.#message = message;
    message.on('socket', (socket) => this.#onSocket(socket, secure));
    message.on('response', (response) => this.#onResponse(response));
    message.on('error', (error) => {
      if (this.#wasStale(message, error)) this.#sendAnew();
      else this.#onError(error);
    });
    message.on('close', () => {
      if (this.#message !== message) return;
      this.#fail(new TransportError('reset', 'CLOSED'));
      this.#leave();
    });
    message.end(body, () => {
      if (!this.#cancelled && !this.#failed && !this.#closed) this.#listener.flushed();
    });
  }

  #onSocket(socket: Socket, secure: boolean): void {
    // One that never got as far as connecting, for want of a descriptor, is about to fail.
    if (!socket.pending) {
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

  /** Whether it went to a connection that was kept and was gone: the server has not seen it. Once: the next is a new one. */
  #wasStale(message: ClientRequest, error: unknown): boolean {
    const unanswered = this.#request !== null && !this.#cancelled && !this.#failed;
    return unanswered && message.reusedSocket && CLOSED_CODES.has(errorCode(error));
  }

  #sendAnew(): void {
    this.#connected = false;
    this.#message = null;
    this.#pool.wasStale();
    this.begin();
  }

  #onResponse(response: IncomingMessage): void {
    this.#request = null;
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
    this.#request = null;
    this.#pool.closed();
    this.#listener.closed();
  }
}
