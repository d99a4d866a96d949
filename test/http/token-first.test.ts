/** What a door judges before it reads a body: with an application of its own, real sockets, and a clock by hand. */
import { describe, expect, it } from 'vitest';
import { principalOf as principalOfRequest } from '../../src/http/admission/request-guard.ts';
import {
  exchange,
  openHandshake,
  openRaw,
  parseAnswer,
  type RawClient,
  refusedHandshake,
  roundTrip,
} from './raw-client.ts';
import { startServer } from './start-server.ts';

const ALICES = 'Authorization: Bearer alice';
const BOBS = 'Authorization: Bearer bob';
const head = (line: string, headers: readonly string[] = []) =>
  [`${line} HTTP/1.1`, 'Host: relay.example', ...headers, '', ''].join('\r\n');
const postOf = (bytes: number, headers: readonly string[] = []) =>
  head('POST /asks', ['Content-Type: application/json', `Content-Length: ${bytes}`, ...headers]);

/** A route that takes JSON of a user, and one whose answer is never there. */
const startDoors = async (overrides: Parameters<typeof startServer>[0] = {}) => {
  const parsed: unknown[] = [];
  let reading = 0;
  const started = await startServer({
    maxFrameBytes: 1024,
    ...overrides,
    added(app) {
      app.post('/asks', { config: { access: 'token' } }, (request) => {
        parsed.push(request.body);
        return { userId: principalOfRequest(request).userId };
      });
      app.get('/reads', { config: { access: 'reader' } }, () => {
        reading += 1;
        return new Promise(() => {});
      });
    },
  });
  return { ...started, parsed, reading: () => reading };
};

/** The last of so many answers. */
async function answered(client: RawClient, count = 1) {
  while ((client.text.match(/HTTP\/1\.1 /g) ?? []).length < count) await new Promise(setImmediate);
  return parseAnswer(client.text.slice(client.text.lastIndexOf('HTTP/1.1 ')));
}

describe('a request with a body', () => {
  it.each([
    ['no token', [], 401, 'unauthorized'],
    ['a bad token', ['Authorization: Bearer mallory'], 401, 'unauthorized'],
    ['two tokens', [ALICES, BOBS], 400, 'bad_request'],
  ])('and %s is refused before a byte of the body is there', async (_what, headers, status, code) => {
    const { port, parsed } = await startDoors();
    const client = (await openRaw(port)).send(postOf(1024, headers));
    expect(await answered(client)).toMatchObject({ status, error: { code } });
    expect(parsed).toEqual([]);
  });

  it.each(['POST /nothing', 'POST /healthz', 'PUT /asks'])('and an unknown way (%s) too', async (line) => {
    const { port } = await startDoors();
    const client = await openRaw(port);
    client.send(head(line, ['Content-Type: application/json', 'Content-Length: 1000']));
    expect([404, 405]).toContain((await answered(client)).status);
  });

  it('is read behind a good one', async () => {
    const { port, parsed } = await startDoors();
    const client = (await openRaw(port)).send(postOf(7, [ALICES, 'Connection: close']));
    await roundTrip(port);
    expect(parseAnswer(await client.send('{"a":1}').untilClosed()).status).toBe(200);
    expect(parsed).toEqual([{ a: 1 }]);
  });
});

describe('bodies on their way', () => {
  const unfinished = async (port: number, count: number, headers: readonly string[]) => {
    const clients = await Promise.all(Array.from({ length: count }, () => openRaw(port)));
    for (const client of clients) client.send(`${postOf(1024, headers)}{"a":"`);
    await roundTrip(port);
    return clients;
  };

  it('of one user are eight of the largest; another user has room, and room comes back', async () => {
    const { port, server } = await startDoors();
    const clients = await unfinished(port, 8, [ALICES]);
    while (server.bodyBytes < 8 * 1024) await roundTrip(port);
    const refused = (await openRaw(port)).send(postOf(1024, [ALICES]));
    expect(await answered(refused)).toMatchObject({ status: 429, error: { code: 'rate_limited' } });
    const [bob] = await unfinished(port, 1, [BOBS]);
    while (server.bodyBytes < 9 * 1024) await roundTrip(port);
    expect(bob?.text).toBe('');
    for (const { socket } of clients) socket.destroy();
    while (server.bodyBytes > 1024) await roundTrip(port);
    bob?.socket.destroy();
    while (server.bodyBytes > 0) await roundTrip(port);
  });

  it.each(['POST /nothing', 'GET /nothing', 'GET /healthz', 'OPTIONS /asks'])(
    'take no room where nobody reads them (%s): who has no token keeps nobody out',
    async (line) => {
      const { port, server, parsed } = await startDoors({ limits: { unprovenPerSecondPerAddress: 10_000 } });
      const headers = ['Content-Type: application/json', 'Content-Length: 1024'];
      const clients = await Promise.all(Array.from({ length: 32 }, () => openRaw(port)));
      for (const client of clients) client.send(head(line, headers));
      for (const client of clients) expect((await answered(client)).status).not.toBe(429);
      expect(server.bodyBytes).toBe(0);
      const body = '{"a":1}';
      const alice = (await openRaw(port)).send(postOf(body.length, [ALICES]) + body);
      expect((await answered(alice)).status).toBe(200);
      expect(parsed).toEqual([{ a: 1 }]);
    },
  );

  it('have less room while memory is short', async () => {
    const started = await startDoors();
    started.health.state = 'overloaded';
    await unfinished(started.port, 8, [ALICES]);
    while (started.server.bodyBytes < 8 * 1024) await roundTrip(started.port);
    const refused = (await openRaw(started.port)).send(postOf(1024, [BOBS]));
    expect(await answered(refused)).toMatchObject({ status: 503, error: { code: 'unavailable' } });
    expect(started.observer.refusals.at(-1)).toMatchObject({ cause: 'memory' });
  });

  it('that were refused before they came give their room back when their caller hangs up', async () => {
    const { port, server } = await startDoors();
    const client = await openRaw(port);
    client.send(`${head('POST /asks', ['Content-Type: text/plain', 'Content-Length: 1024', ALICES])}Why`);
    await client.until('"unsupported"');
    expect(server.bodyBytes).toBe(1024);
    client.socket.destroy();
    while (server.bodyBytes > 0) await roundTrip(port);
  });

  it('that say nothing of their length count as the largest', async () => {
    const { port, server } = await startDoors();
    const client = await openRaw(port);
    client.send(head('POST /asks', ['Content-Type: application/json', 'Transfer-Encoding: chunked', ALICES]));
    while (server.bodyBytes === 0) await roundTrip(port);
    expect(server.bodyBytes).toBe(1024);
    client.send('7\r\n{"a":1}\r\n0\r\n\r\n');
    expect((await answered(client)).status).toBe(200);
    expect(server.bodyBytes).toBe(0);
  });
});

describe('readers', () => {
  it('at HTTP doors take the seats of their user, as sockets do, and give them back', async () => {
    const { port } = await startDoors({ limits: { connectionsPerUser: 2 } });
    const socket = await openHandshake(port);
    const reader = (await openRaw(port)).send(head('GET /reads', [ALICES]));
    await roundTrip(port);
    const refused = (await openRaw(port)).send(head('GET /reads', [ALICES]));
    expect(await answered(refused)).toMatchObject({ status: 429, error: { code: 'too_many_connections' } });
    expect((await refusedHandshake(port)).error).toMatchObject({ code: 'too_many_connections' });
    reader.socket.destroy();
    socket.socket.destroy();
    for (let round = 0; round < 3; round += 1) {
      const next = (await openRaw(port)).send(head('GET /reads', [ALICES]));
      await roundTrip(port);
      await roundTrip(port);
      expect(next.text).toBe('');
      next.socket.destroy();
      await roundTrip(port);
    }
  });

  it('that were sent ahead on one connection give their seats back with it', async () => {
    const { port } = await startDoors({ limits: { connectionsPerUser: 3 } });
    const client = (await openRaw(port)).send(head('GET /reads', [ALICES]).repeat(3));
    let full = false;
    while (!full) {
      const probe = await openRaw(port);
      full = (await exchangeStatus(probe, head('GET /v1/session', [ALICES, 'Connection: close']))) === 429;
    }
    client.socket.destroy();
    while (full) {
      const probe = await openRaw(port);
      full = (await exchangeStatus(probe, head('GET /v1/session', [ALICES, 'Connection: close']))) === 429;
    }
    expect(full).toBe(false);
  });
});

const exchangeStatus = async (client: RawClient, request: string) =>
  parseAnswer(await client.send(request).untilClosed()).status;

describe('requests without a good token', () => {
  const tokenless = head('GET /v1/session');

  it('are throttled by connection before their address is, and the connection closed', async () => {
    const { port, observer } = await startDoors({ limits: { unprovenPerSecondPerAddress: 100 } });
    const client = await openRaw(port);
    for (let count = 1; count <= 20; count += 1) await answered(client.send(tokenless), count);
    const statuses = (await client.send(tokenless).untilClosed()).match(/HTTP\/1\.1 \d+/g);
    expect(statuses).toEqual([...Array(20).fill('HTTP/1.1 401'), 'HTTP/1.1 429']);
    expect(observer.refusals.at(-1)).toMatchObject({ cause: 'unproven_of_connection' });
    expect(parseAnswer(await exchange(port, head('GET /v1/session', ['Connection: close']))).status).toBe(
      401,
    );
  });

  it('lock nobody out who has one: not at the socket, not at the other doors', async () => {
    const { port, clock, authenticator } = await startDoors({ limits: { unprovenPerSecondPerAddress: 10 } });
    const proven = await openRaw(port);
    await answered(proven.send(head('GET /v1/session', [ALICES])));
    for (let count = 0; count < 10; count += 1)
      await exchange(port, head('GET /v1/session', ['Connection: close']));
    const used = parseAnswer(await exchange(port, head('GET /v1/session', ['Connection: close'])));
    expect(used).toMatchObject({
      status: 429,
      error: { code: 'rate_limited' },
      headers: { 'retry-after': '1' },
    });
    expect((await refusedHandshake(port, { headers: { authorization: undefined } })).status).toBe(429);

    // A bad one is still told what it is, and costs no more than its check.
    expect((await refusedHandshake(port, { headers: { authorization: 'Bearer mallory' } })).status).toBe(401);
    expect((await openHandshake(port)).text).toMatch(/^HTTP\/1\.1 101/);
    const session = head('GET /v1/session', [BOBS, 'Connection: close']);
    expect(parseAnswer(await exchange(port, session)).status).toBe(200);
    const verify = authenticator.verify.bind(authenticator);
    let checks = 0;
    authenticator.verify = (token) => {
      checks += 1;
      return verify(token);
    };
    await exchange(port, head('GET /v1/session', ['Connection: close']));
    expect(checks).toBe(0);

    // Not the connection that has shown one either: its own bad ones are 401.
    expect((await answered(proven.send(tokenless), 2)).status).toBe(401);
    clock.advance(1000);
    expect(parseAnswer(await exchange(port, head('GET /v1/session', ['Connection: close']))).status).toBe(
      401,
    );
  });

  it('end what a connection was spared for a good one, if a bad one comes over it', async () => {
    const { port } = await startDoors({ limits: { unprovenPerSecondPerAddress: 5 } });
    const client = await openRaw(port);
    await answered(client.send(head('GET /v1/session', [ALICES])));
    for (let count = 0; count < 5; count += 1)
      await exchange(port, head('GET /v1/session', ['Connection: close']));
    expect((await answered(client.send(head('GET /nothing')), 2)).status).toBe(404);
    const bad = head('GET /v1/session', ['Authorization: Bearer mallory']);
    expect((await answered(client.send(bad), 3)).status).toBe(401);
    expect((await answered(client.send(head('GET /nothing')), 4)).status).toBe(429);
  });

  it('never keep a balancer from asking for health', async () => {
    const { port } = await startDoors({ limits: { unprovenPerSecondPerAddress: 2 } });
    const nothing = head('GET /nothing', ['Connection: close']);
    for (let count = 0; count < 4; count += 1) await exchange(port, nothing);
    expect(parseAnswer(await exchange(port, nothing)).status).toBe(429);
    expect(parseAnswer(await exchange(port, head('GET /healthz', ['Connection: close']))).status).toBe(200);
  });

  it('that come ahead of their answers end the connection, with its answers in order', async () => {
    const { port } = await startDoors();
    const statuses = (await exchange(port, tokenless.repeat(1600))).match(/HTTP\/1\.1 \d+/g);
    expect(statuses).toEqual([...Array(16).fill('HTTP/1.1 401'), 'HTTP/1.1 429']);
  });
});

describe('a user', () => {
  it('has so many requests a minute, whatever others do', async () => {
    const { port, clock } = await startDoors({ limits: { requestsPerMinutePerUser: 2 } });
    const ask = async (token: string) =>
      parseAnswer(await exchange(port, head('GET /v1/session', [token, 'Connection: close'])));
    expect([(await ask(ALICES)).status, (await ask(ALICES)).status]).toEqual([200, 200]);
    expect(await ask(ALICES)).toMatchObject({ status: 429, headers: { 'retry-after': '60' } });
    expect((await ask(BOBS)).status).toBe(200);
    clock.advance(60_000);
    expect((await ask(ALICES)).status).toBe(200);
  });

  it('does not use up the handshakes of an address', async () => {
    const { port } = await startServer({
      limits: { upgradesPerSecondPerAddress: 40, connectionsPerUser: 2 },
    });
    const statuses: number[] = [];
    for (let count = 0; count < 10; count += 1) {
      const { text, socket } = await openHandshake(port);
      statuses.push(parseAnswer(text).status);
      socket.destroy();
    }
    expect(statuses).toContain(429);
    expect((await openHandshake(port, { headers: { authorization: 'Bearer bob' } })).text).toMatch(/ 101 /);
  });

  it('who hung up while the token was checked starts nothing', async () => {
    const { port, authenticator, parsed } = await startDoors();
    const verify = authenticator.verify.bind(authenticator);
    const asked = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    authenticator.verify = async (token) => {
      asked.resolve();
      await released.promise;
      return verify(token);
    };
    const client = await openRaw(port);
    client.send(`${postOf(7, [ALICES])}{"a":1}`);
    await asked.promise;
    client.socket.destroy();
    await roundTrip(port);
    released.resolve();
    await exchange(port, `${postOf(7, [BOBS, 'Connection: close'])}{"b":2}`);
    expect(parsed).toEqual([{ b: 2 }]);
  });
});

describe('connections of an address', () => {
  it('that say nothing make room, the oldest first', async () => {
    const { port } = await startDoors({ limits: { connectionsPerAddress: 3 } });
    const silent = [await openRaw(port), await openRaw(port), await openRaw(port)];
    const [oldest] = silent;
    const newest = await openRaw(port);
    await oldest?.untilClosed();
    expect((await answered(newest.send(head('GET /healthz')))).status).toBe(200);
    expect(silent.slice(1).map(({ socket }) => socket.closed)).toEqual([false, false]);
  });

  it('stay while a request with a good token is answered', async () => {
    const { port, observer, reading } = await startDoors({ limits: { connectionsPerAddress: 2 } });
    const readers = [await openRaw(port), await openRaw(port)];
    for (const reader of readers) reader.send(head('GET /reads', [ALICES]));
    while (reading() < 2) await new Promise(setImmediate);
    const refused = parseAnswer(await (await openRaw(port)).untilClosed());
    expect(refused).toMatchObject({ status: 429, error: { code: 'too_many_connections' } });
    expect(observer.refusals.at(-1)).toMatchObject({ door: 'http', cause: 'connections_of_address' });
    expect(readers.map(({ socket }) => socket.closed)).toEqual([false, false]);
  });
});
