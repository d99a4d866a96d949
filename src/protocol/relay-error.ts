import { ERROR_CODES, type ErrorCode } from './codes.ts';
import type { ErrorFrame } from './frames.ts';
import type { RefusalReason } from './refusal-reason.ts';
import { spreadMs } from './retry-after.ts';

/** What `quota_exceeded` tells a client. */
export interface QuotaFigures {
  /** Used and reserved. */
  readonly used?: number;
  readonly limit?: number;
  /** Unix ms. */
  readonly resetsAt: number;
}

export interface RelayErrorDetails {
  /** What happened underneath: for the operator's log (status, type, ids), never sent to a client. */
  readonly cause?: unknown;
  /** Milliseconds the client should wait before it tries again. */
  readonly retryAfterMs?: number;
  /** The upstream's `request-id`, if it gave one. */
  readonly requestId?: string;
  readonly quota?: QuotaFigures;
  readonly reason?: RefusalReason;
  /** With `model_not_allowed`: the model that answers where none is named. */
  readonly availableModel?: string | undefined;
  /** False where it is known that the same request will not succeed later, whatever the table says of the code. */
  readonly retryable?: false;
}

/** Too many, and not now. */
const ASKS_TO_WAIT = new Set([429, 503]);

/**
 * The one error class: a code of the table and a message that is safe to show to any client.
 * A message never holds text of a prompt, an answer, a token, a key or an upstream error body.
 */
export class RelayError extends Error {
  override readonly name = 'RelayError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly requestId: string | undefined;
  readonly quota: QuotaFigures | undefined;
  readonly reason: RefusalReason | undefined;
  readonly availableModel: string | undefined;
  /** Whether the same request may succeed if it is sent again later, unchanged. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, details: RelayErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryAfterMs = details.retryAfterMs;
    this.requestId = details.requestId;
    this.quota = details.quota;
    this.reason = details.reason;
    this.availableModel = details.availableModel;
    this.retryable = details.retryable ?? ERROR_CODES[code].retryable;
  }

  /** HTTP status of this code. */
  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  /**
   * How long whoever is refused by this is to wait, ms. Where nobody knows, a moment that is another each time: who was refused
   * together is not to come back together. Undefined where waiting does not help, or the code does not ask for it.
   */
  get waitMs(): number | undefined {
    if (this.retryAfterMs !== undefined) return this.retryAfterMs;
    return this.retryable && ASKS_TO_WAIT.has(this.status) ? spreadMs() : undefined;
  }

  /** What any frame says of it; at each call how long to wait may be another. */
  get told(): Pick<ErrorFrame, 'code' | 'message' | 'retryable' | 'retryAfterMs'> {
    const { code, message, retryable, waitMs } = this;
    return { code, message, retryable, ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) };
  }

  /** The error itself if it is a RelayError, otherwise `internal` with the original as its cause. */
  static from(error: unknown): RelayError {
    return error instanceof RelayError
      ? error
      : new RelayError('internal', 'the relay failed; try again', { cause: error });
  }
}
