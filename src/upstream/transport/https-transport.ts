/**
 * HTTPS to one origin: HTTP/2 where the server offers it, over a pool of connections with about a hundred streams each,
 * otherwise HTTP/1.1; the TLS handshake tells which (ALPN). It opens connections and places exchanges on them.
 */
import { isIP } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import type { Timer } from '../../time/clock.ts';
import { Http1Transport, type TransportOptions } from './http1-transport.ts';
import { Http2Connection } from './http2-connection.ts';
import { Http2Exchange } from './http2-exchange.ts';
import {
  type Exchange,
  type ExchangeListener,
  errorCode,
  type Transport,
  TransportError,
  type TransportRequest,
} from './transport.ts';

const CHECK_INTERVAL_MS = 1_000;
const TCP_KEEP_ALIVE_MS = 30_000;

export class HttpsTransport implements Transport {
  readonly #options: TransportOptions;
  readonly #connections = new Set<Http2Connection>();
  /** Takes over once the server has shown that it speaks no HTTP/2. */
  readonly #http1: Http1Transport;
  #speaksHttp2 = true;
  #closed = false;
  #supervision: Timer | null = null;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#http1 = new Http1Transport(options);
  }

  send(request: TransportRequest, listener: ExchangeListener): Exchange {
    if (!this.#speaksHttp2) return this.#http1.send(request, listener);
    const place = (self: Http2Exchange) => this.#place(self);
    const exchange = new Http2Exchange(request, listener, place, this.#options.clock);
    queueMicrotask(() => this.#place(exchange));
    return exchange;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const connection of this.#connections) connection.destroy('CLOSED');
    await this.#http1.close();
  }

  #place(exchange: Http2Exchange): void {
    if (exchange.closed) return;
    if (this.#closed) {
      exchange.fail(new TransportError('reset', 'CLOSED'));
      return;
    }
    if (!this.#speaksHttp2) {
      exchange.passTo(this.#http1);
      return;
    }
    // The oldest first, so that the younger ones run empty and close.
    for (const connection of this.#connections) if (connection.take(exchange)) return;
    const waitMs = this.#options.breaker.tryAcquire();
    if (waitMs > 0) exchange.fail(new TransportError('suspended', null, waitMs));
    else this.#open().take(exchange);
  }

  #open(): Http2Connection {
    const { breaker, clock, connectMs, origin } = this.#options;
    const socket = this.#connect();
    let opening = true;
    /** @returns whether this is the first outcome of the attempt. */
    const settle = () => {
      const first = opening;
      opening = false;
      deadline.cancel();
      return first;
    };
    const fail = (error: TransportError) => {
      this.#drop(connection);
      if (!settle()) return;
      breaker.failed();
      for (const exchange of connection.giveBack()) exchange.fail(error);
      connection.destroy('CLOSED');
      socket.destroy();
    };
    const connection = new Http2Connection(origin.host, {
      opened: () => {
        if (settle()) breaker.succeeded();
        for (const exchange of connection.giveBack()) this.#place(exchange);
      },
      closed: () => fail(new TransportError('unreachable', 'CLOSED')),
    });
    const deadline = clock.after(connectMs, () => fail(new TransportError('connect-timeout', 'ETIMEDOUT')));
    socket.once('secureConnect', () => {
      if (socket.alpnProtocol === 'h2') connection.attach(socket);
      else this.#fallBack(connection, socket, settle);
    });
    socket.on('error', (error) => {
      if (opening) fail(new TransportError('unreachable', errorCode(error)));
    });
    socket.once('close', () => fail(new TransportError('unreachable', 'CLOSED')));
    this.#add(connection);
    return connection;
  }

  /** The server speaks only HTTP/1.1: what waited goes there, and so does all that follows. */
  #fallBack(connection: Http2Connection, socket: TLSSocket, settle: () => boolean): void {
    if (!settle()) return;
    this.#options.breaker.succeeded();
    this.#speaksHttp2 = false;
    this.#drop(connection);
    for (const exchange of connection.giveBack()) this.#place(exchange);
    socket.destroy();
  }

  #connect(): TLSSocket {
    const { origin, ca } = this.#options;
    const host = origin.hostname.replace(/^\[|\]$/g, '');
    const socket = tls.connect({
      host,
      port: Number(origin.port || 443),
      ALPNProtocols: ['h2', 'http/1.1'],
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca }),
    });
    return socket.setNoDelay(true).setKeepAlive(true, TCP_KEEP_ALIVE_MS);
  }

  #add(connection: Http2Connection): void {
    this.#connections.add(connection);
    this.#supervision ??= this.#options.clock.every(CHECK_INTERVAL_MS, () => {
      for (const each of this.#connections) each.check();
    });
  }

  #drop(connection: Http2Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    this.#supervision?.cancel();
    this.#supervision = null;
  }
}
