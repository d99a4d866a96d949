import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, open } from '../support/http-doors.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { LONG } from '../support/test-run.ts';

const EVIL = 'https://evil.example';
const FRIEND = 'https://app.example';
const QUESTION = { action: 'chat', messages: [{ role: 'user', content: 'Why?' }] };
const MAX_BODY = 4096;

let relay: SimulatedRelay;
let token: string;

beforeAll(async () => {
  const settings = { MAX_FRAME_BYTES: String(MAX_BODY), ALLOWED_ORIGINS: FRIEND };
  relay = await startSimulatedRelay({ pace: { firstTokenMs: 1, deltasPerSecond: 2000 } }, settings);
  token = await relay.token();
});

afterAll(() => relay[Symbol.asyncDispose]());

const post = (body: object | string, headers: Readonly<Record<string, string>> = {}) =>
  ask(`${relay.url}/v1/chat`, { method: 'POST', token, body, headers });

/** As it stands, without the tidying of a client. */
async function raw(request: string): Promise<string> {
  const { hostname, port } = new URL(relay.url);
  const socket = connect(Number(port), hostname);
  socket.end(`${request} HTTP/1.1\r\nHost: relay.example\r\nConnection: close\r\n\r\n`);
  return await text(socket);
}

describe('bodies', () => {
  it.each([
    ['78 of another type', 'text/plain', 415],
    ['78 of a form', 'application/x-www-form-urlencoded', 415],
    ['78 of no type', '', 415],
  ])('%s', async (_what, contentType, status) => {
    expect((await post(JSON.stringify(QUESTION), { 'content-type': contentType })).status).toBe(status);
  });

  it('78 compressed: 415', async () => {
    const body = gzipSync(JSON.stringify(QUESTION)).toString('latin1');
    expect((await post(body, { 'content-encoding': 'gzip' })).status).toBe(415);
  });

  it('79 one byte over the size: 413, of the size: read', async () => {
    const filled = (bytes: number) => {
      const content = 'x'.repeat(bytes - JSON.stringify(QUESTION).length + 'Why?'.length);
      return JSON.stringify({ ...QUESTION, messages: [{ role: 'user', content }] });
    };
    expect((await post(filled(MAX_BODY))).status).toBe(200);
    expect((await post(filled(MAX_BODY + 1))).status).toBe(413);
  });

  it('that are no JSON, or no object: 400, and never repeated', async () => {
    for (const body of ['', '{', 'null', '[]', '"words of a child"', '{"a":1}{"b":2}']) {
      const { status, body: answer } = await post(body);
      expect(status, body).toBe(400);
      expect(answer).not.toContain('child');
    }
  });

  if (LONG) {
    it('79 that come too slowly: 408', { timeout: 30_000 }, async () => {
      const { hostname, port } = new URL(relay.url);
      const socket = connect(Number(port), hostname);
      const head = `POST /v1/chat HTTP/1.1\r\nHost: relay.example\r\nAuthorization: Bearer ${token}\r\n`;
      socket.write(`${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`);
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 408 /);
    });
  }
});

describe('80 Last-Event-ID', () => {
  it.each([
    '',
    'x',
    '12',
    '.5',
    'epoch-of-a-run',
    'epoch-of-a-run.-1',
    'epoch-of-a-run.1.5',
    'epoch-of-a-run.1e3',
    'a b.1',
  ])('"%s" is malformed: 400, before the run is looked for', async (lastEventId) => {
    const url = `${relay.url}/v1/streams/no-such-run`;
    const { status } = await ask(url, { token, headers: { 'last-event-id': lastEventId } });
    expect(status).toBe(400);
  });
});

describe('81 origins, methods and paths', () => {
  it('the preflight of a foreign page is allowed nothing, that of a friend what it needs', async () => {
    const preflight = (origin: string) =>
      ask(`${relay.url}/v1/chat`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
        },
      });
    const allowed = (headers: object) =>
      Object.entries(headers).filter(([name]) => name.startsWith('access-control-allow'));
    expect(allowed((await preflight(EVIL)).headers)).toEqual([]);
    const friend = Object.fromEntries(allowed((await preflight(FRIEND)).headers));
    expect(friend).toMatchObject({ 'access-control-allow-origin': FRIEND });
    expect(String(friend['access-control-allow-headers']).toLowerCase()).toContain('authorization');
  });

  it('an event stream is readable for a friendly page alone', async () => {
    const headersFor = async (origin: string) => {
      const headers = { accept: 'text/event-stream', origin };
      const response = await open(`${relay.url}/v1/chat`, { method: 'POST', token, body: QUESTION, headers });
      response.resume();
      return response.headers;
    };
    expect((await headersFor(FRIEND))['access-control-allow-origin']).toBe(FRIEND);
    expect((await headersFor(EVIL))['access-control-allow-origin']).toBeUndefined();
  });

  it.each([
    ['TRACE /v1/chat', 405],
    ['PUT /v1/chat', 405],
    ['GET /v1/chat', 405],
    ['POST /v1/streams/x', 405],
    ['GET //v1/session', 404],
    ['GET /v1//session', 404],
    ['GET /%2e%2e/v1/session', 404],
    ['GET /v1/%2e%2e/%2e%2e/etc/passwd', 404],
    ['GET /v1/streams/..%2f..%2fetc', 404],
    ['GET /V1/session', 404],
    ['GET /v1/session/', 404],
  ])('%s: %i', async (request, status) => {
    const authorized = `${request} HTTP/1.1\r\nAuthorization: Bearer ${token}\r\nX-Rest: `;
    expect(await raw(authorized)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
});

describe('tokens at the HTTP doors', () => {
  it.each(['/v1/session', '/v1/config', '/v1/streams/x'])('%s without one: 401', async (path) => {
    const { status, headers } = await ask(relay.url + path);
    expect({ status, challenge: headers['www-authenticate'] }).toEqual({ status: 401, challenge: 'Bearer' });
  });

  it('one in the query is not looked at', async () => {
    expect((await ask(`${relay.url}/v1/session?token=${token}&access_token=${token}`)).status).toBe(401);
  });
});

it('the events of one response hold one run: accepted, deltas, the ending, the end', async () => {
  const body = { id: 'one-run-of-one-response', ...QUESTION };
  const headers = { accept: 'text/event-stream' };
  const response = await open(`${relay.url}/v1/chat`, { method: 'POST', token, body, headers });
  expect(response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  const events = (await text(response)).split('\n\n').map((event) => event.split('\n')[0]);
  expect(events.at(0)).toBe('event: accepted');
  expect(events.slice(1, -2).every((event) => event === 'event: chunk')).toBe(true);
  expect(events.slice(-2)).toEqual(['event: done', '']);
});
