import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Upstream } from '../../src/upstream/port.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { SSE_HEADERS, wholeMessage } from './message-script.ts';
import { type ModelServer, startModelServer } from './model-server.ts';
import { openCall, upstreamTo } from './recorded-call.ts';

let upstream: Upstream | undefined;
let server: ModelServer | undefined;
let raw: Server | undefined;
const sockets: Socket[] = [];
afterEach(async () => {
  await upstream?.close();
  await server?.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  raw?.close();
  upstream = server = raw = undefined;
});

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const listening = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    onConnection(socket);
  });
  raw = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return (listening.address() as AddressInfo).port;
}

async function unusedPort(): Promise<number> {
  const port = await listen(() => {});
  await new Promise((resolve) => raw?.close(resolve));
  return port;
}

describe.each(['http', 'https'])('over %s', (scheme) => {
  test('a refused connection is upstream_error with the reason for the operator', async () => {
    const tries: number[] = [];
    upstream = upstreamTo(
      { baseURL: `${scheme}://127.0.0.1:${await unusedPort()}` },
      { random: () => -0.6, onAttemptFailed: ({ attempt }) => tries.push(attempt) },
    );
    const ending = await openCall(upstream).call.ended;
    expect(tries).toEqual([1, 2]);
    expect(ending).toMatchObject({ error: { code: 'upstream_error', cause: { code: 'ECONNREFUSED' } } });
    expect(upstream.openRequests).toBe(0);
  });

  test('a name that does not resolve is upstream_error', async () => {
    upstream = upstreamTo({ baseURL: `${scheme}://nowhere.invalid` }, { random: () => -0.6 });
    expect(await openCall(upstream).call.ended).toMatchObject({ error: { code: 'upstream_error' } });
  });
});

test('a certificate nobody vouches for is upstream_error, and no request is sent', async () => {
  server = await startModelServer('h2', (response) => void response.end());
  upstream = upstreamTo(server, { random: () => -0.6, ca: undefined });
  const ending = await openCall(upstream).call.ended;
  expect(ending).toMatchObject({
    error: { code: 'upstream_error', cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } },
  });
  expect(server.requests).toHaveLength(0);
});

test('a peer that is no TLS server is upstream_error', async () => {
  const port = await listen((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  upstream = upstreamTo({ baseURL: `https://127.0.0.1:${port}` }, { random: () => -0.6 });
  expect(await openCall(upstream).call.ended).toMatchObject({ error: { code: 'upstream_error' } });
});

test('a connection that is never ready is upstream_timeout after the connect limit, tried once', async () => {
  const clock = new ManualClock();
  const port = await listen(() => {});
  upstream = upstreamTo({ baseURL: `https://127.0.0.1:${port}` }, { clock });
  const recorded = openCall(upstream);
  await expect.poll(() => sockets.length).toBe(1);
  clock.advance(5_000);
  expect(await recorded.call.ended).toMatchObject({ error: { code: 'upstream_timeout' } });
  expect(sockets).toHaveLength(1);
});

describe('the circuit breaker', () => {
  test('stops trying after five failures in a row, and tries again with one probe', async () => {
    const clock = new ManualClock();
    const target = await startModelServer('h2', (response) => {
      response.writeHead(200, SSE_HEADERS);
      response.end(wholeMessage('back'));
    });
    server = target;
    const serverPort = Number(new URL(target.baseURL).port);
    let down = true;
    // Stands between: cuts every connection while down, otherwise passes it on.
    const { connect } = await import('node:net');
    const port = await listen((socket) => {
      if (down) socket.destroy();
      else socket.pipe(connect(serverPort, '127.0.0.1')).pipe(socket);
    });
    const failures: boolean[] = [];
    upstream = upstreamTo(
      { baseURL: `https://127.0.0.1:${port}` },
      { clock, onAttemptFailed: ({ willRetry }) => failures.push(willRetry) },
    );
    const fails = async () => {
      const recorded = openCall(upstream as Upstream);
      const before = failures.length;
      await expect.poll(() => failures.length).toBe(before + 1);
      if (failures.at(-1)) clock.advance(800);
      return recorded.call.ended;
    };
    await fails();
    await fails();
    await fails();
    const tried = sockets.length;
    expect(tried).toBe(5);
    const suspended = await fails();
    expect(suspended).toMatchObject({ error: { code: 'upstream_error' } });
    expect(suspended.kind === 'failed' && suspended.error.retryAfterMs).toBeGreaterThan(0);
    expect(sockets).toHaveLength(tried);

    clock.advance(5_000);
    await fails();
    expect(sockets.length, 'the probe').toBe(tried + 1);
    await fails();
    expect(sockets).toHaveLength(tried + 1);

    down = false;
    clock.advance(5_000);
    expect(await openCall(upstream).call.ended).toMatchObject({ kind: 'done' });
    expect(await openCall(upstream).call.ended).toMatchObject({ kind: 'done' });
  });
});
