/**
 * The guards of a WebSocket handshake that need nothing but the request, in the order in which they are asked.
 * `ws` judges less: it answers version 8 and HTTP/1.0 with 101.
 */
import type { IncomingMessage } from 'node:http';
import type { OldFunction } from '../../legacy/old-body.ts';
import type { Door } from '../../observability/port.ts';
import { SUBPROTOCOL } from '../../protocol/frames.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import { headerToken, timesIn, tokenMissing } from '../admission/bearer-token.ts';

/** Of the app's old functions. */
const OLD_PATHS = {
  '/functions/v1/ai-gateway-ws': 'ai-gateway',
  '/functions/v1/ai-proxy-ws': 'ai-proxy',
} as const;

/** Of the AI SDK's transport. */
const CHAT_PATH = '/v1/ai-sdk';

export const WEBSOCKET_PATHS: readonly string[] = ['/v1/ws', CHAT_PATH, ...Object.keys(OLD_PATHS)];

/** Whether a handshake asks for the frames of the AI SDK's transport. */
export function asksForChats(request: IncomingMessage): boolean {
  return pathOf(request) === CHAT_PATH;
}

/** What the log calls the route of a handshake. */
export function doorOf(request: IncomingMessage): Door {
  return asksForChats(request) ? 'ai_sdk_websocket' : 'websocket';
}

/** Which old function a handshake asks for. */
export function oldFunctionOf(request: IncomingMessage): OldFunction | undefined {
  return (OLD_PATHS as Readonly<Record<string, OldFunction>>)[pathOf(request)];
}

const VERSION = '13';
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const SUBPROTOCOL_NAME = /^[!#$%&'*+\-.0-9A-Z^_`|a-z~]+$/;
const BEARER_NAME = 'bearer.';

/**
 * Whether it is to be answered as a handshake: it offers WebSocket, at a path that has it, and has no body. Anything
 * else goes to the routes, which answer as if it offered no upgrade.
 */
export function isHandshake(request: IncomingMessage): boolean {
  const { upgrade = '', 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
  if (!offersWebSocket(upgrade) || !WEBSOCKET_PATHS.includes(pathOf(request))) return false;
  return coding === undefined && length === '0';
}

function offersWebSocket(upgrade: string): boolean {
  if (upgrade === 'websocket') return true; // what all clients say: no list is made of it
  const offers = upgrade.split(',').map((name) => name.trim().toLowerCase());
  return offers.includes('websocket');
}

/** Of a request that `isHandshake`. @throws RelayError `bad_request` or `method_not_allowed` */
export function requireHandshake(request: IncomingMessage): void {
  const { headers } = request;
  if (request.method !== 'GET') throw new RelayError('method_not_allowed', 'a handshake is a GET');
  if (request.httpVersion !== '1.1') throw badRequest('a handshake needs HTTP/1.1');
  if (timesIn(request, 'host') !== 1) throw badRequest('a handshake names its Host, once');
  if (headers['sec-websocket-version'] !== VERSION)
    throw badRequest(`Sec-WebSocket-Version must be ${VERSION}`);
  if (!KEY.test(headers['sec-websocket-key'] ?? ''))
    throw badRequest('Sec-WebSocket-Key is missing or malformed');
}

/** What a refusal says of the version, where that was why (RFC 6455, 4.4). */
export function versionsServed({ headers }: IncomingMessage): Record<string, string> {
  return headers['sec-websocket-version'] === VERSION ? {} : { 'sec-websocket-version': VERSION };
}

/** The path without its query, which may hold what must not be logged. */
export function pathOf(request: IncomingMessage): string {
  const target = request.url ?? '';
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}

/**
 * The one bearer token of a handshake: in the Authorization header, or among the subprotocols, where the browser's
 * Origin is judged too. Tokens in the query are not looked at.
 * @throws RelayError `bad_request`, `unauthorized` or `forbidden`
 */
export function handshakeToken(request: IncomingMessage, allowedOrigins: ReadonlySet<string>): string {
  const bySubprotocol = subprotocolToken(request.headers['sec-websocket-protocol']);
  const byHeader = headerToken(request);
  if (bySubprotocol !== undefined && byHeader !== undefined) throw badRequest('send the token in one place');
  const token = bySubprotocol ?? byHeader;
  if (token === undefined) throw tokenMissing();
  if (bySubprotocol !== undefined) requireAllowedOrigin(request, allowedOrigins);
  return token;
}

/** Other names in the list are ignored; without our own it is not a list for us. */
function subprotocolToken(list: string | undefined): string | undefined {
  if (list === undefined) return undefined;
  const names = list.split(',').map((name) => name.trim());
  if (!names.every((name) => SUBPROTOCOL_NAME.test(name)) || new Set(names).size < names.length) {
    throw badRequest('Sec-WebSocket-Protocol is malformed');
  }
  if (!names.includes(SUBPROTOCOL)) throw badRequest(`the subprotocol must be ${SUBPROTOCOL}`);
  const tokens = names.filter((name) => name.startsWith(BEARER_NAME));
  if (tokens.length > 1) throw badRequest('send one token');
  return tokens[0]?.slice(BEARER_NAME.length);
}

/** The cause of what was refused for the page's origin. */
const FOREIGN_ORIGIN = 'origin';

/** The origin for the log, where it is one and was why; a client may send any text as its Origin. */
export function refusedOrigin({ headers }: IncomingMessage, { cause }: RelayError): string | undefined {
  const origin = cause === FOREIGN_ORIGIN ? URL.parse(headers.origin ?? '')?.origin : undefined;
  return origin === undefined || origin.length > 128 ? undefined : origin;
}

/**
 * A page of another site must not use the token of a user who visits it. Only browsers cannot set Authorization, and
 * they always send Origin; so without one, or with a header token (React Native), there is no page to judge.
 */
export function requireAllowedOrigin(request: IncomingMessage, allowed: ReadonlySet<string>): void {
  const { origin, host } = request.headers;
  if (origin === undefined || allowed.has(origin)) return;
  if (host !== undefined && ownOrigins(host, request).includes(origin)) return;
  throw foreignOrigin();
}

export function foreignOrigin(): RelayError {
  return new RelayError('forbidden', 'this origin is not allowed; list it in ALLOWED_ORIGINS', {
    cause: FOREIGN_ORIGIN,
    reason: 'origin',
  });
}

/** Whoever forges X-Forwarded-Proto only forbids more, so that it needs no trusted proxy. */
function ownOrigins(host: string, request: IncomingMessage): string[] {
  const overTls = request.headers['x-forwarded-proto'] === 'https';
  return overTls ? [`https://${host}`] : [`https://${host}`, `http://${host}`];
}

function badRequest(message: string): RelayError {
  return new RelayError('bad_request', message);
}
