/**
 * The TCP connections of the public port until they are WebSockets: how many there may be of an address, and which one
 * goes where there are too many.
 *
 * One that waits for a request, or whose request has shown no good token yet, is worth least: the one that has been so
 * longest makes room for the next. So nobody can keep others out by holding connections and saying nothing.
 */
import type { RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { RelayError } from '../../protocol/relay-error.ts';
import type { Clock } from '../../time/clock.ts';
import { errorBody, errorHeaders, rawErrorResponse } from '../error-response.ts';
import { tooManyOfAddress } from './connection-lease.ts';
import { Rate } from './keyed-counts.ts';

/** Requests of one connection that are not answered yet. No client in use sends that many ahead. */
const MAX_PIPELINED = 16;
/** Each of them may wait for the end of the connection in a few places; Node warns of a leak at eleven. */
const MAX_LISTENERS = 8 * MAX_PIPELINED;

export interface ConnectionsParts {
  readonly clock: Clock;
  /** Of one address. */
  readonly perAddress: number;
  /** Requests without a good token in one second, of one connection. */
  readonly unprovenPerSecond: number;
  /** Descriptors in use beyond which no connection is added: the rest is left to files, databases and the model's API. */
  readonly maxDescriptors: number;
  /** Those that are served, and not counted here any more. */
  readonly websockets: () => number;
  /** The key of the peer's address; undefined where it is a proxy, which speaks for many. */
  readonly peerOf: (socket: Socket) => string | undefined;
  readonly refused: (error: RelayError) => void;
}

/** What is known of one connection. */
export class PlainConnection {
  readonly socket: Socket;
  /** Undefined of a proxy: neither its tokens nor its faults are one client's. */
  readonly address: string | undefined;
  /** Whether the last token that came over it was a good one. */
  proven = false;
  /** Requests that are not answered. */
  pending = 0;
  /** It has its last answer, and is not listened to any more. */
  ending = false;

  constructor(socket: Socket, address: string | undefined) {
    this.socket = socket;
    this.address = address;
  }
}

export class Connections {
  readonly #parts: ConnectionsParts;
  #size = 0;
  readonly #perAddress = new Map<string, Set<PlainConnection>>();
  /** Those that may make room; the one that has been here longest comes first. */
  readonly #idle = new Set<PlainConnection>();
  /** How many connections and WebSockets the descriptors allow, and in which second of the clock that was found out. */
  #room = Number.POSITIVE_INFINITY;
  #roomSecond = 0;
  /** Told to go, and still holding a descriptor. */
  #closing = 0;

  readonly #unproven: Rate<PlainConnection>;

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
    this.#unproven = new Rate(parts.unprovenPerSecond, 1000, parts.clock);
  }

  get size(): number {
    return this.#size;
  }

  attach(server: Server): void {
    server.on('connection', (socket: Socket) => this.#accept(socket));
  }

  /** `serve`, but for a connection that sends too many requests before it is answered: that ends it. */
  listener(serve: RequestListener): RequestListener {
    return (request, response) => {
      const connection = this.of(request.socket);
      if (connection === undefined) return serve(request, response);
      request.socket.setMaxListeners(MAX_LISTENERS);
      if (connection.ending) return;
      if (connection.pending >= MAX_PIPELINED) return this.#end(connection, response);
      connection.pending += 1;
      if (connection.address === undefined) this.#idle.delete(connection);
      response.once('close', () => this.#answered(connection));
      serve(request, response);
    };
  }

  /** Undefined once the connection is gone. */
  of(socket: Known): PlainConnection | undefined {
    return socket[CONNECTION];
  }

  /** A good token came with a request of it: until that is answered, it stays. */
  prove(connection: PlainConnection): void {
    // A proxy's is not: it carries the tokens of many.
    connection.proven = connection.address !== undefined;
    this.#idle.delete(connection);
  }

  /** Counts a request without a good token; false where this second has had too many. A proxy's are not one client's. */
  takeUnproven(connection: PlainConnection): boolean {
    return connection.address === undefined || this.#unproven.take(connection) === 0;
  }

  /** It is a WebSocket from now on, or gone. */
  forget(socket: Known): void {
    const connection = socket[CONNECTION];
    if (connection === undefined) return;
    socket.off('close', this.#onClose);
    socket[CONNECTION] = undefined;
    this.#size -= 1;
    this.#idle.delete(connection);
    const { address } = connection;
    if (address === undefined) return;
    const others = this.#perAddress.get(address);
    others?.delete(connection);
    if (others?.size === 0) this.#perAddress.delete(address);
  }

  #accept(socket: Known): void {
    const { perAddress, peerOf, websockets } = this.#parts;
    const connection = new PlainConnection(socket, peerOf(socket));
    this.#measure(socket);
    while (this.#size + websockets() >= this.#room) {
      if (this.#makeRoom(this.#idle)) continue;
      socket.destroy();
      return;
    }
    const { address } = connection;
    if (address !== undefined) {
      const others = this.#perAddress.get(address) ?? new Set();
      if (others.size >= perAddress && !this.#makeRoom(others)) {
        this.#refuse(socket);
        return;
      }
      this.#perAddress.set(address, others.add(connection));
    }
    socket[CONNECTION] = connection;
    this.#size += 1;
    this.#idle.add(connection);
    socket.on('close', this.#onClose);
  }

  /**
   * The system gives out the lowest number that is free: one at the limit says that all below are in use. How many of
   * them are not ours to close changes, so it holds for a second.
   */
  #measure(socket: Socket): void {
    const { maxDescriptors, websockets, clock } = this.#parts;
    const second = Math.trunc(clock.elapsed() / 1000);
    if (second !== this.#roomSecond) this.#room = Number.POSITIVE_INFINITY;
    this.#roomSecond = second;
    const below = descriptorOf(socket);
    if (below < maxDescriptors) return;
    const others = below - this.#size - websockets() - this.#closing;
    this.#room = maxDescriptors - others;
  }

  /** Closes the first of those that is idle. False where none is. */
  #makeRoom(among: ReadonlySet<PlainConnection>): boolean {
    for (const connection of among) {
      if (!this.#idle.has(connection)) continue;
      this.forget(connection.socket);
      this.#closing += 1;
      connection.socket.once('close', () => {
        this.#closing -= 1;
      });
      connection.socket.destroy();
      return true;
    }
    return false;
  }

  /** The answers before it leave first. */
  #end(connection: PlainConnection, response: ServerResponse): void {
    const refusal = new RelayError('rate_limited', 'too many requests at once on a connection; slow down', {
      cause: 'requests_of_connection',
      retryAfterMs: 1000,
    });
    connection.ending = true;
    const headers = { 'content-type': 'application/json; charset=utf-8', connection: 'close' };
    response.writeHead(refusal.status, { ...errorHeaders(refusal), ...headers });
    response.end(JSON.stringify(errorBody(refusal)));
    this.#parts.refused(refusal);
  }

  #refuse(socket: Socket): void {
    const refusal = tooManyOfAddress();
    socket.end(rawErrorResponse(refusal), () => socket.destroy());
    this.#parts.refused(refusal);
  }

  #answered(connection: PlainConnection): void {
    connection.pending -= 1;
    if (connection.pending > 0 || this.of(connection.socket) === undefined) return;
    this.#idle.delete(connection);
    this.#idle.add(connection); // after the others: they have waited longer
  }

  /** Shared by all sockets: `this` is the socket. */
  readonly #onClose = ((connections) =>
    function (this: Socket): void {
      connections.forget(this);
    })(this);
}

/** Where a socket has what is known of it: a look-up in a map of thousands costs more than all else here. */
const CONNECTION = Symbol('connection');
type Known = Socket & { [CONNECTION]?: PlainConnection | undefined };

/** -1 where the system has none. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd ?? -1;
}
