import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { SERVER_LIMITS } from '../../src/http/create-app.ts';
import { exchange, openRaw, parseAnswer, roundTrip } from './raw-client.ts';
import { startServer } from './start-server.ts';

const request = (line: string, headers: readonly string[] = [], body = '') =>
  [`${line} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close', ...headers, '', body].join('\r\n');
const post = (body: string, headers: readonly string[]) =>
  request('POST /echo', [`Content-Length: ${Buffer.byteLength(body)}`, ...headers], body);

/** A server with a route that takes JSON. */
const startEcho = () =>
  startServer({ maxFrameBytes: 1024, added: (app) => void app.post('/echo', ({ body }) => ({ body })) });

const JSON_TYPE = 'Content-Type: application/json';
const REFUSALS: Readonly<Record<string, readonly [string, number, string]>> = {
  'an unknown path': [request('GET /nothing'), 404, 'not_found'],
  'an id that is too long to be one': [request(`GET /v1/streams/${'x'.repeat(1025)}`), 404, 'not_found'],
  'a doubled slash': [request('GET //healthz'), 404, 'not_found'],
  'an encoded dot-dot': [request('GET /v1/%2e%2e/healthz'), 404, 'not_found'],
  'a malformed escape': [request('GET /%zz'), 400, 'bad_request'],
  TRACE: [request('TRACE /healthz'), 405, 'method_not_allowed'],
  'a wrong method': [request('DELETE /healthz'), 405, 'method_not_allowed'],
  'a method of another protocol': [request('PROPFIND /healthz'), 405, 'method_not_allowed'],
  'a plain GET of the WebSocket': [request('GET /v1/ws'), 426, 'upgrade_required'],
  'a plain GET of its alias': [request('GET /functions/v1/ai-gateway-ws'), 426, 'upgrade_required'],
  'another content type': [
    post('a=1', ['Content-Type: application/x-www-form-urlencoded']),
    415,
    'unsupported',
  ],
  'plain text': [post('{}', ['Content-Type: text/plain']), 415, 'unsupported'],
  'no content type': [post('{}', []), 415, 'unsupported'],
  'a compressed body': [post('{}', [JSON_TYPE, 'Content-Encoding: gzip']), 415, 'unsupported'],
  'a body over the limit': [post(`"${'x'.repeat(1024)}"`, [JSON_TYPE]), 413, 'too_large'],
  'a body that is no JSON': [post('{"a":', [JSON_TYPE]), 400, 'bad_request'],
  'a body that would pollute': [post('{"__proto__":{"a":1}}', [JSON_TYPE]), 400, 'bad_request'],
  'headers over 16 KiB': [request('GET /healthz', [`X: ${'x'.repeat(17_000)}`]), 431, 'too_large'],
  'Content-Length and Transfer-Encoding': [
    post('{}', [JSON_TYPE, 'Transfer-Encoding: chunked']),
    400,
    'bad_request',
  ],
  'two Content-Lengths': [post('{}', [JSON_TYPE, 'Content-Length: 3']), 400, 'bad_request'],
  'a folded header': [request('GET /healthz', ['X: a', ' b']), 400, 'bad_request'],
  'a NUL in a header': [request('GET /healthz', ['X: a\0b']), 400, 'bad_request'],
};

describe('a request is refused as JSON', () => {
  it.each(Object.entries(REFUSALS))('%s', async (_what, [text, status, code]) => {
    const { port, observer } = await startEcho();
    const answer = parseAnswer(await exchange(port, text));
    expect(answer).toMatchObject({ status, error: { code, message: expect.any(String) } });
    expect(observer.failures).toEqual([]);
    await roundTrip(port);
  });

  it('names the methods a path takes', async () => {
    const { port } = await startEcho();
    const answer = parseAnswer(await exchange(port, request('PUT /echo')));
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST' } });
  });

  it('hides what a broken route says, and reports it', async () => {
    const { port, observer } = await startServer({
      added: (app) =>
        void app.get('/broken', () => {
          throw new Error('secret detail');
        }),
    });
    const text = await exchange(port, request('GET /broken'));
    expect(parseAnswer(text)).toMatchObject({ status: 500, error: { code: 'internal' } });
    expect(text).not.toContain('secret detail');
    expect(observer.failures).toHaveLength(1);
  });

  it('gives each request an id of its own and every answer the security headers', async () => {
    const { url } = await startServer();
    const answers = [
      await fetch(`${url}/healthz`),
      await fetch(`${url}/nothing`, { headers: { 'x-request-id': 'mine' } }),
    ];
    expect(new Set(answers.map(({ headers }) => headers.get('x-request-id'))).size).toBe(2);
    for (const { headers } of answers) {
      expect(headers.get('x-request-id')).not.toBe('mine');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('x-powered-by')).toBeNull();
    }
  });

  it('logs the route and never the URL', async () => {
    const lines: object[] = [];
    const { port } = await startServer({ log: { debug: (fields) => lines.push(fields) } });
    await exchange(port, request('GET /healthz?token=alice'));
    expect(lines).toEqual([expect.objectContaining({ method: 'GET', route: '/healthz', status: 200 })]);
    expect(JSON.stringify(lines)).not.toContain('alice');
  });

  it('survives 2,500 headers', async () => {
    const { port } = await startEcho();
    const headers = Array.from({ length: 2500 }, () => 'a:b');
    expect([200, 431]).toContain(parseAnswer(await exchange(port, request('GET /healthz', headers))).status);
    await roundTrip(port);
  });
});

describe('slow peers', () => {
  const soon = {
    ...SERVER_LIMITS,
    headersTimeout: 100,
    requestTimeout: 150,
    connectionsCheckingInterval: 20,
  };

  it.each([
    ['a head', 'GET /healthz HTTP/1.1\r\nHost: a\r\n'],
    [
      'a body',
      'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    ],
  ])('get 408 for %s that does not end', async (_what, text) => {
    const { port } = await startServer({
      serverLimits: soon,
      added: (app) => void app.post('/echo', ({ body }) => ({ body })),
    });
    const answer = parseAnswer(await (await openRaw(port)).send(text).untilClosed());
    expect(answer).toMatchObject({ status: 408, error: { code: 'request_timeout', retryable: true } });
  });

  it('that send nothing are closed', async () => {
    const { port } = await startServer({ serverLimits: soon });
    const socket = connect(port, '127.0.0.1');
    socket.resume();
    await once(socket, 'close');
    expect(socket.readyState).toBe('closed');
  });

  it('have 15 seconds at most', () => {
    const { headersTimeout, requestTimeout, connectionsCheckingInterval } = SERVER_LIMITS;
    expect(headersTimeout + connectionsCheckingInterval).toBeLessThanOrEqual(15_000);
    expect(requestTimeout).toBeLessThanOrEqual(15_000);
  });
});
