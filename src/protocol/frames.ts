/** The frames of `dash-relay.v1` as types. PROTOCOL.md is the law; a test compares the field names with it. */
import type { ErrorCode } from './codes.ts';

export const SUBPROTOCOL = 'dash-relay.v1';

export interface TextBlock {
  readonly type: 'text';
  readonly text: string;
}

export type ImageMediaType = 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp';

export interface Base64Source {
  readonly type: 'base64';
  readonly media_type: ImageMediaType;
  readonly data: string;
}

/** What was sent before, by `POST /v1/uploads`. */
export interface UploadSource {
  readonly type: 'upload';
  readonly id: string;
}

export interface ImageBlock {
  readonly type: 'image';
  readonly source: Base64Source | UploadSource;
}

/** A PDF, for actions and plans that take documents. */
export interface DocumentBlock {
  readonly type: 'document';
  readonly source: UploadSource;
}

export type MessageBlock = TextBlock | ImageBlock | DocumentBlock;

/** A block that names what was sent before. */
export type UploadedBlock = (ImageBlock | DocumentBlock) & { readonly source: UploadSource };

export function isUploaded(block: MessageBlock): block is UploadedBlock {
  return block.type !== 'text' && block.source.type === 'upload';
}

export interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: string | readonly MessageBlock[];
}

/** The answer to `POST /v1/uploads`: what the relay holds, and until when it may be asked about. */
export interface Upload {
  readonly id: string;
  /** As its bytes say, whatever the request called it. */
  readonly mediaType: ImageMediaType | 'application/pdf';
  /** Of what is kept: without what a camera wrote beside the picture. */
  readonly bytes: number;
  /** Of an image, pixels as they are stored: a turned photo is turned by whoever shows it. */
  readonly width?: number;
  readonly height?: number;
  /** Of a PDF. */
  readonly pages?: number;
  /** Unix ms. */
  readonly expiresAt: number;
}

/** Of a parameter of an action. */
export type ParameterValue = string | number | boolean;

/** What a run asks for: the fields of `start` but its `id`, the same by every transport. */
export interface StreamRequest {
  readonly action: string;
  readonly messages: readonly Message[];
  readonly context?: string | Readonly<Record<string, unknown>> | undefined;
  /** What the action's own prompt is to say, by the names that the server declares. */
  readonly parameters?: Readonly<Record<string, ParameterValue>> | undefined;
  readonly model?: string | undefined;
  readonly maxTokens?: number | undefined;
  readonly events?: 'text' | 'all' | undefined;
  readonly onDisconnect?: 'resume' | 'cancel' | undefined;
  /** `absent`: an ending that nobody has read soon is told by an event of the operator's webhook. */
  readonly notify?: 'absent' | undefined;
}

export interface StartFrame extends StreamRequest {
  readonly type: 'start';
  /** Absent only in the plan's own frame (no `type`); the relay then makes one. */
  readonly id?: string | undefined;
  /** The id was made for this start, which is sent for the first time. */
  readonly fresh?: true | undefined;
}

export interface CancelFrame {
  readonly type: 'cancel';
  readonly id: string;
}

export interface ResumeFrame {
  readonly type: 'resume';
  readonly id: string;
  /** Absent: whatever run has that id. */
  readonly epoch?: string | undefined;
  /** Last seq held, 0 for none; without an epoch 0. */
  readonly after: number;
}

export interface AckFrame {
  readonly type: 'ack';
  readonly id: string;
  readonly seq: number;
}

export interface AuthFrame {
  readonly type: 'auth';
  readonly token: string;
}

export interface PingFrame {
  readonly type: 'ping';
  readonly t?: number | string | undefined;
}

/** Which streams the user has, and each change of them from then on. */
export interface WatchFrame {
  readonly type: 'watch';
}

export type ClientFrame =
  | StartFrame
  | CancelFrame
  | ResumeFrame
  | AckFrame
  | AuthFrame
  | PingFrame
  | WatchFrame;

/** Where a count comes from. `estimated` is a documented estimate; `input_only`: the model had begun but said nothing yet. */
export type UsageSource = 'final' | 'estimated' | 'input_only' | 'none';

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** Of the output tokens, those that were thought; absent where none were. */
  readonly thinkingTokens?: number;
  readonly source: UsageSource;
  /** US dollars; only where the operator switched SHOW_COST on and the model has a price. */
  readonly costUsd?: number;
}

export interface Timing {
  /** From the arrival of `start` to the first text, ms; null if there was none. */
  readonly firstTokenMs: number | null;
  /** From the arrival of `start` to the ending, ms. */
  readonly totalMs: number;
  /** Deltas numbered so far. */
  readonly chunks: number;
  /** UTF-8 bytes of text. */
  readonly bytes: number;
  /** From the cancel's arrival until the upstream request was closed, ms. */
  readonly upstreamClosedMs?: number;
}

/** A quota that is nearly used up. Periods are UTC. */
export interface QuotaState {
  readonly of: 'requests' | 'tokens';
  readonly scope: 'user' | 'organization';
  readonly period: 'day' | 'month';
  /** Used and reserved, this run included. */
  readonly used: number;
  readonly limit: number;
  /** Unix ms. */
  readonly resetsAt: number;
}

export interface HelloFrame {
  readonly type: 'hello';
  readonly version: string;
  readonly connectionId: string;
  readonly userId: string;
  /** Unix ms. */
  readonly tokenExpiresAt: number;
  readonly heartbeatMs: number;
  readonly resumeWindowMs: number;
  /** Answers are kept: a start may say that it is `fresh`. */
  readonly keepsAnswers?: true;
  readonly limits: {
    readonly streams: number;
    readonly frameBytes: number;
    readonly framesPerMinute: number;
  };
}

export interface AcceptedFrame {
  readonly type: 'accepted';
  readonly id: string;
  readonly epoch: string;
  readonly model: string;
  /** From 80 percent of a quota on. */
  readonly warning?: QuotaState;
}

export interface ChunkFrame {
  readonly type: 'chunk';
  readonly id: string;
  readonly seq: number;
  readonly count?: number;
  readonly content: string;
}

export interface EventFrame {
  readonly type: 'event';
  readonly id: string;
  readonly seq: number;
  readonly event: unknown;
}

/** The model thinks: a state, until the next text or the ending. */
export interface ThinkingFrame {
  readonly type: 'thinking';
  readonly id: string;
  /** A further piece of a summary of what is thought, where the action allows it. */
  readonly content?: string;
}

/** The model asked for a tool of the operator's: a state, until the next text or the ending. */
export interface ToolFrame {
  readonly type: 'tool';
  readonly id: string;
  /** Numbers the calls of the run, from 1: several may be under way. */
  readonly call: number;
  readonly name: string;
  /** For people, where the operator has one. */
  readonly label?: string;
  readonly state: 'running' | 'done' | 'failed';
}

export interface ResumedFrame {
  readonly type: 'resumed';
  readonly id: string;
  readonly epoch: string;
  readonly after: number;
  readonly head: number;
  readonly model: string;
  readonly state: 'live' | 'ended';
}

/** The model declined to answer, or to go on. */
export interface Refusal {
  /** `cyber`, `bio`, `general_harms` …, an open set; null where the API names none. */
  readonly category: string | null;
  /** Text came before it: it is to be discarded. */
  readonly partial: boolean;
}

export interface DoneFrame {
  readonly type: 'done';
  readonly id: string;
  readonly seq: number;
  readonly stopReason: string | null;
  /** Only where `stopReason` is `refusal`. */
  readonly refusal?: Refusal;
  readonly model: string;
  /** UTF-16 code units of all text. */
  readonly textLength: number;
  readonly usage: Usage;
  readonly timing: Timing;
}

export interface CancelledFrame {
  readonly type: 'cancelled';
  readonly id: string;
  readonly seq: number;
  readonly textLength: number;
  readonly usage: Usage;
  readonly timing: Timing;
}

export interface ErrorFrame {
  readonly type: 'error';
  readonly id?: string;
  /** Present: it answers that client frame and ends nothing. */
  readonly of?: 'start' | 'resume' | 'cancel' | 'ack';
  readonly seq?: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  readonly requestId?: string;
  readonly usage?: Usage;
  /** With `quota_exceeded`: of the quota that has no room. Absent where it is the operator's own budget. */
  readonly used?: number;
  readonly limit?: number;
  /** With `quota_exceeded`, Unix ms. */
  readonly resetsAt?: number;
  /** With `unavailable` and `of: "start"`: by the operator, who wants no question here. */
  readonly reason?: 'switched_off';
}

/** A stream of the user's, as a list says it: nothing of the question, no text. */
export interface ListedStream {
  readonly id: string;
  readonly epoch: string;
  readonly action: string;
  /** The one that was asked. */
  readonly model: string;
  readonly state: 'live' | 'ended';
  /** Of a live one as far as is known: 0 where it runs on another machine. */
  readonly head: number;
  /** Unix ms. */
  readonly startedAt: number;
  /** Unix ms; absent while it is live. */
  readonly endedAt?: number;
  /** UTF-16 code units; of a live one as `head`. */
  readonly textLength: number;
  readonly ending?: EndingFrame['type'];
  /** Of an `error`. */
  readonly code?: ErrorCode;
}

export interface ErasedStream {
  readonly id: string;
  readonly epoch: string;
  readonly state: 'erased';
}

/** What who watches is told of one stream. */
export type StreamChange = ListedStream | ErasedStream;

/** A page of a list, newest first. */
export interface StreamPage {
  readonly streams: readonly ListedStream[];
  /** Where the next one begins; null after the oldest. */
  readonly next: string | null;
}

export interface StreamsFrame {
  readonly type: 'streams';
  readonly streams: readonly ListedStream[];
  readonly next?: string;
  readonly incomplete?: true;
}

/** A change as a frame: `{type, ...StreamChange}`. */
export interface StreamFrame {
  readonly type: 'stream';
  readonly id: string;
  readonly epoch: string;
  readonly state: StreamChange['state'];
  readonly action?: string;
  readonly model?: string;
  readonly head?: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly textLength?: number;
  readonly ending?: EndingFrame['type'];
  readonly code?: ErrorCode;
}

export interface AuthenticatedFrame {
  readonly type: 'authenticated';
  readonly tokenExpiresAt: number;
}

export interface TokenExpiringFrame {
  readonly type: 'token_expiring';
  readonly expiresInMs: number;
}

export interface GoingAwayFrame {
  readonly type: 'going_away';
  readonly reconnectAfterMs: number;
  readonly deadlineMs: number;
  readonly resume: 'elsewhere' | 'here';
}

/** What `GET /v1/config` would say now. */
export interface ConfigFrame {
  readonly type: 'config';
  readonly transport: 'websocket' | 'sse' | 'json';
  readonly pollAfterMs: number;
  readonly enabled: boolean;
}

export interface PongFrame {
  readonly type: 'pong';
  readonly t?: number | string;
}

/** The last entry of every log: exactly one per run. */
export type EndingFrame =
  | DoneFrame
  | CancelledFrame
  | (ErrorFrame & { readonly id: string; readonly seq: number });

export type ServerFrame =
  | HelloFrame
  | AcceptedFrame
  | ChunkFrame
  | EventFrame
  | ThinkingFrame
  | ToolFrame
  | ResumedFrame
  | DoneFrame
  | CancelledFrame
  | ErrorFrame
  | StreamsFrame
  | StreamFrame
  | AuthenticatedFrame
  | TokenExpiringFrame
  | GoingAwayFrame
  | ConfigFrame
  | PongFrame;
