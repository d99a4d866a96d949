/**
 * One request on HTTP/2: waiting for a connection, then a stream. It outlives a refusal: the peer promises that it did
 * not process a refused stream, so it is placed anew, a few times.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import { Duplex } from 'node:stream';
import type { Clock } from '../../time/clock.ts';
import {
  type Exchange,
  type ExchangeListener,
  errorCode,
  type Transport,
  TransportError,
  type TransportRequest,
} from './transport.ts';

/** Where an exchange is waiting or running; it is told when the exchange leaves. */
export interface ExchangePlace {
  release(exchange: Http2Exchange): void;
}

const MAX_STREAMS_TRIED = 4;
/** A cancelled stream that has not closed by then is destroyed. */
const CLOSE_DEADLINE_MS = 1_000;

export class Http2Exchange implements Exchange {
  /** Null once the peer has answered: a prompt may be large, and no one sends it again. */
  #request: TransportRequest | null;
  readonly #listener: ExchangeListener;
  readonly #placeAnew: (exchange: Http2Exchange) => void;
  readonly #clock: Clock;
  #place: ExchangePlace | null = null;
  #stream: ClientHttp2Stream | null = null;
  /** The same request on another transport, which reports to the listener itself. */
  #successor: Exchange | null = null;
  #streamsTried = 0;
  #error: unknown = null;
  #responded = false;
  /** The body ended, in order or not. */
  #over = false;
  #cancelled = false;
  #closed = false;

  constructor(
    request: TransportRequest,
    listener: ExchangeListener,
    placeAnew: (exchange: Http2Exchange) => void,
    clock: Clock,
  ) {
    this.#request = request;
    this.#listener = listener;
    this.#placeAnew = placeAnew;
    this.#clock = clock;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** It now waits or runs in `place`. */
  placedIn(place: ExchangePlace): void {
    this.#place = place;
  }

  /** Sends the request. @throws if the session takes no more, or cannot send such a header. */
  begin(session: ClientHttp2Session, authority: string): void {
    if (this.#request === null) return;
    const { body } = this.#request;
    const stream = session.request(headerList(this.#request, authority));
    this.#stream = stream;
    this.#streamsTried += 1;
    stream.on('response', (head) => {
      this.#responded = true;
      this.#request = null;
      if (!this.#cancelled) this.#listener.response(Number(head[constants.HTTP2_HEADER_STATUS]), head);
    });
    readDirectly(stream, (bytes) => {
      if (!this.#cancelled) this.#listener.data(bytes);
    });
    stream.on('end', () => this.#onEnd());
    stream.on('error', (error) => {
      this.#error = error;
    });
    stream.on('close', () => this.#onClose(stream.rstCode));
    stream.end(body, (error?: Error | null) => {
      if (error == null && !this.#cancelled && !this.#closed) this.#listener.flushed();
    });
    this.#listener.sent();
  }

  /** Sends the request over another transport instead. */
  passTo(transport: Transport): void {
    if (this.#request === null) return;
    this.#successor = transport.send(this.#request, this.#listener);
    this.#request = null;
    this.#closed = true;
  }

  cancel(): void {
    if (this.#successor !== null) this.#successor.cancel();
    if (this.#cancelled || this.#closed || this.#over) return;
    this.#cancelled = true;
    const stream = this.#stream;
    if (stream === null) {
      this.#leave();
      return;
    }
    stream.close(constants.NGHTTP2_CANCEL);
    const deadline = this.#clock.after(CLOSE_DEADLINE_MS, () => stream.destroy());
    stream.once('close', () => deadline.cancel());
  }

  /** No connection could take it. */
  fail(error: TransportError): void {
    if (this.#closed) return;
    if (!this.#cancelled) this.#listener.failed(error);
    this.#leave();
  }

  #onEnd(): void {
    if (this.#cancelled || !this.#responded || this.#stream?.rstCode !== constants.NGHTTP2_NO_ERROR) return;
    this.#over = true;
    this.#listener.ended();
  }

  #onClose(code = 0): void {
    const untouched = code === constants.NGHTTP2_REFUSED_STREAM && !this.#responded && !this.#cancelled;
    if (untouched && this.#streamsTried < MAX_STREAMS_TRIED) {
      this.#place?.release(this);
      this.#place = null;
      this.#stream = null;
      this.#error = null;
      this.#placeAnew(this);
      return;
    }
    if (!this.#over && !this.#cancelled) {
      this.#over = true;
      this.#listener.failed(new TransportError('reset', errorCode(this.#error) ?? `RST_STREAM_${code}`));
    }
    this.#leave();
  }

  #leave(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#request = null;
    this.#place?.release(this);
    this.#place = null;
    this.#listener.closed();
  }
}

/** Names and values by turns: of an object Node makes a dictionary, which each stream keeps, 830 bytes. */
function headerList({ method, path, headers, body }: TransportRequest, authority: string): readonly string[] {
  const list = [':method', method, ':scheme', 'https', ':authority', authority, ':path', path];
  for (const name in headers) list.push(name, headers[name] ?? '');
  list.push('content-length', String(Buffer.byteLength(body)));
  return list;
}

/**
 * Hands out a body's bytes where Node would put them into the stream's buffer; it ends as any stream does. Everything is
 * read at once here, so that the buffer is always empty: its state, its event and its tick for more are 4 % of a delta.
 */
function readDirectly(stream: ClientHttp2Stream, read: (bytes: Buffer) => void): void {
  stream.push = (chunk: Buffer | null) => {
    if (chunk === null) return Duplex.prototype.push.call(stream, null);
    read(chunk);
    return true;
  };
  stream.resume();
}
