/**
 * How many tokens prompts are, as the API counts them for free (`POST /v1/messages/count_tokens`). Nobody waits for it: only so
 * many are asked at once, and none while the API refuses to count or does not answer.
 */
import type Anthropic from '@anthropic-ai/sdk';
import type { Clock } from '../time/clock.ts';
import { errorNames, requestIdOf } from './api-names.ts';
import { isCount } from './counts.ts';
import { type PlainAnswer, parsedBody, plainRequest } from './plain-request.ts';
import type { TokenCount, UpstreamRequest } from './port.ts';
import { countBody } from './request-body.ts';
import { retryAfterMs } from './retry-after.ts';
import type { Transport } from './transport/transport.ts';

export interface TokenCounterParts {
  readonly client: Anthropic;
  readonly transport: Transport;
  readonly clock: Clock;
}

/** Each holds its prompt meanwhile. */
const AT_ONCE = 16;
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64 * 1024;
/** After a failure, doubled with each further one. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
/** The key may not, or a gateway has no such route: the same comes again. */
const DENIALS: ReadonlySet<number> = new Set([401, 402, 403, 404, 405, 501]);
/** This prompt cannot be counted; another one can. */
const OF_THE_PROMPT: ReadonlySet<number> = new Set([400, 413]);
/** The same, by its model. */
const OF_THE_MODEL = 'not_found_error';

export class TokenCounter {
  readonly #parts: TokenCounterParts;
  #asked = 0;
  /** One after another. */
  #failures = 0;
  /** Monotonic ms. */
  #pausedUntil = 0;

  constructor(parts: TokenCounterParts) {
    this.#parts = parts;
  }

  /** As the port says. */
  async count(request: UpstreamRequest, signal: AbortSignal): Promise<TokenCount> {
    if (signal.aborted) return { kind: 'aborted' };
    if (this.#asked >= AT_ONCE) return { kind: 'skipped', reason: 'busy' };
    if (this.#parts.clock.elapsed() < this.#pausedUntil) return { kind: 'skipped', reason: 'paused' };
    this.#asked += 1;
    try {
      const answer = await this.#ask(request, signal);
      return signal.aborted ? { kind: 'aborted' } : this.#read(answer);
    } finally {
      this.#asked -= 1;
    }
  }

  #ask(request: UpstreamRequest, signal: AbortSignal): Promise<PlainAnswer> {
    const { client, transport, clock } = this.#parts;
    const limits = { maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS };
    return plainRequest({ transport, clock, signal, ...limits }, (fetchOptions) =>
      client.messages.countTokens(countBody(request, request), { fetchOptions }),
    );
  }

  #read(answer: PlainAnswer): TokenCount {
    const { status, isWhole, text } = answer;
    if (status === 0) return this.#failed('unanswered', answer);
    if (status < 200 || status >= 300) return this.#failed('refused', answer);
    const tokens = isWhole ? inputTokensOf(parsedBody(text)) : undefined;
    if (tokens === undefined) return this.#failed('malformed', answer);
    this.#failures = 0;
    return { kind: 'counted', tokens };
  }

  #failed(
    reason: Extract<TokenCount, { kind: 'failed' }>['reason'],
    { status, headers, text }: PlainAnswer,
  ): TokenCount {
    const names = errorNames(parsedBody(text));
    const upstreamRequestId = requestIdOf(headers['request-id']) ?? names.upstreamRequestId;
    if (!OF_THE_PROMPT.has(status) && names.type !== OF_THE_MODEL) this.#pause(status, headers);
    return { kind: 'failed', reason, cause: { ...names, status: status || null, upstreamRequestId } };
  }

  #pause(status: number, headers: PlainAnswer['headers']): void {
    const { clock } = this.#parts;
    this.#failures += 1;
    const growing = FIRST_PAUSE_MS * 2 ** (this.#failures - 1);
    const asked = retryAfterMs(headers, clock.now()) ?? 0;
    const pauseMs = DENIALS.has(status) ? LONGEST_PAUSE_MS : Math.min(growing, LONGEST_PAUSE_MS);
    this.#pausedUntil = Math.max(this.#pausedUntil, clock.elapsed() + Math.max(pauseMs, asked));
  }
}

function inputTokensOf(body: unknown): number | undefined {
  if (typeof body !== 'object' || body === null || !('input_tokens' in body)) return undefined;
  const { input_tokens: tokens } = body;
  return isCount(tokens) ? tokens : undefined;
}
