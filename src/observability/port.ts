/** What the core and the endpoints tell of what happens, for logs and metrics, and what they are told of memory. */
import type { ReportCategory } from '../protocol/answer-report.ts';
import type { ErrorCode } from '../protocol/codes.ts';
import type { Usage } from '../protocol/frames.ts';
import type { StreamReport } from '../protocol/streaming-metrics.ts';

/**
 * How short memory is. `soft`: new work is refused. `hard`: what can be had again by starting anew is given up.
 * `critical`: the slowest reader is closed. Each includes the ones before.
 */
export type MemoryPressure = 'none' | 'soft' | 'hard' | 'critical';

/** Why no new work is taken: memory is short, or the event loop is late. */
export type Overload = 'memory' | 'event_loop';

/** Why the relay or its client ended a run before the model did. */
export type AbortReason =
  | 'cancelled'
  | 'disconnected'
  | 'abandoned'
  | 'interrupted'
  | 'revoked'
  /** Other machines took this one for dead and have told its ending. */
  | 'given_up';

/** By which way a request came in. `http`: a request that is none of the others. */
export type Door =
  | 'websocket'
  | 'sse'
  | 'json'
  | 'ai_gateway'
  | 'ai_proxy'
  | 'ai_sdk'
  | 'ai_sdk_websocket'
  | 'ag_ui'
  | 'session'
  | 'usage'
  | 'config'
  | 'actions'
  | 'client_metrics'
  | 'reports'
  | 'uploads'
  | 'dev_token'
  | 'http';

/** What was refused. `frame`: one of a connection that is about no stream. `request`: any other than those of streams. */
export type Refused = 'upgrade' | 'frame' | 'start' | 'resume' | 'cancel' | 'ack' | 'request';

/** Who asked, for the log: what joins a line to an answer, a connection and an access log. */
export interface Caller {
  readonly door: Door;
  /** The `x-request-id` of the HTTP answer; null for a frame of a connection. */
  readonly requestId: string | null;
  /** Null for HTTP callers. */
  readonly connectionId: string | null;
}

/** Whose a run is, as far as plans and bills ask. */
export interface Payer {
  readonly organizationId: string | null;
  readonly tier: string | null;
}

/**
 * What happened, for logs and metrics. Implementations never throw and never block.
 * Nothing here holds a word of a prompt or an answer, a token or a key.
 */
export interface Observer {
  connectionOpened(event: { connectionId: string; userId: string }): void;
  connectionClosed(event: {
    connectionId: string;
    userId: string;
    code: number;
    /** Why the relay closed it, if it did: a code name such as `noPong`. */
    reason: string | null;
    durationMs: number;
  }): void;
  streamStarted(event: RunIdentity & Caller & Payer): void;
  streamEnded(event: StreamEnded): void;
  /** A delta has come from the model, that long after the one before. For each: it has to cost next to nothing. */
  deltaAfter(gapMs: number): void;
  /** A frame or request was refused. */
  refused(
    event: Caller & {
      userId: string | null;
      streamId: string | null;
      of: Refused;
      code: ErrorCode;
      /** What lies underneath; where it is a word of ours, such as `expired`, it says which of a code's reasons it was. */
      cause: unknown;
      /** The origin of the page that asked, where that is what was refused. */
      origin?: string | undefined;
    },
  ): void;
  /** A run that is there already is read from now on, from the first delta after `after`. */
  resumed(event: RunIdentity & Caller & { after: number; head: number; isRemote: boolean }): void;
  /** A reader takes less than there is: its deltas wait in the log from now on (`held`). Or it was closed for it. */
  slowReader(outcome: 'held' | 'closed'): void;
  /** An HTTP request was answered. @param route as it is registered; null where no route took it */
  requestAnswered(event: { route: string | null; status: number }): void;
  /** A caller asked for a run to be cancelled. */
  cancelAsked(event: Caller & { userId: string; streamId: string }): void;
  /** A request was passed on to the old function of that name, and is over. */
  passedOn(
    event: Caller & {
      userId: string;
      name: 'ai-gateway' | 'ai-proxy';
      /** Of its answer; null where there was none to hand through. */
      status: number | null;
      outcome: 'answered' | 'failed' | 'late' | 'too_large' | 'redirect' | 'caller_gone';
      ms: number;
      /** Of the answer's body. */
      bytes: number;
    },
  ): void;
  /** The prompt of a live run was counted, or was to be: its reservation is corrected by that, where it came in time. */
  promptCounted(event: {
    /** Undefined where it is not known. */
    caller: Caller | undefined;
    epoch: string;
    model: string;
    /** `aborted`: the run ended before. `busy`, `paused`: the API was not asked. The others: it gave no count. */
    outcome: 'counted' | 'aborted' | 'busy' | 'paused' | 'unanswered' | 'refused' | 'malformed';
    /** What the API said, where it was asked and gave no count. */
    cause:
      | {
          /** HTTP status; null where there was no response. */
          status: number | null;
          type: string | null;
          errorCode: string | null;
          upstreamRequestId: string | null;
        }
      | undefined;
  }): void;
  /**
   * A client told what it measured of a stream. `over_limit`: its user told too much this minute, and it does not count.
   * `lost`: it only told that it could not tell.
   */
  clientReported(
    event:
      | { readonly outcome: 'counted'; readonly report: StreamReport }
      | { readonly outcome: 'over_limit' | 'lost' },
  ): void;
  /** A person reported an answer: ids and a category, never words. */
  answerReported(event: {
    readonly userId: string;
    readonly streamId: string;
    readonly epoch: string | null;
    readonly category: ReportCategory;
  }): void;
  /** An error that no client could be told of. */
  failed(event: { what: string; cause: unknown; connectionId?: string; epoch?: string }): void;
}

/** How a stream ended, and what it cost. */
export interface StreamEnded extends RunIdentity, Caller, Payer {
  readonly status: 'done' | 'cancelled' | 'error';
  readonly code: ErrorCode | null;
  /** Why the model stopped; null where it did not say so. */
  readonly stopReason: string | null;
  /** Why the model refused, by the API's category, `unnamed` where it names none; null where it did not refuse. */
  readonly refusal: string | null;
  /** Why the relay or its client aborted the run before the model was done; null where none did. */
  readonly abortReason: AbortReason | null;
  readonly usage: Usage;
  /** The model that answered, as the API named it; null where none did. */
  readonly servedModel: string | null;
  /** US dollars; null for a model without a price. */
  readonly costUsd: number | null;
  /** What the API's prompt cache saved of the cost, less than 0 where it cost more; null likewise. */
  readonly cacheSavedUsd: number | null;
  readonly firstTokenMs: number | null;
  /** The same, exactly: what was before the call of the model, and from there on with all tries and tools. */
  readonly firstTokenShares: { readonly relayMs: number; readonly modelMs: number } | null;
  readonly totalMs: number;
  readonly upstreamClosedMs: number | null;
  readonly chunks: number;
  readonly bytes: number;
  /** The upstream's request id. */
  readonly upstreamRequestId: string | null;
  /** For `error`: what lies underneath (never an upstream's message, which may hold a user's words). */
  readonly cause: unknown;
}

/** Parts of a run in which it waits for something of ours. */
export type RunStep = 'quota' | 'ledger_intent' | 'ledger_settlement';

/** Begins the trace of each run that is to have one. Implementations never throw and never block. */
export interface Tracer {
  /** @returns undefined where nobody wants to know of this run, which then costs no more than the call */
  begin(run: TraceBeginning): RunTrace | undefined;
}

export interface TraceBeginning extends RunIdentity, Caller, Payer {
  /** The header by that name of the request, or of the upgrade of the connection, as it came. */
  readonly traceparent: string | undefined;
}

/** What a run does on its way, for debug lines and spans. No word of a prompt or an answer gets here. */
export interface RunTrace {
  /** A step begins. What is returned ends it: with a code of the wire contract where it failed, otherwise with null. */
  step(step: RunStep): (code: ErrorCode | null) => void;
  /** A try at the model begins. @param attempt from 1, of one call */
  attempt(model: string, attempt: number): AttemptTrace;
  ended(event: StreamEnded): void;
  /** The run never was. */
  refused(code: ErrorCode): void;
}

export interface AttemptTrace {
  /** Of the request to the model's API, beside its own. */
  readonly headers: Readonly<Record<string, string>>;
  /** The head of a response is there. */
  answered(status: number, upstreamRequestId: string | null): void;
  /** It is over, and its request closed. `code`: a code of the wire contract, where it failed. */
  ended(outcome: 'done' | 'aborted' | 'failed', code: ErrorCode | null): void;
}

export interface RunIdentity {
  readonly streamId: string;
  readonly epoch: string;
  readonly userId: string;
  readonly action: string;
  readonly model: string;
}
