/** What is not served here and passed on to the old function: whole relays, a real function on loopback. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../../src/config/environment.ts';
import { PassOn } from '../../src/http/legacy/pass-on.ts';
import { startServer } from '../http/start-server.ts';
import { ask, open, textOf } from '../support/http-doors.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startRelay, type TestRelay } from '../support/relay-process.ts';
import { startOldFunctions } from './old-function.ts';

const GATEWAY = '/functions/v1/ai-gateway';
const IMAGE = { action: 'generate_image', prompt: 'canary-owl' };
const OF_SUPABASE = {
  apikey: 'sb_publishable_of_a_test',
  'x-client-info': 'supabase-js-web/2.119.1',
  'x-supabase-api-version': '2024-01-01',
};

/** An old function that answers with these bytes, which no server of Node's would write. */
async function startSaying(answer: string) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/functions/v1`,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

async function relayTo(url: string): Promise<Awaited<ReturnType<typeof startRelay>>> {
  return await startRelay({ LEGACY_FUNCTIONS_URL: url });
}

async function pass(relay: TestRelay, headers = {}, body: object = IMAGE) {
  return await ask(relay.url + GATEWAY, { method: 'POST', token: await relay.token(), body, headers });
}

describe('a body that only the old function serves', () => {
  it('arrives there as it was, with the token and the headers of supabase-js, and no others', async () => {
    await using old = await startOldFunctions(({ response }) => response.end('{"made":true}'));
    await using relay = await relayTo(old.url);
    const answer = await pass(relay, { ...OF_SUPABASE, cookie: 'a=b', 'x-forwarded-for': '9.9.9.9' });
    expect([answer.status, answer.body]).toEqual([200, '{"made":true}']);
    const [asked] = old.asked;
    expect(asked?.url).toBe('/functions/v1/ai-gateway');
    expect(JSON.parse(asked?.body ?? '')).toEqual(IMAGE);
    const { host, connection, authorization, ...others } = asked?.headers ?? {};
    expect(authorization).toMatch(/^Bearer ey/);
    expect(others).toEqual({
      ...OF_SUPABASE,
      'content-type': 'application/json',
      'content-length': String(JSON.stringify(IMAGE).length),
      'accept-encoding': 'identity',
      via: '1.1 dash-relay',
    });
  });

  it.each([
    ['ai-gateway', { action: 'no_such_action', prompt: 'x' }],
    ['ai-gateway', { action: 'chat', messages: [{ role: 'user', content: 'x' }], tools: [{ name: 'a' }] }],
    ['ai-proxy', { service_type: 'image_generation', payload: { prompt: 'x' } }],
    ['ai-proxy', { service_type: 'chat_message', payload: { prompt: 'x', ocr_mode: true } }],
  ])('goes to the function that was asked: %s %j', async (name, body) => {
    await using old = await startOldFunctions(({ response }) => response.end('{}'));
    await using relay = await relayTo(old.url);
    const url = `${relay.url}/functions/v1/${name}`;
    expect((await ask(url, { method: 'POST', token: await relay.token(), body })).status).toBe(200);
    expect(old.asked.map(({ url: path }) => path)).toEqual([`/functions/v1/${name}`]);
  });

  it('is answered with the errors of the old function as they are', async () => {
    await using old = await startOldFunctions(({ response }) => {
      response.writeHead(402, {
        'content-type': 'application/problem+json',
        'retry-after': '7',
        'set-cookie': 'a=b',
        'access-control-allow-origin': '*',
        'x-powered-by': 'deno',
        'keep-alive': 'timeout=1',
      });
      response.end('{"error":"no_credit"}');
    });
    await using relay = await relayTo(old.url);
    const { status, body, headers } = await pass(relay);
    expect([status, body]).toEqual([402, '{"error":"no_credit"}']);
    expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '7' });
    for (const name of ['set-cookie', 'access-control-allow-origin', 'x-powered-by', 'keep-alive'])
      expect(headers[name]).toBeUndefined();
  });

  it.each(['caf\u00e9.png', '\u{1f989}.png'])(
    'is answered without a header beyond ASCII, and with the others: %s',
    async (file) => {
      await using old = await startSaying(
        `HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 2\r\nContent-Disposition: attachment; filename="${file}"\r\n\r\n{}`,
      );
      await using relay = await relayTo(old.url);
      const { status, body, headers } = await pass(relay);
      expect([status, body, headers['content-type']]).toEqual([200, '{}', 'image/png']);
      expect(headers['content-disposition']).toBeUndefined();
    },
  );

  it('comes back piece by piece, and not when all of it is there', async () => {
    await using old = await startOldFunctions();
    await using relay = await relayTo(old.url);
    const answering = open(relay.url + GATEWAY, { method: 'POST', token: await relay.token(), body: IMAGE });
    const { response: there } = await old.first();
    there.writeHead(200, { 'content-type': 'text/event-stream' });
    there.write('data: one\n\n');
    const response = await answering;
    const [first] = (await once(response, 'data')) as [Buffer];
    expect(first.toString()).toBe('data: one\n\n');
    const rest = textOf(response);
    there.end('data: [DONE]\n\n');
    expect(await rest).toBe('data: [DONE]\n\n');
  });

  it('is given up there when the caller goes', async () => {
    await using old = await startOldFunctions();
    await using relay = await relayTo(old.url);
    const gone = new AbortController();
    const answering = fetch(relay.url + GATEWAY, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await relay.token()}` },
      body: JSON.stringify(IMAGE),
      signal: gone.signal,
    });
    const { response } = await old.first();
    const closed = once(response, 'close');
    gone.abort();
    await expect(answering).rejects.toThrow('abort');
    await closed;
    expect((await relay.logged('passed on'))[0]).toMatchObject({ outcome: 'caller_gone', status: null });
  });

  it('is cut where the old function breaks off', async () => {
    await using old = await startOldFunctions(({ response }) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('half');
      setImmediate(() => response.destroy());
    });
    await using relay = await relayTo(old.url);
    await expect(pass(relay)).rejects.toThrow();
    expect((await relay.logged('passed on'))[0]).toMatchObject({ outcome: 'failed', status: 200 });
  });

  it('has a line and a count, and no word of it', async () => {
    await using old = await startOldFunctions(({ response }) => response.end('{"answer":"canary-answer"}'));
    await using relay = await relayTo(old.url);
    const answer = await pass(relay, { apikey: 'canary-key' });
    const [line] = await relay.logged('passed on');
    expect(line).toMatchObject({
      level: 'info',
      door: 'ai_gateway',
      requestId: answer.headers['x-request-id'],
      name: 'ai-gateway',
      status: 200,
      outcome: 'answered',
      bytes: 26,
      ms: expect.any(Number),
    });
    const { body: metrics } = await ask(`${relay.url}/metrics`);
    expect(metrics).toContain('dash_passed_on_total{name="ai-gateway",outcome="answered",status="2xx"} 1');
    expect(relay.logText.join('') + metrics).not.toContain('canary');
    expect(await relay.usageRows()).toEqual([]);
  });
});

describe('nothing is passed on', () => {
  it.each([
    ['without a token', undefined, 401],
    ['with a bad one', 'mallory', 401],
  ])('%s', async (_what, token, status) => {
    await using old = await startOldFunctions(({ response }) => response.end('{}'));
    await using relay = await relayTo(old.url);
    const question = { method: 'POST', body: IMAGE, ...(token === undefined ? {} : { token }) };
    expect((await ask(relay.url + GATEWAY, question)).status).toBe(status);
    expect(old.asked).toEqual([]);
  });

  it('that is served here, or is malformed', async () => {
    await using old = await startOldFunctions(({ response }) => response.end('{}'));
    await using relay = await relayTo(old.url);
    const served = await pass(relay, {}, { action: 'chat', prompt: 'hello' });
    expect([served.status, JSON.parse(served.body)]).toMatchObject([200, { stop_reason: 'end_turn' }]);
    expect((await pass(relay, {}, { action: 'chat' })).status).toBe(400);
    expect(old.asked).toEqual([]);
  });

  it('in a circle', async () => {
    await using old = await startOldFunctions();
    await using relay = await relayTo(old.url);
    const answer = await pass(relay, { via: '1.1 proxy, 1.1 dash-relay' });
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([
      503,
      { error: 'unavailable', message: expect.stringContaining('leads back to a relay') },
    ]);
    expect(answer.headers['retry-after']).toBeUndefined();
    expect(old.asked).toEqual([]);
  });
});

describe('an old function that does not answer', () => {
  it('with a redirect is told of, and the redirect is not followed', async () => {
    await using old = await startOldFunctions(({ response }) => {
      response.writeHead(307, { location: '/elsewhere' });
      response.end();
    });
    await using relay = await relayTo(old.url);
    const answer = await pass(relay);
    expect([answer.status, answer.headers['location']]).toEqual([503, undefined]);
    expect(JSON.parse(answer.body)).toMatchObject({ message: expect.stringContaining('redirect') });
    expect(old.asked).toHaveLength(1);
  });

  it.each(['000', '099', '999'])('with an answer as HTTP has none: %s', async (status) => {
    await using old = await startSaying(`HTTP/1.1 ${status} Odd\r\nContent-Length: 2\r\n\r\n{}`);
    await using relay = await relayTo(old.url);
    const answer = await pass(relay);
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([503, { error: 'unavailable' }]);
  });

  it('as nobody is there', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    await using relay = await relayTo(`http://127.0.0.1:${port}`);
    const answer = await pass(relay);
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([503, { error: 'unavailable' }]);
    expect((await relay.logged('refused'))[0]).toMatchObject({
      code: 'unavailable',
      reason: 'passed_on_failed',
    });
  });
});

describe('the bounds', () => {
  async function startPassing(url: string) {
    const clock = new ManualClock();
    const told: Parameters<ConstructorParameters<typeof PassOn>[0]['observer']['passedOn']>[0][] = [];
    const passOn = new PassOn({ url, clock, observer: { passedOn: (event) => told.push(event) } });
    const server = await startServer({ routes: { passOn } });
    const request = () => ask(server.url + GATEWAY, { method: 'POST', token: 'alice', body: IMAGE });
    return { ...server, clock, told, request };
  }

  it('of time: silence for 150 s ends it', async () => {
    await using old = await startOldFunctions();
    const { clock, told, request } = await startPassing(old.url);
    const answering = request();
    await old.first();
    clock.advance(149_000);
    expect(told).toEqual([]);
    clock.advance(1_000);
    expect((await answering).status).toBe(503);
    expect(told).toMatchObject([{ outcome: 'late', status: null }]);
    expect(clock.pending).toBe(0);
  });

  it('of size: more than 32 MiB is cut', async () => {
    await using old = await startOldFunctions(({ response }) => {
      response.end(Buffer.alloc(33 * 1024 * 1024, 'x'));
    });
    const { told, request } = await startPassing(old.url);
    await expect(request()).rejects.toThrow();
    expect(told).toMatchObject([{ outcome: 'too_large', status: 200 }]);
  });

  it('of number: 64 at once, and room again when one is over', async () => {
    await using old = await startOldFunctions();
    const { request } = await startPassing(old.url);
    const waiting = Array.from({ length: 64 }, request);
    while (old.asked.length < 64) await new Promise(setImmediate);
    expect(JSON.parse((await request()).body)).toMatchObject({
      message: expect.stringContaining('too many'),
    });
    for (const { response } of old.asked) response.end('{}');
    await Promise.all(waiting);
    const next = request();
    while (old.asked.length < 65) await new Promise(setImmediate);
    old.asked[64]?.response.end('{}');
    expect((await next).status).toBe(200);
  });
});

describe('LEGACY_FUNCTIONS_URL', () => {
  it.each([
    ['http://functions.example.com/functions/v1', 'must be https'],
    ['https://a.supabase.co/functions/v1/ai-gateway', 'must end before'],
    ['https://user:pass@a.supabase.co/functions/v1', 'without credentials'],
    ['ftp://a.supabase.co', 'must be an http(s) URL'],
  ])('%s is refused at the start', (value, why) => {
    expect(() => readConfig({ LEGACY_FUNCTIONS_URL: value })).toThrow(ConfigError);
    expect(() => readConfig({ LEGACY_FUNCTIONS_URL: value })).toThrow(why);
  });

  it.each(['https://a.supabase.co/functions/v1', 'http://127.0.0.1:54321/functions/v1'])(
    '%s is taken',
    (value) => {
      expect(readConfig({ LEGACY_FUNCTIONS_URL: value }).LEGACY_FUNCTIONS_URL).toBe(value);
    },
  );
});
