/**
 * One try of a call: a single request to the API and the reading of its response.
 *
 *   connecting ─sent─► waiting ─2xx event stream─► streaming ─┐
 *       │                 └──── error status ────► refusal ───┼─► concluded ─request closed─► ended
 *       └──────────── failure, abort or a limit ──────────────┘
 *
 * The first conclusion stands; the ending is told only once the request is closed. Retrying is the call's business.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type Anthropic from '@anthropic-ai/sdk';
import { APIError } from '@anthropic-ai/sdk';
import type { AttemptTrace } from '../observability/port.ts';
import { type ApiErrorNames, errorNames, requestIdOf } from './api-names.ts';
import {
  apiFailure,
  type Failure,
  type FailureCause,
  failure,
  internalFailure,
  transportFailure,
} from './failure.ts';
import type { MessageParser } from './message-parser.ts';
import type { RateLimits } from './rate-limits.ts';
import type { RequestBody } from './request-body.ts';
import {
  BoundedBody,
  isEventStream,
  type Sender,
  type SenderInit,
  sdkResponse,
  transportRequest,
} from './sdk-fetch.ts';
import { SseDecoder } from './sse-decoder.ts';
import type { Exchange, ExchangeListener, Transport, TransportError } from './transport/transport.ts';

export type AttemptEnding =
  | { readonly kind: 'done' }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Milliseconds. */
export interface AttemptLimits {
  /** Silence of the connection. */
  readonly idleMs: number;
  /** Nothing but pings. */
  readonly noContentMs: number;
  /** Likewise, while a block of thinking is open: one that is not shown has nothing but pings. */
  readonly thinkingMs: number;
}

/** After `message_stop` the end of the body is a formality; an error's body is worth this much waiting too. */
const FORMALITY_MS = 5_000;

export interface AttemptParts {
  readonly client: Anthropic;
  readonly transport: Transport;
  readonly limits: AttemptLimits;
  readonly reader: MessageParser;
  readonly rateLimits: RateLimits;
  readonly trace: AttemptTrace | undefined;
  /** Unix ms. */
  now(): number;
  /** All of the request has left. */
  flushed(): void;
  ended(ending: AttemptEnding): void;
}

export class Attempt implements Sender, ExchangeListener {
  readonly #parts: AttemptParts;
  readonly #decoder: SseDecoder;
  readonly #silence: SilenceWatch;
  readonly #head = Promise.withResolvers<Response>();
  #phase: 'connecting' | 'waiting' | 'streaming' | 'refusal' = 'connecting';
  #url = '';
  #exchange: Exchange | null = null;
  #open = false;
  #ending: AttemptEnding | null = null;
  #told = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #errorBody: BoundedBody | null = null;
  /** Signs of life so far. */
  #pulse = 0;

  /** @param startedAt on the scale of `check`. */
  constructor(parts: AttemptParts, startedAt: number) {
    this.#parts = parts;
    this.#decoder = new SseDecoder((name, bytes, from, end, atEnd) =>
      parts.reader.read(name, bytes, from, end, atEnd),
    );
    this.#silence = new SilenceWatch(startedAt);
    // Where nobody waits for the head any more, its rejection is nobody's.
    this.#head.promise.catch(() => {});
  }

  get requestId(): string | null {
    return requestIdOf(this.#headers['request-id']);
  }

  /** Of its response; null where none came. */
  get status(): number | null {
    return this.#status || null;
  }

  /** Whether its request was sent on a live connection. */
  get connected(): boolean {
    return this.#phase !== 'connecting';
  }

  async run(body: RequestBody, betas: readonly string[]): Promise<void> {
    const fetchOptions: SenderInit = { sender: this };
    const headers = {
      ...this.#parts.trace?.headers,
      ...(betas.length > 0 && { 'anthropic-beta': betas.join() }),
    };
    try {
      // Not `messages.create`: of a deprecated model that writes to stderr at each request, whatever `logLevel` says.
      await this.#parts.client
        .post('/v1/messages', { body, headers, stream: true, fetchOptions })
        .asResponse();
    } catch (error) {
      this.#onSdkError(error);
    }
  }

  /** The SDK's `fetch`. */
  fetch(url: string, init: RequestInit): Promise<Response> {
    if (this.#ending !== null) return Promise.reject(new Error('given up'));
    this.#url = url;
    this.#open = true;
    this.#exchange = this.#parts.transport.send(transportRequest(url, init), this);
    return this.#head.promise;
  }

  abort(): void {
    this.#conclude({ kind: 'aborted' });
  }

  /** A limit was exceeded; `code` names it. */
  expire(code: string): void {
    this.#fail(failure('upstream_timeout', false, { ...this.#cause(), code }));
  }

  /** Compares signs of life with the limits. @param now ms on any scale that only grows while the process runs. */
  check(now: number, connectBy: number): void {
    const { limits, reader } = this.#parts;
    const { quietMs, emptyMs } = this.#silence.check(now, this.#pulse, reader.contentEvents);
    if (this.#phase === 'connecting') {
      if (now >= connectBy) this.expire('connect');
    } else if (reader.stopped) {
      if (quietMs >= FORMALITY_MS || emptyMs >= limits.noContentMs) this.ended();
    } else if (this.#phase === 'refusal') {
      if (quietMs >= FORMALITY_MS) this.#errorBody?.end();
    } else if (quietMs >= limits.idleMs) {
      this.expire('idle');
    } else if (emptyMs >= (reader.thinking ? limits.thinkingMs : limits.noContentMs)) {
      this.expire(reader.thinking ? 'thinking' : 'no_content');
    }
  }

  sent(): void {
    this.#pulse += 1;
    if (this.#phase === 'connecting') this.#phase = 'waiting';
  }

  flushed(): void {
    this.#parts.flushed();
  }

  response(status: number, headers: IncomingHttpHeaders): void {
    this.#pulse += 1;
    this.#status = status;
    this.#headers = headers;
    this.#parts.rateLimits.read(headers);
    this.#parts.trace?.answered(status, this.requestId);
    if (status >= 200 && status < 300) {
      if (!isEventStream(headers)) {
        this.#fail(failure('upstream_error', false, { ...this.#cause(), type: 'not_an_event_stream' }));
        return;
      }
      this.#phase = 'streaming';
    } else {
      this.#phase = 'refusal';
      this.#errorBody = new BoundedBody();
    }
    this.#head.resolve(sdkResponse(this.#url, status, headers, () => this.#errorText()));
  }

  data(bytes: Buffer): void {
    if (this.#phase === 'refusal') {
      this.#pulse += 1;
      if (this.#errorBody?.push(bytes) === false) this.#errorBody.end();
      return;
    }
    const { reader } = this.#parts;
    const { pings, stopped } = reader;
    try {
      const fits = this.#decoder.push(bytes.toString('latin1'));
      // After a finished message only the API's own pings, or an event on its way, say that another may come.
      if (!stopped || reader.pings !== pings || this.#decoder.unfinished) this.#pulse += 1;
      if (reader.error !== null) this.#fail(this.#apiFailure(reader.error));
      else if (!fits && reader.stopped) this.#conclude({ kind: 'done' });
      else if (!fits || reader.malformed) this.#fail(this.#protocolFailure());
    } catch (error) {
      this.#fail(internalFailure(error));
    }
  }

  ended(): void {
    if (this.#phase === 'refusal') this.#errorBody?.end();
    else this.#bodyOver(() => failure('upstream_truncated', true, this.#cause()));
  }

  failed(error: TransportError): void {
    if (this.#phase === 'refusal') this.#errorBody?.end();
    else this.#bodyOver(() => transportFailure(error, this.#cause()));
  }

  closed(): void {
    this.#open = false;
    this.#tell();
  }

  /**
   * No more bytes will come: a complete message is a good end, however the body ended. The failure is made only if it
   * is one: an error's stack costs as much as a delta.
   */
  #bodyOver(otherwise: () => Failure): void {
    const { reader } = this.#parts;
    try {
      this.#decoder.end();
    } catch (error) {
      this.#fail(internalFailure(error));
    }
    if (reader.error !== null) this.#fail(this.#apiFailure(reader.error));
    else if (reader.stopped) this.#conclude({ kind: 'done' });
    else this.#fail(otherwise());
  }

  /** The SDK refuses an error response by throwing; what it says of the transport is known already. */
  #onSdkError(error: unknown): void {
    if (this.#phase !== 'refusal') {
      const type = error instanceof Error ? error.name : null;
      this.#fail(failure('upstream_error', false, { ...this.#cause(), type }));
      return;
    }
    this.#fail(this.#apiFailure(errorNames(error instanceof APIError ? error.error : null)));
  }

  #apiFailure(names: ApiErrorNames): Failure {
    const upstreamRequestId = this.requestId ?? names.upstreamRequestId;
    return apiFailure(this.#status, this.#headers, { ...names, upstreamRequestId }, this.#parts.now());
  }

  #protocolFailure(): Failure {
    return failure('upstream_error', true, { ...this.#cause(), type: 'malformed_event_stream' });
  }

  /** What of the response is fit for the log. */
  #cause(): Partial<FailureCause> {
    return { status: this.status, upstreamRequestId: this.requestId };
  }

  #errorText(): Promise<string> {
    return this.#errorBody?.text ?? Promise.resolve('');
  }

  #fail(reason: Failure): void {
    this.#conclude({ kind: 'failed', failure: reason });
  }

  #conclude(ending: AttemptEnding): void {
    if (this.#ending !== null) return;
    this.#ending = ending;
    this.#parts.reader.halt();
    this.#errorBody?.end();
    if (this.#phase !== 'streaming') this.#head.reject(new Error('given up'));
    this.#exchange?.cancel();
    this.#tell();
  }

  #tell(): void {
    if (this.#told || this.#ending === null || this.#open) return;
    this.#told = true;
    this.#parts.ended(this.#ending);
  }
}

/**
 * How long one response has been silent. The hot path only counts; a check, a few times a second, sees which counts
 * have moved since the last one. So a delta costs neither a timer nor a look at the clock.
 */
export class SilenceWatch {
  #pulse = 0;
  #content = 0;
  #quietSince: number;
  #emptySince: number;

  /** @param now ms, on the scale of `check`. */
  constructor(now: number) {
    this.#quietSince = now;
    this.#emptySince = now;
  }

  /**
   * @param pulse signs of life so far.
   * @param content events so far that said something (pings do not).
   * @returns ms since each of them moved, as exact as the checks are frequent.
   */
  check(now: number, pulse: number, content: number): { readonly quietMs: number; readonly emptyMs: number } {
    if (pulse !== this.#pulse) this.#quietSince = now;
    if (content !== this.#content) this.#emptySince = now;
    this.#pulse = pulse;
    this.#content = content;
    return { quietMs: now - this.#quietSince, emptyMs: now - this.#emptySince };
  }
}
