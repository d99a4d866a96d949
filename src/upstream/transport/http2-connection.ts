/**
 * One HTTP/2 connection and the exchanges on it.
 *
 *   connecting ──settings──► open ──GOAWAY, error, idle──► retired ──last stream closed──► closed
 *       └──────── refused, bad certificate, not in time ──────┴── no pong: its streams fail ──┘
 *
 * Whether the peer is still there is asked of the connection, not of each request: users who give up before their own
 * request is late must not hide that nothing at all comes back.
 *
 * While connecting, exchanges wait in it. A session's errors never leave this file: unheard, they would end the process.
 */
import http2, { type ClientHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { ExchangePlace, Http2Exchange } from './http2-exchange.ts';
import { errorCode, TransportError } from './transport.ts';

/** Streams a connection carries at most, whatever the peer allows: on one socket they queue for each other. */
const MAX_STREAMS = 100;
/** So that a stream never waits for our window: the relay reads everything at once and holds it in its own log. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;
/** Prompts queued for sending count against it: a hundred of some hundred KiB each. Megabytes. */
const SESSION_MEMORY_MB = 256;
/**
 * Supervision counts checks (one a second) instead of reading a clock: a process that was stopped for a minute has
 * missed its checks, not its peer.
 */
const SILENT_CHECKS_BEFORE_PING = 5;
const CHECKS_FOR_PONG = 5;
const IDLE_CHECKS_BEFORE_CLOSE = 120;

export interface ConnectionEvents {
  /** The peer's settings are here: requests may be sent. */
  opened(): void;
  /** The session is gone. Once. */
  closed(): void;
}

export class Http2Connection implements ExchangePlace {
  readonly #authority: string;
  readonly #events: ConnectionEvents;
  readonly #exchanges = new Set<Http2Exchange>();
  #session: ClientHttp2Session | null = null;
  #socket: TLSSocket | null = null;
  #open = false;
  #retired = false;
  #maxStreams = MAX_STREAMS;
  #bytesRead = 0;
  /** Something was sent that a living peer answers, and nothing was read since. */
  #answerOwed = false;
  /** Checks since something was read, or the ping was sent. */
  #silentChecks = 0;
  #awaitingPong = false;
  #idleChecks = 0;

  constructor(authority: string, events: ConnectionEvents) {
    this.#authority = authority;
    this.#events = events;
  }

  /** Takes an exchange: sends it if the connection is open, else lets it wait. @returns false if it cannot. */
  take(exchange: Http2Exchange): boolean {
    if (this.#retired || this.#isSuspect || this.#exchanges.size >= this.#maxStreams) return false;
    this.#exchanges.add(exchange);
    exchange.placedIn(this);
    const session = this.#session;
    if (session === null || !this.#open) return true;
    if (this.#exchanges.size === 1) this.#wake(session);
    this.#answerOwed = true;
    try {
      exchange.begin(session, this.#authority);
    } catch (error) {
      this.#exchanges.delete(exchange);
      if (session.closed || session.destroyed) {
        this.#retire();
        return false;
      }
      exchange.fail(new TransportError('reset', errorCode(error)));
    }
    return true;
  }

  release(exchange: Http2Exchange): void {
    if (!this.#exchanges.delete(exchange) || this.#exchanges.size > 0) return;
    if (this.#retired) this.#session?.close();
    else if (this.#open) this.#session?.unref();
  }

  /** The exchanges that wait here; they are its own no longer. */
  giveBack(): readonly Http2Exchange[] {
    const waiting = [...this.#exchanges];
    this.#exchanges.clear();
    return waiting;
  }

  /** Speaks HTTP/2 on a connected socket. */
  attach(socket: TLSSocket): void {
    this.#socket = socket;
    const session = http2.connect(`https://${this.#authority}`, {
      createConnection: () => socket,
      maxSessionMemory: SESSION_MEMORY_MB,
      peerMaxConcurrentStreams: MAX_STREAMS,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
    });
    this.#session = session;
    session.once('connect', () => session.setLocalWindowSize(CONNECTION_WINDOW_BYTES));
    session.on('remoteSettings', (settings) => this.#onSettings(settings.maxConcurrentStreams));
    session.on('goaway', () => this.#retire());
    // The streams hear of it by their own close.
    session.on('error', () => this.#retire());
    session.once('close', () => {
      this.#retire();
      this.#events.closed();
    });
  }

  /** Called each second: finds dead peers and idle connections. */
  check(): void {
    const read = this.#socket?.bytesRead ?? 0;
    if (read !== this.#bytesRead) {
      this.#bytesRead = read;
      this.#silentChecks = 0;
      this.#awaitingPong = false;
      this.#answerOwed = false;
    }
    if (this.#exchanges.size === 0 && !this.#answerOwed) {
      this.#idleChecks += 1;
      if (this.#idleChecks >= IDLE_CHECKS_BEFORE_CLOSE) this.#retire();
      return;
    }
    this.#idleChecks = 0;
    this.#silentChecks += 1;
    if (this.#awaitingPong) {
      if (this.#silentChecks >= CHECKS_FOR_PONG) this.destroy('ETIMEDOUT');
    } else if (this.#silentChecks >= SILENT_CHECKS_BEFORE_PING) {
      this.#ping();
    }
  }

  /** Cuts it; its exchanges fail as reset, with this code for the operator. */
  destroy(code: string): void {
    this.#retire();
    // With an error, because a session destroyed without one ends its streams as if their bodies were complete.
    this.#session?.destroy(new TransportError('reset', code));
    this.#socket?.destroy();
  }

  /** A second without a pong: what begins now has better chances elsewhere. */
  get #isSuspect(): boolean {
    return this.#awaitingPong && this.#silentChecks > 0;
  }

  #wake(session: ClientHttp2Session): void {
    session.ref();
    // It may have died unnoticed meanwhile: the first request does not have to find out by itself.
    if (this.#idleChecks >= SILENT_CHECKS_BEFORE_PING) this.#ping();
  }

  #ping(): void {
    this.#awaitingPong = true;
    this.#answerOwed = true;
    this.#silentChecks = 0;
    // The answer is noticed as bytes read; a session that cannot send it is closing.
    this.#session?.ping(() => {});
  }

  #onSettings(maxConcurrentStreams = MAX_STREAMS): void {
    // A peer that allows none at this instant still gets one, which waits inside the session.
    this.#maxStreams = Math.max(1, Math.min(MAX_STREAMS, maxConcurrentStreams));
    if (this.#open) return;
    this.#open = true;
    this.#events.opened();
    if (this.#exchanges.size === 0) this.#session?.unref();
  }

  #retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#exchanges.size === 0) this.#session?.close();
  }
}
