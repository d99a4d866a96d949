/**
 * The upstream port over the Anthropic Messages API. The SDK builds the request and reads error responses; our own
 * transport carries both, and our own decoder reads the stream. Here the parts are put together and live calls are
 * supervised; what a call does is in call.ts, what the bytes mean in message-parser.ts.
 */
import type { Listing } from '../models/model-watch.ts';
import type { Clock, Timer } from '../time/clock.ts';
import { Account, type AccountFailure, type AccountView } from './account.ts';
import { type AttemptAnswer, type AttemptFailed, Call, type CallLimits, type CallParts } from './call.ts';
import { listModels } from './model-list.ts';
import type { TokenCount, Upstream, UpstreamCall, UpstreamRequest, UpstreamSink } from './port.ts';
import { RateLimits, type RateLimitsView } from './rate-limits.ts';
import { createSdkClient } from './sdk-client.ts';
import { TokenCounter } from './token-counter.ts';
import { CircuitBreaker } from './transport/circuit-breaker.ts';
import { Http1Transport } from './transport/http1-transport.ts';
import { HttpsTransport } from './transport/https-transport.ts';
import type { Transport } from './transport/transport.ts';

export interface AnthropicUpstreamOptions {
  readonly apiKey: string;
  /** `https:` (HTTP/2 or 1.1, as the server offers) or `http:`. A path prefix is kept. */
  readonly baseURL?: string | undefined;
  readonly timeouts: {
    /** Until a request is on a live connection. */
    readonly connectMs: number;
    /** Silence of an open request. */
    readonly idleMs: number;
    readonly totalMs: number;
    /** Nothing but pings; default: twice `idleMs`. */
    readonly noContentMs?: number | undefined;
  };
  /** Asks the API to count meanwhile what is thought, roughly: a beta (THINKING_TOKEN_COUNTS). */
  readonly thinkingTokenCounts?: boolean | undefined;
  readonly clock: Clock;
  /** 0 ≤ x < 1, for jitter. */
  readonly random?: (() => number) | undefined;
  /** Certificates to trust instead of the built-in ones, as PEM. */
  readonly ca?: string | undefined;
  /** Each failed try, for the log. Must not throw. */
  readonly onAttemptFailed?: ((event: AttemptFailed) => void) | undefined;
  /** Each try that is over, for the metrics. Must not throw. */
  readonly onAttemptOver?: ((event: AttemptAnswer) => void) | undefined;
  /** The account does not work: once for each reason, and again each minute while it lasts. Must not throw. */
  readonly onAccountFailed?: ((failure: AccountFailure) => void) | undefined;
  readonly onAccountRecovered?: (() => void) | undefined;
}

export interface AnthropicUpstream extends Upstream {
  readonly account: AccountView;
  readonly rateLimits: RateLimitsView;
  /** Asks the API, for free, whether it takes the key. Resolves within two seconds, whatever the answer is. */
  checkAccount(): Promise<void>;
  /** Asks the API, for free, which models it has. Never rejects. */
  listModels(): Promise<Listing>;
}

export const DEFAULT_BASE_URL = 'https://api.anthropic.com';
const BREAKER_THRESHOLD = 5;
const BREAKER_OPEN_MS = 5_000;
const THINKING_TOKEN_COUNTS = 'thinking-token-count-2026-05-13';
const CHECK_INTERVAL_MS = 250;

export function createAnthropicUpstream(options: AnthropicUpstreamOptions): AnthropicUpstream {
  return new MessagesUpstream(options);
}

class MessagesUpstream implements AnthropicUpstream {
  readonly account: Account;
  readonly rateLimits: RateLimits;
  readonly #clock: Clock;
  readonly #transport: Transport;
  readonly #parts: CallParts;
  readonly #counter: TokenCounter;
  readonly #calls = new Set<Call>();
  #supervision: Timer | null = null;
  #checkedAt = 0;
  /**
   * Milliseconds this process was running while calls were live. Limits are measured on it: after a stop (SIGSTOP, a
   * paused machine, a blocked event loop) the upstreams have not been silent, we have been deaf.
   */
  #awakeMs = 0;

  constructor(options: AnthropicUpstreamOptions) {
    const { apiKey, baseURL = DEFAULT_BASE_URL, clock, timeouts, random = Math.random } = options;
    this.#clock = clock;
    this.#transport = createTransport(new URL(baseURL), options);
    const { connectMs, idleMs, totalMs, noContentMs = 2 * idleMs } = timeouts;
    const limits: CallLimits = { connectMs, idleMs, totalMs, noContentMs };
    const betas = options.thinkingTokenCounts ? [THINKING_TOKEN_COUNTS] : [];
    const client = createSdkClient({ apiKey, baseURL, totalMs });
    this.#counter = new TokenCounter({ client, transport: this.#transport, clock });
    const { onAccountFailed: onFailure = () => {}, onAccountRecovered: onRecovered = () => {} } = options;
    this.account = new Account({ client, transport: this.#transport, clock, onFailure, onRecovered });
    this.rateLimits = new RateLimits(clock);
    this.#parts = {
      client,
      transport: this.#transport,
      account: this.account,
      rateLimits: this.rateLimits,
      clock,
      limits,
      betas,
      random,
      awakeMs: () => this.#awakeMs,
      attemptFailed: options.onAttemptFailed ?? (() => {}),
      attemptOver: options.onAttemptOver ?? (() => {}),
      ended: (call) => this.#onEnded(call),
    };
  }

  get openRequests(): number {
    return this.#calls.size;
  }

  open(request: UpstreamRequest, sink: UpstreamSink, signal: AbortSignal): UpstreamCall {
    const call = new Call(this.#parts, request, sink, signal);
    this.#calls.add(call);
    if (this.#supervision === null) {
      this.#checkedAt = this.#clock.elapsed();
      this.#supervision = this.#clock.every(CHECK_INTERVAL_MS, () => this.#check());
    }
    call.start();
    return call;
  }

  countTokens(request: UpstreamRequest, signal: AbortSignal): Promise<TokenCount> {
    return this.#counter.count(request, signal);
  }

  checkAccount(): Promise<void> {
    return this.account.check();
  }

  listModels(): Promise<Listing> {
    return listModels(this.#parts.client, this.#transport, this.#clock);
  }

  close(): Promise<void> {
    this.account.close();
    return this.#transport.close();
  }

  #check(): void {
    const now = this.#clock.elapsed();
    this.#awakeMs += Math.min(now - this.#checkedAt, 2 * CHECK_INTERVAL_MS);
    this.#checkedAt = now;
    for (const call of this.#calls) call.check();
  }

  #onEnded(call: Call): void {
    this.#calls.delete(call);
    if (this.#calls.size > 0) return;
    this.#supervision?.cancel();
    this.#supervision = null;
  }
}

function createTransport(origin: URL, options: AnthropicUpstreamOptions): Transport {
  const { clock, ca, timeouts } = options;
  const breaker = new CircuitBreaker(clock, BREAKER_THRESHOLD, BREAKER_OPEN_MS);
  const transportOptions = { origin, clock, ca, connectMs: timeouts.connectMs, breaker };
  return origin.protocol === 'http:'
    ? new Http1Transport(transportOptions)
    : new HttpsTransport(transportOptions);
}
