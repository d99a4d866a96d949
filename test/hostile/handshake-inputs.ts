/** Handshakes 1–16 of the list of bad inputs, and the answer to each. */
import { type HandshakeOptions, handshake } from '../http/handshake.ts';

export interface HandshakeInput {
  readonly number: number;
  readonly input: string;
  readonly expected: string;
  /** The bytes to send, with a good token where the input is not about that. */
  request(token: string): string;
}

/** The one that ALLOWED_ORIGINS names. */
export const ALLOWED_ORIGIN = 'https://app.example.com';

const GRANTED = '101 dash-relay.v1';
const BAD_REQUEST = '400 bad_request';
const UNAUTHORIZED = '401 unauthorized';
const FORBIDDEN = '403 forbidden';

/** The token in the header. */
function byHeader(
  number: number,
  input: string,
  expected: string,
  options: HandshakeOptions | ((token: string) => HandshakeOptions),
): HandshakeInput {
  const request = (token: string): string => {
    const { headers, ...rest } = typeof options === 'function' ? options(token) : options;
    return handshake({ ...rest, headers: { authorization: `Bearer ${token}`, ...headers } });
  };
  return { number, input, expected, request };
}

/** The list of subprotocols alone, as a browser sends the token. */
function byList(
  number: number,
  input: string,
  expected: string,
  list: (token: string) => string,
  headers: HandshakeOptions['headers'] = {},
): HandshakeInput {
  return byHeader(number, input, expected, (token) => ({
    headers: { authorization: undefined, 'sec-websocket-protocol': list(token), ...headers },
  }));
}

const inList = (token: string): string => `dash-relay.v1, bearer.${token}`;
const fromOrigin = (number: number, origin: string, expected: string): HandshakeInput =>
  byList(number, `Origin ${origin}, token by subprotocol`, expected, inList, { origin });
const withHeaders = (
  number: number,
  input: string,
  expected: string,
  headers: NonNullable<HandshakeOptions['headers']>,
) => byHeader(number, input, expected, { headers });
const withLines = (number: number, input: string, expected: string, ...lines: string[]) =>
  byHeader(number, input, expected, { lines });

export const HANDSHAKES: readonly HandshakeInput[] = [
  withHeaders(1, 'no token', UNAUTHORIZED, { authorization: undefined }),
  byHeader(2, 'a token in the header and one in the list', BAD_REQUEST, (token) => ({
    headers: { 'sec-websocket-protocol': inList(token) },
  })),
  byHeader(2, 'two Authorization headers', BAD_REQUEST, (token) => ({
    lines: [`Authorization: Bearer ${token}`],
  })),
  byHeader(3, 'a token in the query', UNAUTHORIZED, (token) => ({
    path: `/v1/ws?token=${token}&access_token=${token}&apikey=${token}`,
    headers: { authorization: undefined },
  })),
  fromOrigin(4, 'https://evil.example', FORBIDDEN),
  fromOrigin(4, 'null', FORBIDDEN),
  fromOrigin(4, `${ALLOWED_ORIGIN}.evil.com`, FORBIDDEN),
  fromOrigin(4, 'http://app.example.com', FORBIDDEN),
  fromOrigin(4, 'https://APP.example.com', FORBIDDEN),
  fromOrigin(4, ALLOWED_ORIGIN, GRANTED),
  fromOrigin(4, 'https://relay.example', GRANTED),
  byList(5, 'no token in either carrier', UNAUTHORIZED, () => 'dash-relay.v1'),
  byList(5, 'a subprotocol token without Origin', GRANTED, inList),
  withHeaders(5, 'a header token with any Origin', '101', { origin: 'https://evil.example' }),
  withHeaders(6, 'no Sec-WebSocket-Key', BAD_REQUEST, { 'sec-websocket-key': undefined }),
  withHeaders(6, 'a Sec-WebSocket-Key of 8 bytes', BAD_REQUEST, { 'sec-websocket-key': 'AAAAAAAAAAA=' }),
  withHeaders(7, 'version 12', BAD_REQUEST, { 'sec-websocket-version': '12' }),
  withHeaders(7, 'version 8', BAD_REQUEST, { 'sec-websocket-version': '8' }),
  byHeader(8, 'an upgrade over HTTP/1.0', BAD_REQUEST, { httpVersion: '1.0' }),
  byHeader(9, 'an upgrade by POST', '405 method_not_allowed', { method: 'POST' }),
  withHeaders(9, 'an upgrade to h2c', '426 upgrade_required', {
    upgrade: 'h2c',
    'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA',
  }),
  byHeader(10, 'a wrong path', '404 not_found', { path: '/v1/wss' }),
  withHeaders(10, 'a plain GET', '426 upgrade_required', { upgrade: undefined, connection: 'close' }),
  byList(11, 'a list without dash-relay.v1', BAD_REQUEST, (token) => `graphql-ws, bearer.${token}`),
  byList(11, 'two tokens in the list', BAD_REQUEST, (token) => `${inList(token)}, bearer.${token}x`),
  byList(11, 'a malformed list', BAD_REQUEST, (token) => `dash-relay.v1,, bearer.${token}`),
  byList(11, 'unknown names beside it', GRANTED, (token) => `v9.chat, ${inList(token)}, graphql-ws`),
  byList(12, 'the token offered first', GRANTED, (token) => `bearer.${token}, dash-relay.v1`),
  withHeaders(13, 'deflate offered', '101', {
    'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits',
  }),
  withLines(14, 'headers over 16 KiB', '431 too_large', `X-Filler: ${'x'.repeat(16_400)}`),
  withLines(15, '2,500 headers', '431 too_large', ...Array<string>(2500).fill('a:b')),
  withLines(16, 'CL and TE', BAD_REQUEST, 'Content-Length: 3', 'Transfer-Encoding: chunked'),
  withLines(16, 'two CL', BAD_REQUEST, 'Content-Length: 0', 'Content-Length: 3'),
  withLines(16, 'obs-fold', BAD_REQUEST, 'X-Folded: a', ' b'),
  withLines(16, 'NUL in a header', BAD_REQUEST, 'X-Nul: a\0b'),
];
