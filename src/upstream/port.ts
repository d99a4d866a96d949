/** Upstream port: one request to the model in, deltas out. The core knows the model's API only by this file. */
import type { CacheBreakpoints } from '../models/cache.ts';
import type { OutputFormat } from '../models/output-format.ts';
import type { ThinkingFields, ThinkingPace } from '../models/thinking.ts';
import type { ToolUse } from '../models/tools.ts';
import type { Caller, RunTrace } from '../observability/port.ts';
import type { Message, Refusal, ToolFrame } from '../protocol/frames.ts';
import type { RelayError } from '../protocol/relay-error.ts';
import type { UsageReading } from '../protocol/usage-reading.ts';
import type { WireText } from '../protocol/wire-text.ts';
import type { UploadedFiles } from '../uploads/port.ts';

/** Of a request, what depends on the model that is asked. */
export interface ModelRequest {
  readonly model: string;
  /** Of text and thinking together. */
  readonly maxTokens: number;
  /** How the model is to think: fields of its API. */
  readonly thinking: ThinkingFields;
  /** For how long it may think without a word, and what it has thought by then. */
  readonly thinkingPace: ThinkingPace;
  /** What of the prompt the API is to keep. */
  readonly cache: CacheBreakpoints;
  /** Whom the API is to ask where it declines: a beta. */
  readonly refusalFallbacks?: RefusalFallbacks | undefined;
}

/** By the API's own choice, or these in this order. */
export type RefusalFallbacks = 'default' | readonly Pick<ModelRequest, 'model' | 'maxTokens' | 'thinking'>[];

export interface UpstreamRequest extends ModelRequest {
  /** The run's epoch: correlates log lines; never sent upstream. */
  readonly epoch: string;
  /** Who asked, for the log. */
  readonly caller?: Caller | undefined;
  /** Is told of each try; absent where nobody wants to know. */
  readonly trace?: RunTrace | undefined;
  /** Another model, asked once where the first is overloaded or was not reached, and has not begun. */
  readonly fallback?: ModelRequest | undefined;
  /** What the answer is to be, if not text. */
  readonly outputFormat?: OutputFormat | undefined;
  readonly system: string;
  /** What comes after it, and differs between requests of one action. */
  readonly instructions?: string | undefined;
  readonly messages: readonly Message[];
  /** What messages name by `source.type: "upload"`; absent where they name none. */
  readonly uploads?: UploadedFiles | undefined;
  /** An opaque hash of the user for the API's `metadata.user_id`: holds no id of ours, no name. */
  readonly userHash: string;
  /** Whether `sink.event` is wanted; `text` saves the work. */
  readonly events: 'text' | 'all';
  /** Whether `sink.thinking` is wanted with what is thought. */
  readonly showThinking: boolean;
  /** Tools of the operator's that the model may ask for. */
  readonly toolUse?: ToolUse | undefined;
  /** What was said since the messages: the model asked for tools, and they answered. */
  readonly toolTurns?: readonly ToolTurn[] | undefined;
}

/** A block of a message as the API has it, of which little is known here. */
export type ContentBlock = Readonly<Record<string, unknown>> & { readonly type: string };

/** A message of the model's that asks for tools, and what they answered. */
export interface ToolTurn {
  /** All of it, also what was thought: the API takes it back unchanged or not at all. */
  readonly content: readonly ContentBlock[];
  readonly results: readonly ToolResult[];
  /** No more tools: the model has to answer now. */
  readonly isLast: boolean;
}

export interface ToolResult {
  /** The id of the `tool_use` block. */
  readonly toolUseId: string;
  readonly content: string;
  readonly isError: boolean;
}

/** What a model said in answer to a request with tools. */
export interface AssistantTurn {
  /** Complete blocks, in order. The `input` of a `tool_use` that is no JSON object is empty, and `brokenInputs` has its id. */
  readonly content: readonly ContentBlock[];
  readonly brokenInputs: ReadonlySet<string>;
  /** Who said it: the request's own model, or its fallback. */
  readonly asked: ModelRequest;
}

/** A call of a tool, as readers are told of it. */
export type ToolProgress = Omit<ToolFrame, 'type' | 'id'>;

/** Called synchronously, in upstream order, never after the call's `ended` has resolved. */
export interface UpstreamSink {
  /** One non-empty text delta: the inside of its JSON string literal (escapes kept, without the quotes). */
  text(json: WireText): void;
  /** Any other upstream event but `ping`, whole and untouched (valid JSON, one line). Only with `events: "all"`; then text deltas come through `text` alone. */
  event(json: WireText): void;
  /**
   * The model thinks: a block of it opened, or, with `json`, some of what it thinks, as the inside of a JSON string literal.
   * Only with `events: "text"`, and what it thinks only with `showThinking`.
   */
  thinking(json?: WireText): void;
  /** A tool is called now, or that call is over. Only with `toolUse`. */
  tool(progress: ToolProgress): void;
  /** The model has begun (`message_start`): input is billed from here on. Called once for each message of the body. */
  began(): void;
}

export type UpstreamEnding =
  /** The body ended after a `message_stop`. `model` is the one the API named; null if it named none. */
  | {
      readonly kind: 'done';
      readonly stopReason: string | null;
      /** Where the model refused. */
      readonly refusal: Refusal | null;
      readonly model: string | null;
      readonly requestId: string | null;
      /** Only with `toolUse`. */
      readonly turn?: AssistantTurn | undefined;
    }
  /** The signal was aborted before the end. */
  | { readonly kind: 'aborted'; readonly requestId: string | null }
  | { readonly kind: 'failed'; readonly error: RelayError };

export interface UpstreamCall {
  /** Resolves once, when the ending is known and the upstream request is closed. Never rejects. */
  readonly ended: Promise<UpstreamEnding>;
  /** Resolves when the whole request has left for the API, or after `ended`. Never rejects. */
  readonly flushed: Promise<void>;
  /** The bill so far; after `ended` the last word. */
  usage(): UsageReading;
}

/** How many tokens the API counts in a prompt. */
export type TokenCount =
  | { readonly kind: 'counted'; readonly tokens: number }
  /** The signal was aborted before. */
  | { readonly kind: 'aborted' }
  /** Not asked: others are asked now, or the last answers were none. */
  | { readonly kind: 'skipped'; readonly reason: 'busy' | 'paused' }
  | {
      readonly kind: 'failed';
      readonly reason: 'unanswered' | 'refused' | 'malformed';
      /** For the log: names, no words. */
      readonly cause: {
        /** HTTP status; null where there was no response. */
        readonly status: number | null;
        readonly type: string | null;
        readonly errorCode: string | null;
        readonly upstreamRequestId: string | null;
      };
    };

export interface Upstream {
  /** Begins a call. Aborting the signal closes the upstream request at once, also before its first byte and between tries. */
  open(request: UpstreamRequest, sink: UpstreamSink, signal: AbortSignal): UpstreamCall;
  /**
   * Has the prompt counted, as the model that is asked reads it, for free. Resolves within some seconds. Aborting the signal closes the request at once. Never rejects.
   */
  countTokens(request: UpstreamRequest, signal: AbortSignal): Promise<TokenCount>;
  /** Calls open at this instant (invariant: equals the live streams that call upstream; one that waits for a tool does not). */
  readonly openRequests: number;
  /** Closes pooled connections. */
  close(): Promise<void>;
}
