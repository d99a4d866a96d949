/** The API's error answers: status, type and shape as the real one gives them. Messages never quote a prompt. */

const TYPES = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
} as const satisfies Record<string, number>;

export type ApiErrorType = keyof typeof TYPES;

interface ApiErrorParts {
  readonly retryAfter?: number;
  readonly errorCode?: string;
  /** Where it is not the type's usual one. */
  readonly status?: number;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly type: ApiErrorType;
  /** Seconds for the `retry-after` header. */
  readonly retryAfter: number | undefined;
  /** `details.error_code`: what exactly it is about. */
  readonly errorCode: string | undefined;
  readonly status: number;

  constructor(type: ApiErrorType, message: string, { retryAfter, errorCode, status }: ApiErrorParts = {}) {
    super(message);
    this.type = type;
    this.status = status ?? TYPES[type];
    this.retryAfter = retryAfter;
    this.errorCode = errorCode;
  }

  /** `x-should-retry`: whether the same request may work soon. */
  get isPassing(): boolean {
    if (this.status === 429) return this.errorCode === undefined || this.retryAfter !== undefined;
    return this.status === 409 || this.status >= 500;
  }

  /** What the body, or the data of an `error` event within a stream, says. */
  body(requestId?: string): string {
    const details = this.errorCode === undefined ? undefined : { error_code: this.errorCode };
    const error = { type: this.type, message: this.message, details };
    return JSON.stringify({ type: 'error', error, request_id: requestId });
  }
}
