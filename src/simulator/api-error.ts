/** The API's error answers: status, type and shape as the real one gives them. Messages never quote a prompt. */

const TYPES = {
  invalid_request_error: 400,
  authentication_error: 401,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  overloaded_error: 529,
} as const satisfies Record<string, number>;

export type ApiErrorType = keyof typeof TYPES;

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly type: ApiErrorType;
  /** Seconds for the `retry-after` header. */
  readonly retryAfter: number | undefined;

  constructor(type: ApiErrorType, message: string, retryAfter?: number) {
    super(message);
    this.type = type;
    this.retryAfter = retryAfter;
  }

  get status(): number {
    return TYPES[this.type];
  }

  /** What the body, or the data of an `error` event within a stream, says. */
  body(requestId?: string): string {
    const error = { type: this.type, message: this.message };
    return JSON.stringify({ type: 'error', error, request_id: requestId });
  }
}
