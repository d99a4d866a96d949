/**
 * What an answer is in the AI SDK's form: the chunks of its UI message stream, as far as the relay makes them, and the metadata
 * of the message that they build. Types alone, so that nothing of that library is needed to run.
 *
 * Each of them is one of `UIMessageChunk` of `ai`, and only what version 7.0.0 takes: a page validates each chunk by the
 * version that it was built with, and one that it does not know ends every chat of its socket.
 */
import type { ErrorCode } from '../protocol/codes.ts';
import type { QuotaState, Refusal, Timing, Usage } from '../protocol/frames.ts';

/** Why an answer ended, in the library's words. */
export type FinishReason = 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'other';

export type UiMessageChunk =
  | {
      readonly type: 'start';
      /** The id of the stream: the same each time it is read, so that a replay takes the place of what was there. */
      readonly messageId: string;
      readonly messageMetadata: AnswerMetadata;
    }
  | { readonly type: 'start-step' }
  | { readonly type: 'reasoning-start'; readonly id: string }
  | { readonly type: 'reasoning-delta'; readonly id: string; readonly delta: string }
  | { readonly type: 'reasoning-end'; readonly id: string }
  | { readonly type: 'text-start'; readonly id: string }
  | { readonly type: 'text-delta'; readonly id: string; readonly delta: string }
  | { readonly type: 'text-end'; readonly id: string }
  | {
      readonly type: 'tool-input-available';
      readonly toolCallId: string;
      readonly toolName: string;
      /** Always empty: what a tool was asked is never sent. */
      readonly input: Readonly<Record<string, never>>;
      readonly providerExecuted: true;
      readonly dynamic: true;
      readonly title?: string;
    }
  | {
      readonly type: 'tool-output-available';
      readonly toolCallId: string;
      /** Always empty: what a tool said is never sent. */
      readonly output: Readonly<Record<string, never>>;
      readonly providerExecuted: true;
      readonly dynamic: true;
    }
  | {
      readonly type: 'tool-output-error';
      readonly toolCallId: string;
      readonly errorText: string;
      readonly providerExecuted: true;
      readonly dynamic: true;
    }
  | { readonly type: 'finish-step' }
  | { readonly type: 'message-metadata'; readonly messageMetadata: AnswerMetadata }
  | { readonly type: 'finish'; readonly finishReason: FinishReason; readonly messageMetadata: AnswerMetadata }
  | { readonly type: 'error'; readonly errorText: string };

/** `message.metadata` of an answer. What is known at its beginning comes with `start`, the rest with its ending. */
export interface AnswerMetadata {
  /** The stream: what `resume`, `DELETE /v1/streams/:id` and a report of the answer name. */
  readonly streamId?: string;
  /** Its run. */
  readonly epoch?: string;
  /** The model that is asked; with the ending, the one that answered. */
  readonly model?: string;
  /** From 80 percent of a quota on. */
  readonly warning?: QuotaState;
  /** How it ended. With `cancelled`, `usage` and `timing` are the receipt of the stop. */
  readonly ending?: 'done' | 'cancelled' | 'error';
  /** As the model gave it: `end_turn`, `max_tokens`, `refusal` … */
  readonly stopReason?: string | null;
  /** Where the model declined. With `partial` the text of this message is to be discarded: neither shown nor sent again. */
  readonly refusal?: Refusal;
  /** UTF-16 code units of all text. */
  readonly textLength?: number;
  /** What was billed. */
  readonly usage?: Usage;
  readonly timing?: Timing;
  /** With the ending `error`. */
  readonly error?: AnswerError;
}

export interface AnswerError {
  readonly code: ErrorCode;
  readonly message: string;
  /** Whether the same request may succeed later, unchanged. */
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  /** The model API's id of the request. */
  readonly requestId?: string;
}

/** What the error is called that an app gets from the library: `upstream_overloaded: the model is overloaded`. */
export function errorText({ code, message }: Pick<AnswerError, 'code' | 'message'>): string {
  return `${code}: ${message}`;
}
