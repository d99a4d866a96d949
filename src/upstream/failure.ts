/**
 * What went wrong upstream, as a code of the wire contract, and whether a second try may help. An upstream's own
 * message may hold a user's words, so none gets past this file: only status, type and request id do.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorCode } from '../protocol/codes.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { retryAfterMs } from './retry-after.ts';
import type { TransportError } from './transport/transport.ts';

/** For the operator's log, as `RelayError.cause`. */
export interface FailureCause {
  /** HTTP status; null where there was no response. */
  readonly status: number | null;
  /** The API's error type, such as `overloaded_error`. */
  readonly type: string | null;
  readonly requestId: string | null;
  /** The system's error code, such as `ECONNRESET`. */
  readonly code: string | null;
}

export interface Failure {
  readonly error: RelayError;
  /** Whether to try again, if nothing has been shown yet. */
  readonly retryable: boolean;
}

const MESSAGES = {
  upstream_error: 'the model failed; try again',
  upstream_overloaded: 'the model is overloaded; try again later',
  upstream_rate_limited: 'the model takes no more requests now; try again later',
  upstream_refused: 'the model refused the request',
  upstream_reset: 'the connection to the model was lost; try again',
  upstream_timeout: 'the model did not answer in time; try again',
  upstream_truncated: 'the answer of the model was cut short; try again',
} as const satisfies Partial<Record<ErrorCode, string>>;

type UpstreamCode = keyof typeof MESSAGES;

const NO_CAUSE: FailureCause = { status: null, type: null, requestId: null, code: null };

export function failure(
  code: UpstreamCode,
  retryable: boolean,
  cause: Partial<FailureCause>,
  waitMs?: number,
): Failure {
  const whole = { ...NO_CAUSE, ...cause };
  const error = new RelayError(code, MESSAGES[code], {
    cause: whole,
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    ...(whole.requestId === null ? {} : { requestId: whole.requestId }),
  });
  return { error, retryable };
}

/** An error response. */
export function responseFailure(
  status: number,
  headers: IncomingHttpHeaders,
  type: string | null,
  requestId: string | null,
  now: number,
): Failure {
  const code = codeOfStatus(status, type);
  return failure(code, code !== 'upstream_refused', { status, type, requestId }, retryAfterMs(headers, now));
}

/** An error event inside a 200. */
export function streamedFailure(type: string | null, requestId: string | null): Failure {
  return failure(codeOfType(type), true, { status: 200, type, requestId });
}

/** @param seen what had come before it failed. */
export function transportFailure(error: TransportError, seen: Partial<FailureCause>): Failure {
  const cause = { ...seen, code: error.code ?? error.failure };
  switch (error.failure) {
    case 'unreachable':
      return failure('upstream_error', true, cause);
    case 'suspended':
      return failure('upstream_error', false, cause, error.retryAfterMs);
    case 'connect-timeout':
      return failure('upstream_timeout', false, cause);
    case 'reset':
      return failure('upstream_reset', true, cause);
  }
}

function codeOfStatus(status: number, type: string | null): UpstreamCode {
  if (status === 429) return 'upstream_rate_limited';
  if (status === 529) return 'upstream_overloaded';
  if (status >= 500 && type === 'overloaded_error') return 'upstream_overloaded';
  if (status >= 400 && status < 500 && status !== 408 && status !== 409) return 'upstream_refused';
  return 'upstream_error';
}

function codeOfType(type: string | null): UpstreamCode {
  if (type === 'overloaded_error') return 'upstream_overloaded';
  return type === 'rate_limit_error' ? 'upstream_rate_limited' : 'upstream_error';
}
