/**
 * One call of the upstream port: at most two tries, with a wait between them that an abort cuts short, and where the model
 * is overloaded one more of its fallback. Another try is made only while nothing has been shown or billed. It opens no
 * connection itself.
 */
import type Anthropic from '@anthropic-ai/sdk';
import type { ThinkingPace } from '../models/thinking.ts';
import type { AttemptTrace, Caller, RunTrace } from '../observability/port.ts';
import type { ErrorCode } from '../protocol/codes.ts';
import type { RelayError } from '../protocol/relay-error.ts';
import type { UsageReading } from '../protocol/usage-reading.ts';
import type { Clock, Timer } from '../time/clock.ts';
import type { Account } from './account.ts';
import { Attempt, type AttemptEnding } from './attempt.ts';
import { type Failure, type FailureCause, failure, isOverload } from './failure.ts';
import { MessageParser } from './message-parser.ts';
import type { ModelRequest, UpstreamCall, UpstreamEnding, UpstreamRequest, UpstreamSink } from './port.ts';
import type { RateLimits } from './rate-limits.ts';
import { requestBody } from './request-body.ts';
import type { Transport } from './transport/transport.ts';
import { UsageMeter } from './usage-meter.ts';

/** Milliseconds. */
export interface CallLimits {
  /** Until the request is on a live connection, over all tries. */
  readonly connectMs: number;
  /** Silence of the connection. */
  readonly idleMs: number;
  /** Nothing but pings. */
  readonly noContentMs: number;
  readonly totalMs: number;
}

/** For the log: no words, no keys. */
export interface AttemptFailed extends FailureCause, Partial<Caller> {
  readonly epoch: string;
  /** The model that was asked. */
  readonly model: string;
  /** From 1. */
  readonly attempt: number;
  readonly error: ErrorCode;
  readonly willRetry: boolean;
  /** The model that is asked instead; null where none is. */
  readonly fallback: string | null;
}

export interface AttemptAnswer {
  /** HTTP status; null where no response came. */
  readonly status: number | null;
  /** The error code that the API gave, or else the error's type; null where nothing went wrong. */
  readonly errorCode: string | null;
}

export interface CallParts {
  readonly client: Anthropic;
  readonly transport: Transport;
  readonly account: Account;
  readonly rateLimits: RateLimits;
  readonly clock: Clock;
  readonly limits: CallLimits;
  /** Betas of the API that each request asks for. */
  readonly betas: readonly string[];
  /** 0 ≤ x < 1. */
  random(): number;
  /** The scale of all limits: ms that pass only while the process runs. */
  awakeMs(): number;
  attemptFailed(event: AttemptFailed): void;
  /** Each try that is over, with what the API said, if it answered. */
  attemptOver(event: AttemptAnswer): void;
  /** The call has ended. */
  ended(call: Call): void;
}

const MAX_ATTEMPTS = 2;
const REFUSAL_FALLBACKS = 'server-side-fallback-2026-07-01';
/** A longer wait than this is the client's to make. */
const MAX_RETRY_AFTER_MS = 5_000;
const MIN_BACKOFF_MS = 300;
const MAX_BACKOFF_MS = 800;

export class Call implements UpstreamCall {
  readonly ended: Promise<UpstreamEnding>;
  readonly flushed: Promise<void>;
  readonly #parts: CallParts;
  readonly #epoch: string;
  readonly #caller: Caller | undefined;
  readonly #trace: RunTrace | undefined;
  readonly #wanted: Pick<UpstreamRequest, 'events' | 'showThinking' | 'toolUse'>;
  /** Null once no further try will need it: prompts are large, and a call lives for minutes. */
  #request: UpstreamRequest | null;
  /** Whom the tries ask. */
  #model: ModelRequest;
  /** What the first model failed with; null while it is the one that is asked. */
  #overload: RelayError | null = null;
  readonly #sink: UpstreamSink;
  readonly #signal: AbortSignal;
  #meter: UsageMeter;
  readonly #resolve: (ending: UpstreamEnding) => void;
  readonly #onFlushed: () => void;
  readonly #startedAt: number;
  readonly #onAbort = () => this.#abort();
  #reader: MessageParser;
  #attempt: Attempt | null = null;
  #attemptTrace: AttemptTrace | undefined;
  #attempts = 0;
  /** On the scale of `awakeMs`. */
  #connectBy: number;
  #backoff: Timer | null = null;
  #finished = false;

  constructor(parts: CallParts, request: UpstreamRequest, sink: UpstreamSink, signal: AbortSignal) {
    const { promise, resolve } = Promise.withResolvers<UpstreamEnding>();
    this.ended = promise;
    this.#resolve = resolve;
    const flushed = Promise.withResolvers<void>();
    this.flushed = flushed.promise;
    this.#onFlushed = flushed.resolve;
    this.#parts = parts;
    this.#epoch = request.epoch;
    this.#caller = request.caller;
    this.#trace = request.trace;
    const { events, showThinking, toolUse } = request;
    this.#wanted = { events, showThinking, toolUse };
    this.#request = request;
    this.#model = request;
    this.#meter = this.#newMeter();
    this.#sink = sink;
    this.#signal = signal;
    this.#startedAt = parts.awakeMs();
    this.#connectBy = this.#startedAt + parts.limits.connectMs;
    this.#reader = this.#newReader();
  }

  usage(): UsageReading {
    return this.#meter.reading();
  }

  start(): void {
    if (this.#signal.aborted) {
      this.#finish({ kind: 'aborted', requestId: null });
      return;
    }
    this.#signal.addEventListener('abort', this.#onAbort);
    this.#try();
  }

  /** Compares with the limits; called a few times a second. */
  check(): void {
    const now = this.#parts.awakeMs();
    if (this.#reader.began) this.#request = null;
    if (now - this.#startedAt < this.#parts.limits.totalMs) {
      this.#attempt?.check(now, this.#connectBy);
    } else if (this.#attempt !== null) {
      this.#attempt.expire('total');
    } else {
      this.#finish({ kind: 'failed', error: failure('upstream_timeout', false, { code: 'total' }).error });
    }
  }

  #newReader(): MessageParser {
    // A fallback that its API does not name is not to be taken, or billed, for the model that was asked first.
    const unnamed = this.#overload === null ? null : this.#model.model;
    return new MessageParser(this.#sink, this.#meter, { ...this.#wanted, unnamed });
  }

  #newMeter(): UsageMeter {
    return new UsageMeter(this.#model.thinkingPace, () => this.#parts.clock.elapsed());
  }

  #try(): void {
    const request = this.#request;
    if (request === null) return;
    const { client, transport, clock, limits } = this.#parts;
    this.#attempts += 1;
    this.#backoff = null;
    this.#attemptTrace = this.#trace?.attempt(this.#model.model, this.#attempts);
    const attempt = new Attempt(
      {
        client,
        transport,
        limits: { ...limits, thinkingMs: thinkingMs(this.#model.thinkingPace, limits.idleMs) },
        reader: this.#reader,
        rateLimits: this.#parts.rateLimits,
        trace: this.#attemptTrace,
        now: () => clock.now(),
        flushed: this.#onFlushed,
        ended: (ending) => this.#onAttemptEnded(ending),
      },
      this.#parts.awakeMs(),
    );
    this.#attempt = attempt;
    void attempt.run(requestBody(request, this.#model), this.#betas());
  }

  #betas(): readonly string[] {
    const { betas } = this.#parts;
    return this.#model.refusalFallbacks === undefined ? betas : [...betas, REFUSAL_FALLBACKS];
  }

  #abort(): void {
    this.#backoff?.cancel();
    if (this.#attempt !== null) this.#attempt.abort();
    else this.#finish({ kind: 'aborted', requestId: null });
  }

  #onAttemptEnded(ending: AttemptEnding): void {
    const requestId = this.#attempt?.requestId ?? null;
    const cause = ending.kind === 'failed' ? ending.failure.cause : undefined;
    const errorCode = cause?.errorCode ?? cause?.type ?? null;
    this.#parts.attemptOver({ status: this.#attempt?.status ?? null, errorCode });
    // Tries that never got through share one limit; one that did has used none of the next one's.
    if (this.#attempt?.connected) this.#connectBy = Number.POSITIVE_INFINITY;
    this.#attempt = null;
    this.#attemptTrace?.ended(ending.kind, ending.kind === 'failed' ? ending.failure.error.code : null);
    if (this.#reader.began) this.#parts.account.answered();
    if (ending.kind === 'done') {
      this.#meter.bodyEnded();
      const { stopReason, refusal, model, content } = this.#reader;
      const turn = content && { ...content.complete(), asked: this.#model };
      this.#finish({ kind: 'done', stopReason, refusal, model, requestId, ...(turn && { turn }) });
    } else if (ending.kind === 'aborted' || this.#signal.aborted) {
      this.#finish({ kind: 'aborted', requestId });
    } else {
      this.#onFailure(ending.failure);
    }
  }

  #onFailure(reason: Failure): void {
    const waitMs = this.#retryWait(reason);
    const fallback = waitMs === null ? this.#fallbackOf(reason) : undefined;
    const { error, cause } = reason;
    this.#parts.attemptFailed({
      epoch: this.#epoch,
      ...this.#caller,
      model: this.#model.model,
      attempt: this.#attempts,
      error: error.code,
      ...cause,
      willRetry: waitMs !== null,
      fallback: fallback?.model ?? null,
    });
    if (error.code === 'upstream_account') this.#parts.account.refused(cause);
    if (fallback !== undefined) this.#askInstead(fallback, error);
    else if (waitMs !== null) this.#tryAfter(waitMs);
    // Where the fallback did not begin either, what went wrong is what did at first.
    else this.#finish({ kind: 'failed', error: this.#shown ? error : (this.#overload ?? error) });
  }

  #tryAfter(waitMs: number): void {
    this.#reader = this.#newReader();
    this.#backoff = this.#parts.clock.after(waitMs, () => this.#try());
  }

  #askInstead(fallback: ModelRequest, error: RelayError): void {
    this.#overload = error;
    this.#model = fallback;
    this.#connectBy = this.#parts.awakeMs() + this.#parts.limits.connectMs;
    this.#meter = this.#newMeter();
    this.#reader = this.#newReader();
    this.#try();
  }

  get #shown(): boolean {
    return this.#reader.began || this.#reader.delivered;
  }

  /** Milliseconds until the next try; null if there is none. */
  #retryWait({ error, retryable }: Failure): number | null {
    if (!retryable || this.#shown || this.#overload !== null || this.#attempts >= MAX_ATTEMPTS) return null;
    const asked = error.retryAfterMs;
    if (asked !== undefined) return asked <= MAX_RETRY_AFTER_MS ? Math.max(asked, MIN_BACKOFF_MS) : null;
    return MIN_BACKOFF_MS + this.#parts.random() * (MAX_BACKOFF_MS - MIN_BACKOFF_MS);
  }

  /** The model to ask in place of the one that is overloaded; undefined if there is none, or it was asked already. */
  #fallbackOf(reason: Failure): ModelRequest | undefined {
    return this.#shown || this.#overload !== null || !isOverload(reason)
      ? undefined
      : this.#request?.fallback;
  }

  #finish(ending: UpstreamEnding): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#request = null;
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#parts.ended(this);
    this.#resolve(ending);
    this.#onFlushed(); // after the ending: whoever waits for it finds that there is no call any more
  }
}

/**
 * How long a model may think without a word: all that it may, at half its usual pace, and never less than five times the
 * silence that a connection may have. The limit of the call holds beside it.
 */
function thinkingMs({ tokensPerSecond, maxTokens }: ThinkingPace, idleMs: number): number {
  return Math.max(5 * idleMs, ((2 * maxTokens) / tokensPerSecond) * 1000);
}
