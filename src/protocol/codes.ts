/**
 * The codes of the wire contract with their HTTP status and retry policy, and the WebSocket close codes.
 * PROTOCOL.md holds the same two tables; a test compares them.
 */

interface CodePolicy {
  /** HTTP status where the error leaves through HTTP or before the 101 of an upgrade. */
  readonly status: number;
  /** Whether the same request may succeed if it is sent again later, unchanged. */
  readonly retryable: boolean;
}

/** The codes by name: all that a client has to know of the table. */
export const ERROR_NAMES = [
  'bad_request',
  'unknown_action',
  'unauthorized',
  'forbidden',
  'model_not_allowed',
  'not_found',
  'unknown_stream',
  'unknown_upload',
  'method_not_allowed',
  'request_timeout',
  'conflict',
  'resume_gap',
  'too_large',
  'unsupported',
  'upgrade_required',
  'rate_limited',
  'too_many_streams',
  'too_many_connections',
  'too_many_uploads',
  'quota_exceeded',
  'internal',
  'upstream_reset',
  'upstream_truncated',
  'upstream_error',
  'upstream_refused',
  'shutting_down',
  'unavailable',
  'interrupted',
  'abandoned',
  'upstream_account',
  'upstream_overloaded',
  'upstream_rate_limited',
  'upstream_timeout',
] as const;

/** A code of the table below: the only codes a client ever sees. */
export type ErrorCode = (typeof ERROR_NAMES)[number];

export const ERROR_CODES = {
  bad_request: { status: 400, retryable: false },
  unknown_action: { status: 400, retryable: false },
  unauthorized: { status: 401, retryable: false },
  forbidden: { status: 403, retryable: false },
  model_not_allowed: { status: 403, retryable: false },
  not_found: { status: 404, retryable: false },
  unknown_stream: { status: 404, retryable: false },
  unknown_upload: { status: 404, retryable: false },
  method_not_allowed: { status: 405, retryable: false },
  request_timeout: { status: 408, retryable: true },
  conflict: { status: 409, retryable: false },
  resume_gap: { status: 409, retryable: false },
  too_large: { status: 413, retryable: false },
  unsupported: { status: 415, retryable: false },
  upgrade_required: { status: 426, retryable: false },
  rate_limited: { status: 429, retryable: true },
  too_many_streams: { status: 429, retryable: true },
  too_many_connections: { status: 429, retryable: true },
  too_many_uploads: { status: 429, retryable: true },
  quota_exceeded: { status: 429, retryable: false },
  internal: { status: 500, retryable: true },
  upstream_reset: { status: 502, retryable: true },
  upstream_truncated: { status: 502, retryable: true },
  upstream_error: { status: 502, retryable: true },
  upstream_refused: { status: 502, retryable: false },
  shutting_down: { status: 503, retryable: true },
  unavailable: { status: 503, retryable: true },
  interrupted: { status: 503, retryable: true },
  abandoned: { status: 503, retryable: false },
  upstream_account: { status: 503, retryable: false },
  upstream_overloaded: { status: 503, retryable: true },
  upstream_rate_limited: { status: 503, retryable: true },
  upstream_timeout: { status: 504, retryable: true },
} as const satisfies Record<ErrorCode, CodePolicy>;

/**
 * Close codes the relay sends; PROTOCOL.md says what the client does for each. None of 1012 to 1014: older OkHttp
 * and libsoup take those for a violation of the protocol, so that apps would not learn them.
 */
export const CLOSE_CODES = {
  finished: 1000,
  goingAway: 1001,
  unsupportedData: 1003,
  badFrames: 4400,
  tokenExpired: 4401,
  tokenRevoked: 4401,
  wrongUser: 4403,
  noPong: 4408,
  tooManyFrames: 4429,
  tryAgainLater: 4503,
} as const;

export type CloseCode = (typeof CLOSE_CODES)[keyof typeof CLOSE_CODES];
