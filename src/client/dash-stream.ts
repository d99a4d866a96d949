/** What the caller of a stream holds: its handle, the answer it ends with, and the measurements of both. */
import type { QuotaState, Refusal, Timing, ToolFrame, Usage } from '../protocol/frames.ts';
import type { METRICS_EVENT, ReportedStatus } from '../protocol/streaming-metrics.ts';
import type { DashErrorCode } from './dash-error.ts';
import type { Phase } from './stream-state.ts';

export type Transport = 'websocket' | 'sse' | 'json';

/** The whole answer; of a stream that was stopped, what there is of it, and the receipt. */
export interface Answer {
  readonly outcome: 'done' | 'cancelled';
  readonly id: string;
  readonly content: string;
  /** As the model gave it: `end_turn`, `max_tokens`, `refusal` …; null where it was stopped. */
  readonly stopReason: string | null;
  /** Where the model declined: of what kind. With `partial` its text is to be discarded: neither shown nor sent again. */
  readonly refusal: Refusal | null;
  readonly model: string | null;
  readonly usage: Usage;
  readonly timing: Timing;
  /** By what the ending came. */
  readonly transport: Transport;
}

/** Where a stream can be taken up again, also by another page: `client.attach(id, epoch, after)`. */
export interface Position {
  readonly id: string;
  /** Undefined until the relay has accepted the stream. */
  readonly epoch: string | undefined;
  readonly after: number;
}

/** A call of a tool of the operator's; `label` has words for people where there are some. */
export type ToolUse = Pick<ToolFrame, 'call' | 'name' | 'label' | 'state'>;

export interface StreamOptions {
  /** Under which the relay knows it, 16 to 64 of `A-Z a-z 0-9 _ -`, never used before. Default: a random one. */
  readonly id?: string | undefined;
  /** Aborting it is `cancel()`. */
  readonly signal?: AbortSignal | undefined;
  /** Each piece of text, once, in order. */
  readonly onChunk?: ((text: string) => void) | undefined;

  /** The model begins to think, with '' as text, and then each piece of a summary of what it thinks, where the action has one. */
  readonly onThinking?: ((text: string) => void) | undefined;
  readonly onPhase?: ((phase: Phase) => void) | undefined;
  /** The answer is cancelled and fails with `deadline_exceeded` after this long, ms. Default: the client's. */
  readonly deadlineMs?: number | undefined;
}

export interface AttachOptions extends StreamOptions {
  /** The text held already, up to `after`. */
  readonly content?: string | undefined;
}

/**
 * Iterating yields the text piece by piece, from its beginning for each iterator; leaving a loop early cancels.
 * @example
 * ```ts
 * for await (const text of stream) show(text);
 * ```
 */
export interface DashStream extends AsyncIterable<string> {
  readonly id: string;
  readonly phase: Phase;
  /** Whether the model thinks now: text comes only after it. */
  readonly thinking: boolean;
  /** A summary of what it thinks, or thought last, so far as the action shows it. */
  readonly thought: string;
  /** Calls of tools since the last text, by their numbers: while one is `running`, no text comes. */
  readonly tools: Readonly<Record<number, ToolUse>>;
  /** All text so far. */
  readonly content: string;
  readonly position: Position;
  /** Once accepted: the quota of which 80 percent or more is used. */
  readonly warning?: QuotaState | undefined;
  /** Resolves with the answer, also with a stopped one. @throws DashError, with the partial text as `content` */
  readonly final: Promise<Answer>;
  /**
   * Stops the model. Resolves with the receipt: the same as `final`. Idempotent.
   * @example
   * ```ts
   * const { outcome, usage } = await stream.cancel();
   * show(`${outcome}: ${usage.outputTokens} tokens`);
   * ```
   */
  cancel(): Promise<Answer>;
  /**
   * Lets go without stopping: `final` rejects with `detached`, and the position can be attached to later.
   * @example
   * ```ts
   * sessionStorage.setItem('answer', JSON.stringify({ ...stream.detach(), content: stream.content }));
   * ```
   */
  detach(): Position;
  /**
   * Calls back after each change until the function it returned is called: for UI stores.
   * @example
   * ```ts
   * const unsubscribe = stream.subscribe(() => show(`${stream.phase}: ${stream.content}`));
   * unsubscribe();
   * ```
   */
  subscribe(listener: () => void): () => void;
}

/** One per stream, when it ends. Durations by a monotonic clock, from the call of `stream`. */
export interface StreamingMetrics {
  /** Null where no text came. */
  readonly first_token_ms: number | null;
  readonly total_duration_ms: number;
  /** Pieces of text handed to the app; the relay may merge several of the model's into one. */
  readonly chunks_received: number;
  /** UTF-8 bytes of that text. */
  readonly bytes_streamed: number;
  readonly platform: string;
  /** By what it was read at the end. `fallback`: the app's own function, which `createAIService` asked. */
  readonly transport: Transport | 'fallback';
  readonly status: ReportedStatus;
  /** Why, where `status` is `error`; also then undefined where the app's own function failed with an error of its own. */
  readonly code?: DashErrorCode | undefined;
  /** How often the stream went on after a lost connection. */
  readonly resumes: number;
}

export type TrackMetrics = (event: typeof METRICS_EVENT, metrics: StreamingMetrics) => void;
