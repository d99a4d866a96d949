/**
 * What the upstream needs of HTTP: one request out, one response in, pushed to a listener. A response's bytes come as
 * they arrive, without streams or promises in between: this is the hottest path of the relay.
 */
import type { IncomingHttpHeaders } from 'node:http';

export interface TransportRequest {
  readonly method: string;
  /** With query. */
  readonly path: string;
  /** Lower-case names; `host`, `connection` and `content-length` are the transport's. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Told about one exchange: `sent`, `flushed`, `response`, `data`…, then `ended` or `failed` (neither after a cancel), then `closed`. */
export interface ExchangeListener {
  /** The request is on a live connection. */
  sent(): void;
  /** All of the request has left. Not told where an answer or an end comes before; once more where it is sent anew. */
  flushed(): void;
  response(status: number, headers: IncomingHttpHeaders): void;
  data(bytes: Buffer): void;
  /** The body ended in order. */
  ended(): void;
  failed(error: TransportError): void;
  /** Nothing of it is open any more. Exactly once, always last. */
  closed(): void;
}

export interface Exchange {
  /** Gives it up, at any stage; `closed` follows within a second. Idempotent. */
  cancel(): void;
}

export interface Transport {
  /** Never calls the listener before it has returned. */
  send(request: TransportRequest, listener: ExchangeListener): Exchange;
  /** Closes all connections; exchanges still open fail. */
  close(): Promise<void>;
}

/**
 * `unreachable`: no connection could be made. `connect-timeout`: not in time. `suspended`: not tried, because the last
 * ones failed. `reset`: a connection that was there is lost, or the peer gave up the request.
 */
export type TransportFailure = 'unreachable' | 'connect-timeout' | 'suspended' | 'reset';

export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly failure: TransportFailure;
  /** The system's or Node's error code, such as `ECONNREFUSED`. */
  readonly code: string | null;
  /** `suspended`: until the next try, ms. */
  readonly retryAfterMs: number | undefined;

  constructor(failure: TransportFailure, code: string | null, retryAfterMs?: number) {
    super(code === null ? failure : `${failure}: ${code}`);
    this.failure = failure;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The `code` of a Node error. */
export function errorCode(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}
