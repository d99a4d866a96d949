/**
 * What went wrong upstream, as a code of the wire contract, and whether a second try may help. An upstream's own
 * message may hold a user's words, so none gets past this file: only status, names and the request id do.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorCode } from '../protocol/codes.ts';
import { RelayError } from '../protocol/relay-error.ts';
import type { ApiErrorNames } from './api-names.ts';
import { retryAfterMs } from './retry-after.ts';
import type { TransportError } from './transport/transport.ts';

/** For the operator's log, as `RelayError.cause`. */
export interface FailureCause {
  /** HTTP status; null where there was no response. */
  readonly status: number | null;
  /** The API's error type, such as `overloaded_error`. */
  readonly type: string | null;
  /** What exactly the API's error is about, such as `enforced_spend_limit_reached`. */
  readonly errorCode: string | null;
  /** The API's own name of the request. */
  readonly upstreamRequestId: string | null;
  /** The system's error code, such as `ECONNRESET`. */
  readonly code: string | null;
}

export interface Failure {
  readonly error: RelayError;
  /** Of the error, for those who know what it is. */
  readonly cause: FailureCause;
  /** Whether to try again, if nothing has been shown yet. */
  readonly retryable: boolean;
}

const MESSAGES = {
  upstream_account:
    "the operator's account at the model's API does not work now; the operator has to see to it",
  upstream_error: 'the model failed; try again',
  upstream_overloaded: 'the model is overloaded; try again later',
  upstream_rate_limited: 'the model takes no more requests now; try again later',
  upstream_refused: 'the model refused the request',
  upstream_reset: 'the connection to the model was lost; try again',
  upstream_timeout: 'the model did not answer in time; try again',
  upstream_truncated: 'the answer of the model was cut short; try again',
} as const satisfies Partial<Record<ErrorCode, string>>;

type UpstreamCode = keyof typeof MESSAGES;

/**
 * What an error of the API means, by the first of its names that is known: its error code, its type, its status. The same
 * names mean the same in an error response and inside a stream.
 */
const BY_ERROR_CODE: Readonly<Record<string, UpstreamCode>> = {
  // Come as 429, but only money or a new month helps.
  enforced_spend_limit_reached: 'upstream_account',
  contract_spend_limit_reached: 'upstream_account',
  ramp_limit_exceeded: 'upstream_rate_limited',
  linked_organization_billing_unavailable: 'upstream_account',
  linked_organization_spend_limit_reached: 'upstream_account',
  // Come as 400.
  organization_on_hold: 'upstream_account',
  cmek_key_disabled: 'upstream_account',
  cmek_key_network_blocked: 'upstream_account',
  user_profile_required: 'upstream_account',
  user_profile_billing_not_authorized: 'upstream_account',
  user_profile_not_billable: 'upstream_account',
  cmek_key_unreachable: 'upstream_error',
  thread_not_found: 'upstream_refused',
};

const BY_TYPE: Readonly<Record<string, UpstreamCode>> = {
  invalid_request_error: 'upstream_refused',
  request_too_large: 'upstream_refused',
  authentication_error: 'upstream_account',
  billing_error: 'upstream_account',
  permission_error: 'upstream_account',
  // The path, or a model that has retired or was never this account's.
  not_found_error: 'upstream_account',
  rate_limit_error: 'upstream_rate_limited',
  overloaded_error: 'upstream_overloaded',
  api_error: 'upstream_error',
  timeout_error: 'upstream_error',
  conflict_error: 'upstream_error',
};

const BY_STATUS: Readonly<Record<number, UpstreamCode>> = {
  // Not where ANTHROPIC_BASE_URL says.
  301: 'upstream_account',
  308: 'upstream_account',
  401: 'upstream_account',
  402: 'upstream_account',
  403: 'upstream_account',
  404: 'upstream_account',
  405: 'upstream_account',
  // Of a proxy that wants a key of its own.
  407: 'upstream_account',
  408: 'upstream_error',
  409: 'upstream_error',
  410: 'upstream_account',
  421: 'upstream_error',
  425: 'upstream_error',
  429: 'upstream_rate_limited',
  // What a gateway says where it was left, by whomever.
  499: 'upstream_error',
  529: 'upstream_overloaded',
};

/** Of no use: the same would come again. */
const HOPELESS: ReadonlySet<UpstreamCode> = new Set(['upstream_account', 'upstream_refused']);

/** Codes of a connection that was not there in time: the call's own limit, and the transport's. */
const NOT_REACHED: ReadonlySet<string> = new Set(['connect', 'ETIMEDOUT']);

const NO_CAUSE: FailureCause = {
  status: null,
  type: null,
  errorCode: null,
  upstreamRequestId: null,
  code: null,
};

export function failure(
  code: UpstreamCode,
  retryable: boolean,
  cause: Partial<FailureCause>,
  details: { readonly retryAfterMs?: number | undefined; readonly final?: boolean } = {},
): Failure {
  const whole = { ...NO_CAUSE, ...cause };
  const { retryAfterMs: waitMs, final = false } = details;
  const error = new RelayError(code, MESSAGES[code], {
    cause: whole,
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    ...(whole.upstreamRequestId === null ? {} : { requestId: whole.upstreamRequestId }),
    ...(final ? { retryable: false } : {}),
  });
  return { error, cause: whole, retryable };
}

/**
 * An error the API told of: by a response, or by an event inside a 200.
 * @param now Unix ms
 */
export function apiFailure(
  status: number,
  headers: IncomingHttpHeaders,
  names: ApiErrorNames,
  now: number,
): Failure {
  const code = codeOf(status, names);
  const advice = String(headers['x-should-retry']).toLowerCase();
  const hopeless = HOPELESS.has(code) || advice === 'false';
  return failure(
    code,
    !hopeless && (isKnown(status, names) || advice === 'true'),
    { status, ...names },
    hopeless ? { final: true } : { retryAfterMs: retryAfterMs(headers, now) },
  );
}

/**
 * Whether another model may answer where this one did not begin: it is overloaded, its service is away, or no connection
 * was there in time.
 */
export function isOverload({ error, cause }: Failure): boolean {
  if (error.code === 'upstream_timeout') return cause.code !== null && NOT_REACHED.has(cause.code);
  return error.code === 'upstream_overloaded' || (error.code === 'upstream_error' && cause.status === 503);
}

/** Something of ours failed while the answer was read. */
export function internalFailure(error: unknown): Failure {
  return { error: RelayError.from(error), cause: NO_CAUSE, retryable: false };
}

/** @param seen what had come before it failed. */
export function transportFailure(error: TransportError, seen: Partial<FailureCause>): Failure {
  const cause = { ...seen, code: error.code ?? error.failure };
  switch (error.failure) {
    case 'unreachable':
      return failure('upstream_error', true, cause);
    case 'suspended':
      return failure('upstream_error', false, cause, { retryAfterMs: error.retryAfterMs });
    case 'connect-timeout':
      return failure('upstream_timeout', false, cause);
    case 'reset':
      return failure('upstream_reset', true, cause);
  }
}

function codeOf(status: number, { type, errorCode }: ApiErrorNames): UpstreamCode {
  const exact = own(BY_ERROR_CODE, errorCode);
  if (exact !== undefined) return exact;
  const byStatus = BY_STATUS[status];
  // A gateway that says 401 means it, whatever it calls it.
  if (byStatus === 'upstream_account' && status !== 404) return byStatus;
  return own(BY_TYPE, type) ?? byStatus ?? (isRefusal(status) ? 'upstream_refused' : 'upstream_error');
}

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500;
}

/** A stream's error of a new type is not asked for twice: nobody knows what it would cost. */
function isKnown(status: number, { type, errorCode }: ApiErrorNames): boolean {
  return status >= 300 || own(BY_ERROR_CODE, errorCode) !== undefined || own(BY_TYPE, type) !== undefined;
}

function own(table: Readonly<Record<string, UpstreamCode>>, name: string | null): UpstreamCode | undefined {
  return name !== null && Object.hasOwn(table, name) ? table[name] : undefined;
}
