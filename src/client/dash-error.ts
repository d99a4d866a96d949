import type { ErrorCode } from '../protocol/codes.ts';
import type { Usage } from '../protocol/frames.ts';
import type { RefusalReason } from '../protocol/refusal-reason.ts';

/**
 * A code of the wire contract, or one of the client's own:
 * - `unreachable` the relay could not be reached for `contactMs` with a question, or for `reconnectMs` afterwards
 * - `deadline_exceeded` the answer took longer than `deadlineMs`; it was cancelled
 * - `detached` the caller let go of the stream, which goes on without it
 * - `closed` the client was closed
 */
export type DashErrorCode = ErrorCode | 'unreachable' | 'deadline_exceeded' | 'detached' | 'closed';

/** What is known of a failure: an `error` frame has this shape, and so has the body of a refused request. */
export interface Failure {
  readonly code: DashErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly requestId?: string | undefined;
  readonly usage?: Usage | undefined;
  readonly used?: number | undefined;
  readonly limit?: number | undefined;
  readonly resetsAt?: number | undefined;
  readonly reason?: RefusalReason | undefined;
}

/**
 * The one error class of the client.
 * @example
 * ```ts
 * import { DashError } from '@dash-relay/client';
 *
 * try {
 *   await stream.final;
 * } catch (error) {
 *   if (!(error instanceof DashError)) throw error;
 *   show(error.retryable ? `Try again in ${error.retryAfterMs ?? 0} ms` : error.code);
 * }
 * ```
 */
export class DashError extends Error implements Failure {
  override readonly name = 'DashError';
  declare readonly code: DashErrorCode;
  /** Whether the same request may succeed later, unchanged. */
  declare readonly retryable: boolean;
  /** Wait this long before, ms. */
  declare readonly retryAfterMs: number | undefined;
  /** The model API's id of the request, for support. */
  declare readonly requestId: string | undefined;
  /** What was billed, where that is known. */
  declare readonly usage: Usage | undefined;
  /** With `quota_exceeded`: used and reserved of the quota that has no room, its limit, and when it begins anew, Unix ms. */
  declare readonly used: number | undefined;
  declare readonly limit: number | undefined;
  declare readonly resetsAt: number | undefined;
  /**
   * With `forbidden`: `origin` where it is the page's own address that the relay does not admit. With `unavailable`:
   * `switched_off` where the operator wants no question there. Of an upload: why the file is not taken.
   */
  declare readonly reason: RefusalReason | undefined;
  /** The text that had arrived. */
  declare readonly content: string;

  constructor(failure: Failure, content = '') {
    super(failure.message);
    Object.assign(this, failure, { content });
  }
}

/** A failure of the client's own making: its words are its code's. */
export function failure(code: DashErrorCode, retryable = false): Failure {
  return { code, message: code, retryable };
}
