/**
 * What an answer is in AG-UI's form: its events of version 1.0, as far as the relay makes them. Types alone, so that nothing of
 * the libraries of AG-UI is needed to run. Each is one of `AGUIEvent` of `@ag-ui/core`; an optional field is absent, never null.
 */
import type { ErrorCode } from '../protocol/codes.ts';
import type { DoneFrame, ErrorFrame, QuotaState, Refusal } from '../protocol/frames.ts';

export const PROTOCOL_VERSION = '1.0';

/** The name under which the metadata of events hold what is the relay's own. */
export const OF_RELAY = 'dash-relay';

export type AgUiEvent =
  | {
      readonly type: 'RUN_STARTED';
      readonly threadId: string;
      readonly runId: string;
      readonly protocolVersion: typeof PROTOCOL_VERSION;
      readonly metadata: OfRelay<Beginning>;
    }
  | { readonly type: 'REASONING_START'; readonly messageId: string }
  | { readonly type: 'REASONING_MESSAGE_START'; readonly messageId: string; readonly role: 'reasoning' }
  | { readonly type: 'REASONING_MESSAGE_CONTENT'; readonly messageId: string; readonly delta: string }
  | { readonly type: 'REASONING_MESSAGE_END'; readonly messageId: string }
  | { readonly type: 'REASONING_END'; readonly messageId: string }
  | {
      readonly type: 'ACTIVITY_SNAPSHOT';
      readonly messageId: string;
      readonly activityType: 'tool';
      readonly content: ToolActivity;
    }
  | {
      readonly type: 'TEXT_MESSAGE_START';
      readonly messageId: string;
      readonly role: 'assistant';
      /** Stays with the message, and comes back with it: which run said what a client holds. */
      readonly metadata: OfRelay<OfMessage>;
    }
  | { readonly type: 'TEXT_MESSAGE_CONTENT'; readonly messageId: string; readonly delta: string }
  | {
      readonly type: 'TEXT_MESSAGE_END';
      readonly messageId: string;
      /** Only where the text is to be discarded: in place of that of its start. */
      readonly metadata?: OfRelay<OfMessage>;
    }
  | {
      readonly type: 'RUN_FINISHED';
      readonly threadId: string;
      readonly runId: string;
      readonly outcome: { readonly type: 'success' } | { readonly type: 'cancelled' };
      /** With `success`: what `runAgent()` of the library resolves with. The same as the metadata. */
      readonly result?: Receipt;
      readonly usage?: readonly TokenUsage[];
      readonly metadata: OfRelay<Receipt>;
    }
  | {
      readonly type: 'RUN_ERROR';
      readonly message: string;
      readonly code: ErrorCode;
      readonly usage?: readonly TokenUsage[];
      readonly metadata: OfRelay<Failure>;
    };

export interface OfRelay<T> {
  readonly [OF_RELAY]: T;
}

/** What a client keeps beside the text. */
export interface OfMessage {
  readonly epoch: string;
  /** Where the text is to be discarded. */
  readonly refusal?: Refusal;
}

/** What is known of an answer at its beginning. */
export interface Beginning {
  /** The stream: what `DELETE /v1/streams/:id`, `resume` and a report of the answer name. */
  readonly streamId: string;
  readonly epoch: string;
  /** The one that is asked. */
  readonly model: string;
  /** From 80 percent of a quota on. */
  readonly warning?: QuotaState;
}

/** How an answer ended, and what was billed. */
export type Receipt = Omit<DoneFrame, 'type' | 'id' | 'seq'>;

export type Failure = Pick<ErrorFrame, 'retryable' | 'retryAfterMs' | 'requestId' | 'usage'>;

/** A call of a tool of the operator's. What it was asked or said is never sent. */
export interface ToolActivity {
  readonly name: string;
  readonly label?: string;
  readonly state: 'running' | 'done' | 'failed';
}

/** AG-UI's own accounting: the counts of what was read from a cache, written to it or thought are parts of the totals. */
export interface TokenUsage {
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
  readonly reasoningTokens?: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteInputTokens: number;
}
