/** Every way in which a request fails becomes one JSON shape: thrown errors, unknown paths and methods, unreadable HTTP. */
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Observer } from '../observability/port.ts';
import type { ErrorCode } from '../protocol/codes.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { observeRefusal } from './admission/request-refusal.ts';
import { errorBody, errorHeaders, rawErrorResponse } from './error-response.ts';

/** What Fastify refuses by itself; its messages may quote the request, so these are said instead. */
const REFUSALS: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  400: ['bad_request', 'the request is malformed'],
  404: ['not_found', 'there is nothing here'],
  408: ['request_timeout', 'the request took too long'],
  413: ['too_large', 'the body is too large'],
  414: ['not_found', 'there is nothing here'],
  415: ['unsupported', 'the body must be uncompressed JSON'],
};

/** To be called before the routes are added. */
export function errorRoutes(app: FastifyInstance, observer: Observer): void {
  const routes = new RouteTable();
  app.addHook('onRoute', ({ method, url }) => routes.add(method, url));
  app.setErrorHandler<FastifyError>((error, request, reply) => sendError(error, request, reply, observer));
  app.setNotFoundHandler((request, reply) => refuseUnknown(routes, request, reply));
  // Fastify would read and parse the body first. CORS has answered its preflights by then, and takes all of OPTIONS.
  app.addHook('preParsing', async (request, reply) => {
    if (request.is404 || request.method === 'OPTIONS') refuseUnknown(routes, request, reply);
  });
}

function refuseUnknown(routes: RouteTable, request: FastifyRequest, reply: FastifyReply): never {
  const methods = routes.methodsOf(request.url);
  if (methods.length === 0) throw new RelayError('not_found', 'there is nothing here');
  reply.header('allow', methods.join(', '));
  throw new RelayError('method_not_allowed', `this path takes ${methods.join(', ')}`);
}

export function sendError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  observer: Observer,
): FastifyReply {
  const refusal = observedRefusal(error, request, observer);
  return reply.code(refusal.status).headers(errorHeaders(refusal)).send(errorBody(refusal, request.id));
}

/** What a request is told of an error, whichever shape its route gives that; the observer knows by then. */
export function observedRefusal(
  error: FastifyError | RelayError,
  request: FastifyRequest,
  observer: Observer,
): RelayError {
  const refusal = toRelayError(error);
  if (refusal.code === 'internal') observer.failed({ what: 'request', cause: refusal.cause });
  observeRefusal(observer, request, refusal);
  return refusal;
}

function toRelayError(error: FastifyError | RelayError): RelayError {
  if (error instanceof RelayError) return error;
  const refusal = REFUSALS[error.statusCode ?? 500];
  return refusal === undefined ? RelayError.from(error) : new RelayError(...refusal);
}

/** Answers what never became a request: node:http has taken the socket apart already. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket, observer: Observer): void {
  // In the middle of another answer (pipelined garbage after a stream) a second one would corrupt the first.
  const { _httpMessage: answering } = socket as Socket & { _httpMessage?: { headersSent: boolean } };
  if (socket.writable && error.code !== 'ECONNRESET' && answering?.headersSent !== true) {
    const { refusal, ...answer } = unreadable(error.code);
    socket.write(rawErrorResponse(refusal, answer));
    observeUnread(observer, refusal);
  }
  socket.destroySoon();
}

/** Tells the observer of a refusal of what nobody read: it may be of anyone. */
export function observeUnread(observer: Observer, { code, cause }: RelayError): void {
  observer.refused({ ...NOBODY, code, cause });
}

/** Nothing is known of who sent it. */
const NOBODY = {
  door: 'http',
  requestId: null,
  connectionId: null,
  userId: null,
  streamId: null,
  of: 'request',
} as const;

function unreadable(code: string | undefined): { readonly refusal: RelayError; readonly status?: number } {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { refusal: new RelayError('request_timeout', 'the request took too long') };
    case 'HPE_HEADER_OVERFLOW': {
      const refusal = new RelayError('too_large', 'the headers are too large', { cause: 'headers' });
      return { refusal, status: 431 };
    }
    default:
      return { refusal: new RelayError('bad_request', 'the request is malformed', { cause: 'not_http' }) };
  }
}

/** Which methods each path takes, so that a wrong method is told from a wrong path. */
export class RouteTable {
  readonly #routes: { readonly segments: readonly string[]; readonly methods: readonly string[] }[] = [];

  /** `pattern` may hold `:name` segments. */
  add(methods: string | readonly string[], pattern: string): void {
    this.#routes.push({ segments: pattern.split('/'), methods: [methods].flat() });
  }

  /** The methods of the routes that match a URL; none if no route does. */
  methodsOf(url: string): string[] {
    const segments = (url.split('?', 1)[0] ?? '').split('/');
    const matching = this.#routes.filter((route) => matches(route.segments, segments));
    return [...new Set(matching.flatMap((route) => route.methods))];
  }
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => (part.startsWith(':') ? segments[index] !== '' : part === segments[index]))
  );
}
