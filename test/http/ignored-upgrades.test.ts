import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { handshake } from './handshake.ts';
import { exchange, openHandshake, openRaw, parseAnswer, roundTrip } from './raw-client.ts';
import { startServer } from './start-server.ts';

const run = promisify(execFile);

/** A server with a route that gives back the JSON it takes. */
const startEcho = () => startServer({ added: (app) => void app.post('/echo', ({ body }) => ({ body })) });

const H2C = [
  'Connection: Upgrade, HTTP2-Settings',
  'Upgrade: h2c',
  'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
];
const WEBSOCKET = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const OFFERS: Readonly<Record<string, readonly string[]>> = {
  h2c: H2C,
  'h2c in capitals': ['Connection: upgrade', 'Upgrade: H2C'],
  'TLS/1.0': ['Connection: Upgrade', 'Upgrade: TLS/1.0'],
  'what nobody has heard of': ['Connection: Upgrade', 'Upgrade: foo/2, bar'],
  'two headers': ['Connection: Upgrade', 'Upgrade: h2c', 'Upgrade: IRC/6.9'],
  'a WebSocket where there is none': WEBSOCKET,
};

const request = (line: string, headers: readonly string[], body = '') =>
  [`${line} HTTP/1.1`, 'Host: 127.0.0.1', ...headers, '', body].join('\r\n');
const post = (headers: readonly string[], body: string) =>
  request('POST /echo', [...headers, 'Content-Type: application/json'], body);
const chunked = (...pieces: readonly string[]) =>
  [...pieces, ''].map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('');

/** A body that holds a request of its own. */
const BODY = JSON.stringify({
  hidden: 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n',
  filler: 'x'.repeat(100_000),
});
const ECHOED = JSON.stringify({ body: JSON.parse(BODY) });
const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4);
const answersIn = (text: string) => text.match(/^HTTP\/1\.1 \d+/gm);

describe.each(Object.entries(OFFERS))(
  'a request that offers %s is answered as if it did not',
  (_what, offer) => {
    it.each([
      ['GET', '/healthz', 200],
      ['HEAD', '/healthz', 200],
      ['GET', '/metrics', 200],
      ['GET', '/nothing', 404],
      ['DELETE', '/healthz', 405],
    ])('%s %s', async (method, path, status) => {
      const { port, core, observer } = await startEcho();
      const answer = parseAnswer(await exchange(port, request(`${method} ${path}`, offer)));
      expect(answer.status).toBe(status);
      expect(answer.headers['connection']).toBe('close');
      expect(core.connections).toEqual([]);
      expect(observer.failures).toEqual([]);
    });

    it.each([
      ['of a length', [`Content-Length: ${BODY.length}`], BODY],
      ['in chunks', ['Transfer-Encoding: chunked'], chunked(BODY.slice(0, 9), BODY.slice(9))],
    ])('a POST with a body %s, which is read to its end and no further', async (_kind, headers, body) => {
      const { port } = await startEcho();
      const text = await exchange(port, post([...offer, ...headers], body));
      expect(answersIn(text)).toEqual(['HTTP/1.1 200']);
      expect(bodyOf(text)).toBe(ECHOED);
    });

    it('a POST whose lengths contradict is refused', async () => {
      const { port } = await startEcho();
      const headers = [...offer, 'Content-Length: 2', 'Transfer-Encoding: chunked'];
      expect(parseAnswer(await exchange(port, post(headers, chunked('{}')))).status).toBe(400);
    });
  },
);

describe('behind a request whose upgrade was ignored', () => {
  it('nothing more of its connection is served', async () => {
    const { port, core } = await startEcho();
    const behind = request('GET /metrics', []);
    const text = await exchange(port, request('GET /healthz', H2C) + behind);
    expect(answersIn(text)).toEqual(['HTTP/1.1 200']);
    expect(text).not.toContain('dash_up');
    expect(core.connections).toEqual([]);
    await roundTrip(port);
  });

  it.each([
    ['a request', request('GET /metrics', [])],
    ['another one that asks for an upgrade', request('GET /healthz', H2C)],
    ['a handshake', handshake()],
  ])('%s that comes while it is being answered is not served either', async (_what, behind) => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<object>();
    const { promise: asked, resolve: askedNow } = Promise.withResolvers<void>();
    const slow = (): Promise<object> => {
      askedNow();
      return answered;
    };
    const { port, core } = await startServer({ added: (app) => void app.get('/slow', slow) });
    const client = (await openRaw(port)).send(request('GET /slow', H2C));
    await asked;
    expect(await client.send(behind).untilClosed()).toBe('');
    answer({});
    expect(core.connections).toEqual([]);
    await roundTrip(port);
  });
});

describe('at the path of the WebSocket', () => {
  it('an upgrade to something else gets what a plain GET gets', async () => {
    const { port } = await startServer();
    const answer = parseAnswer(await exchange(port, request('GET /v1/ws', H2C)));
    expect(answer).toMatchObject({ status: 426, error: { code: 'upgrade_required' } });
  });

  it.each(['h2c, websocket', 'WebSocket , h2c'])('one of several offers is enough: %s', async (upgrade) => {
    const { port } = await startServer();
    const { text } = await openHandshake(port, { headers: { upgrade } });
    expect(parseAnswer(text).status).toBe(101);
  });
});

it('the port of the metrics ignores every upgrade', async () => {
  const source = { contentType: 'text/plain', metrics: async () => 'dash_up 1\n' };
  const binding = { host: '127.0.0.1', port: 0 };
  const { server } = await startServer({ metrics: { source, binding } });
  const { port } = server.metricsAddress ?? { port: 0 };
  expect(bodyOf(await exchange(port, request('GET /metrics', H2C)))).toBe('dash_up 1\n');
  expect(parseAnswer(await exchange(port, request('GET /v1/ws', WEBSOCKET))).status).toBe(404);
});

describe('clients that offer HTTP/2', () => {
  it('curl --http2', async () => {
    const { url } = await startEcho();
    const curl = async (...options: readonly string[]) =>
      (await run('curl', ['--silent', '--show-error', '--http2', '--max-time', '20', ...options])).stdout;
    expect(await curl('--head', `${url}/healthz`)).toMatch(/^HTTP\/1\.1 200/);
    expect(await curl('--write-out', ' %{http_code}', `${url}/healthz`, `${url}/healthz`)).toMatch(
      / 200.* 200$/s,
    );
    const json = ['--header', 'content-type: application/json', '--data', BODY];
    expect(await curl(...json, `${url}/echo`)).toBe(ECHOED);
  });

  it('the client of Java, as it is by default', { timeout: 60_000 }, async () => {
    const { url } = await startEcho();
    const program = fileURLToPath(new URL('OfferHttp2.java', import.meta.url));
    const { stdout } = await run('java', [program, url]);
    expect(stdout.trim().split('\n')).toEqual([
      'GET 200 {"status":"ok"}',
      'HEAD 200 ',
      'POST 200 {"body":{"question":"why"}}',
      'GET 200 {"status":"ok"}',
    ]);
  });
});
