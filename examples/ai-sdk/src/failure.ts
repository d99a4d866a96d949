export interface Failure {
  readonly text: string;
  /** Whether asking the same again may help. */
  readonly canRetry: boolean;
}

const BUSY = { text: 'The model is busy. Ask again in a moment.', canRetry: true };
const CUT_OFF = { text: 'The answer broke off. Ask again for a whole one.', canRetry: true };
const TOO_MANY = {
  text: 'Too much at once. Wait until another answer has ended, then ask again.',
  canRetry: true,
};
const AWAY = { text: 'The service is not available. Ask again in a moment.', canRetry: true };
/** By the relay's codes (PROTOCOL.md): those for which a person can do something. */
const BY_CODE: Readonly<Record<string, Failure>> = {
  unauthorized: { text: 'You are signed out. Sign in, then ask again.', canRetry: true },
  detached: { text: 'You are signed out. Sign in, then ask again.', canRetry: true },
  too_large: { text: 'That is too long. Make it shorter, then ask again.', canRetry: false },
  quota_exceeded: { text: 'Your limit is used up for now. Come back later.', canRetry: false },
  rate_limited: TOO_MANY,
  too_many_streams: TOO_MANY,
  too_many_connections: TOO_MANY,
  upstream_overloaded: BUSY,
  upstream_rate_limited: BUSY,
  upstream_timeout: BUSY,
  upstream_reset: CUT_OFF,
  upstream_truncated: CUT_OFF,
  upstream_error: CUT_OFF,
  interrupted: CUT_OFF,
  shutting_down: AWAY,
  unavailable: AWAY,
  unreachable: AWAY,
  internal: AWAY,
};

interface KnownError {
  readonly message: string;
  readonly code?: string;
  readonly responseBody?: string;
}

/** Words for people; `error.message` is for developers. */
export function failureOf(error: KnownError): Failure {
  return BY_CODE[codeOf(error) ?? ''] ?? { text: 'This question could not be answered.', canRetry: false };
}

/** The network failed, and nothing is known of the answer: it may go on all the same. */
export function isLost(error: Error | undefined): boolean {
  return error instanceof TypeError;
}

/** `dashChatTransport` throws it; in a stream it goes ahead of the words; of a refused request it is in the body. */
function codeOf({ code, message, responseBody = '' }: KnownError): string | undefined {
  return code ?? /^([a-z_]+): /.exec(message)?.[1] ?? /"code":"([a-z_]+)"/.exec(responseBody)?.[1];
}
