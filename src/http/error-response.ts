/** How an error leaves through HTTP: one shape of body and headers, before the 101 of an upgrade and at every route. */
import type { ErrorFrame } from '../protocol/frames.ts';
import type { RefusalReason } from '../protocol/refusal-reason.ts';
import { type QuotaFigures, RelayError } from '../protocol/relay-error.ts';

// Imported, node:http loads all of the built-in fetch for its export WebSocket: 6 MB (decision 0014).
const { STATUS_CODES } = process.getBuiltinModule('node:http');

export interface ErrorBody {
  readonly error: Partial<QuotaFigures> & {
    readonly code: string;
    readonly message: string;
    readonly retryable: boolean;
    readonly reason?: RefusalReason;
    readonly requestId?: string;
  };
}

/** @param requestId of an answer of a route; a refused handshake has none, and no reason: browsers show neither. */
export function errorBody(error: RelayError, requestId?: string): ErrorBody {
  const { code, message, retryable, quota, reason } = error;
  const known = requestId === undefined ? {} : { ...(reason && { reason }), requestId };
  return { error: { code, message, retryable, ...quota, ...known } };
}

/** The error that a run ended as. */
export function endingError({ code, message, retryable, retryAfterMs }: ErrorFrame): RelayError {
  return new RelayError(code, message, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(retryable ? {} : { retryable }),
  });
}

/** The headers an error's status asks for, names in lower case. */
export function errorHeaders(error: RelayError): Record<string, string> {
  switch (error.status) {
    case 401:
      return { 'www-authenticate': 'Bearer' };
    case 408:
      return { connection: 'close' }; // what is missing of its body would be waited for, and keep its room
    case 426:
      return { upgrade: 'websocket', connection: 'close, upgrade' };
    case 429:
    case 503:
      return retryAfter(error);
    default:
      return {};
  }
}

/** The whole answer as text, for a socket without a ServerResponse; the connection ends with it. */
export function rawErrorResponse(
  error: RelayError,
  { status = error.status, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): string {
  const body = JSON.stringify(errorBody(error));
  const more: Readonly<Record<string, string>> = { ...errorHeaders(error), ...headers, connection: 'close' };
  let head =
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\ncache-control: no-store\r\n`;
  for (const name of Object.keys(more)) head += `${name}: ${more[name]}\r\n`;
  return `${head}\r\n${body}`;
}

/** None where it would not help: there are proxies and clients that ask again because of it. */
function retryAfter({
  quota,
  waitMs = quota && quota.resetsAt - Date.now(),
}: RelayError): Record<string, string> {
  if (waitMs === undefined) return {};
  return { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) };
}
