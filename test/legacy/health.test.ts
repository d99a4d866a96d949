/** `{"action":"health"}`, which needs no token, and what else a small body without one may not have. */
import { describe, expect, it } from 'vitest';
import { exchange, openRaw, parseAnswer } from '../http/raw-client.ts';
import { startServer } from '../http/start-server.ts';

const PATHS = ['/functions/v1/ai-gateway', '/functions/v1/ai-proxy'];

const post = (path: string, body: string, headers: readonly string[] = []): string =>
  [
    `POST ${path} HTTP/1.1`,
    'Host: relay.example',
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
    '',
    body,
  ].join('\r\n');

const HEALTH = '{"action":"health"}';
const parsed = (text: string) => ({
  status: parseAnswer(text).status,
  body: JSON.parse(text.slice(text.indexOf('\r\n\r\n'))) as Record<string, unknown>,
});

describe.each(PATHS)('%s', (path) => {
  it.each([
    ['no token', []],
    ['an API key in its place', ['Authorization: Bearer sb_publishable_of_a_test']],
    ['a token that is over', ['Authorization: Bearer mallory']],
    ['a good one', ['Authorization: Bearer alice']],
  ])('says that it is well to %s', async (_what, headers) => {
    const { port, observer } = await startServer();
    const { status, body } = parsed(await exchange(port, post(path, HEALTH, headers)));
    expect([status, body]).toEqual([200, { status: 'ok', timestamp: expect.any(String), hasApiKey: true }]);
    expect(observer.refusals).toEqual([]);
  });

  it('says so where it is not', async () => {
    const { port, health } = await startServer();
    health.state = 'draining';
    expect(parsed(await exchange(port, post(path, HEALTH)))).toMatchObject({
      status: 503,
      body: { status: 'draining' },
    });
  });

  it.each([
    ['another action', '{"action":"chat","prompt":"hi"}'],
    ['what is malformed', '{"action":7}'],
    ['what is no object', '[]'],
    ['what is no JSON', '{"action"'],
    ['what is not served', '{"action":"embeddings"}'],
  ])('says 401 alone to %s without a token', async (_what, body) => {
    const { port, observer } = await startServer();
    const answer = parsed(await exchange(port, post(path, body)));
    expect(answer).toMatchObject({ status: 401, body: { error: 'unauthorized' } });
    expect(observer.refusals).toMatchObject([{ code: 'unauthorized', userId: null }]);
  });

  it('reads no larger body without a token, nor one that does not say its length', async () => {
    const { port, server } = await startServer();
    for (const headers of ['Content-Length: 257', 'Transfer-Encoding: chunked']) {
      const client = await openRaw(port);
      client.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${headers}\r\n\r\n`);
      while (!client.text.includes('"unauthorized"')) await new Promise(setImmediate);
      expect(server.bodyBytes).toBe(0);
    }
  });

  it('counts who asks without a token, as everywhere', async () => {
    const { port, observer } = await startServer({ limits: { unprovenPerSecondPerAddress: 3 } });
    const statuses: (number | undefined)[] = [];
    for (let asked = 0; asked < 5; asked += 1)
      statuses.push(parsed(await exchange(port, post(path, HEALTH))).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    expect(observer.refusals.at(-1)).toMatchObject({ code: 'rate_limited', cause: 'unproven_of_address' });
  });
});
