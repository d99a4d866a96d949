/**
 * A Fastify app as every port of the relay has it: limits of time and size, request ids, security headers, bodies of JSON
 * alone, JSON errors. It has no route yet.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Observer } from '../observability/port.ts';
import { requireBoundedBody } from '../protocol/parse-client-frame.ts';
import { RelayError } from '../protocol/relay-error.ts';
import type { Connections } from './admission/connections.ts';
import { answerUnreadable, errorRoutes, sendError } from './error-routes.ts';
import { IgnoredUpgrades } from './websocket/ignored-upgrades.ts';

// Imported, node:http loads all of the built-in fetch for its export WebSocket: 6 MB (decision 0014).
const { createServer } = process.getBuiltinModule('node:http');

/** Where a line for each answered request goes: a pino logger is one. */
export interface AccessLog {
  debug(fields: object, message: string): void;
}

export interface AppParts {
  readonly observer: Observer;
  readonly serverLimits: ServerLimits;
  readonly maxBodyBytes: number;
  readonly log: AccessLog | undefined;
  /** Counts the port's connections. Absent: nobody does. */
  readonly connections?: Connections;
  /** Which of the requests that ask for an upgrade get one: the listener of `upgrade` has them. Absent: none. */
  readonly isUpgrade?: (request: IncomingMessage) => boolean;
}

/** Of a path's own ids, as they are encoded: a chat of the AI SDK is called what an app likes. */
const MAX_PARAM_LENGTH = 1024;

const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

export function createApp(parts: AppParts): FastifyInstance {
  const { observer, maxBodyBytes, log } = parts;
  const app = Fastify({
    serverFactory: (handler) => serverOf(parts, handler),
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    bodyLimit: maxBodyBytes,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    forceCloseConnections: true,
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket, observer),
    frameworkErrors: (error, request, reply) => sendError(error, request, reply, observer),
  });
  app.decorateRequest('userId', null);
  readJsonOnly(app);
  app.addHook('onRequest', async ({ raw, routeOptions }) => {
    const { 'content-length': length = '0', 'transfer-encoding': coding } = raw.headers;
    if (length === '0' && coding === undefined) return;
    const { uploadBytes = 0 } = routeOptions.config;
    if (Number(length) > uploadBytes || coding !== undefined)
      endSlowBody(raw, parts.serverLimits.requestTimeout, observer);
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS).header('x-request-id', request.id);
    const { 'content-encoding': encoding = 'identity' } = request.headers;
    if (encoding !== 'identity') throw new RelayError('unsupported', 'the body must be uncompressed');
  });
  // The route's pattern, never the URL: a query may hold a token.
  app.addHook('onResponse', async ({ id: requestId, method, routeOptions }, { statusCode, elapsedTime }) => {
    const { url: route = null } = routeOptions;
    observer.requestAnswered({ route, status: statusCode });
    log?.debug(
      { requestId, method, route: route ?? undefined, status: statusCode, ms: elapsedTime },
      'request answered',
    );
  });
  errorRoutes(app, observer);
  return app;
}

function serverOf(parts: AppParts, serve: RequestListener): Server {
  const { serverLimits, connections, isUpgrade = () => false } = parts;
  const ignored = new IgnoredUpgrades(isUpgrade);
  const { shouldUpgradeCallback } = ignored;
  const listener = ignored.listener(connections?.listener(serve) ?? serve);
  // Set with a request and by `ws`, not for each connection: most of a flood's are answered once and closed.
  const server = createServer(
    { ...serverLimits, requestTimeout: UPLOAD_TIMEOUT_MS, noDelay: false, shouldUpgradeCallback },
    (request, response) => {
      request.socket.setNoDelay(true);
      listener(request, response);
    },
  );
  connections?.attach(server);
  return server;
}

/** What node:http itself allows every request. Only a file may take so long, by a slow uplink. */
const UPLOAD_TIMEOUT_MS = 120_000;

/** node:http has one limit for all requests: a body that is no file has less time, and is ended as node:http would. */
function endSlowBody(request: IncomingMessage, withinMs: number, observer: Observer): void {
  const { socket } = request;
  const timer = setTimeout(() => {
    const late = Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    answerUnreadable(late, socket, observer);
  }, withinMs);
  const over = (): void => clearTimeout(timer);
  request.once('end', over).once('close', over);
}

/** Time and size limits of node:http, for every request up to its upgrade. Milliseconds and bytes. */
export interface ServerLimits {
  readonly headersTimeout: number;
  /** From its head to the end of its body; a file has more. */
  readonly requestTimeout: number;
  /** How often the two above are looked at. */
  readonly connectionsCheckingInterval: number;
  readonly keepAliveTimeout: number;
  readonly maxHeaderSize: number;
}

/** A connection that sends nothing, or a head or a body too slowly, is closed within 15–17 s. */
export const SERVER_LIMITS: ServerLimits = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 2000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16_384,
};

/** Request bodies: JSON and nothing else, judged by its size and shape before it is parsed. */

type Done = (error: Error | null, body?: unknown) => void;
export type BodyParser = (request: FastifyRequest, body: string, done: Done) => void;

export function readJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, jsonBodyParser(app));
}

/** Bodies of whatever kind, for the routes of an app that read them by themselves. Others refuse them as ever. */
export function readFiles(app: FastifyInstance): void {
  app.addContentTypeParser('*', ({ routeOptions }, _body, done) => {
    if (routeOptions.config.uploadBytes !== undefined) done(null);
    else done(new RelayError('unsupported', 'the body must be uncompressed JSON'));
  });
}

/** Fastify's own, which refuses fields that reach into prototypes, after the bounds. */
export function jsonBodyParser(app: FastifyInstance): BodyParser {
  const parse = app.getDefaultJsonParser('error', 'error') as BodyParser;
  return (request, body, done) => {
    try {
      requireBoundedBody(body);
    } catch (error) {
      return done(error as Error);
    }
    parse(request, body, done);
  };
}
