import { constants, type ServerHttp2Session } from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { AnthropicUpstreamOptions } from '../../src/upstream/anthropic.ts';
import type { Upstream } from '../../src/upstream/port.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { messageEnd, messageStart, SSE_HEADERS, textDelta, wholeMessage } from './message-script.ts';
import { type Answer, type ModelResponse, type ModelServer, startModelServer } from './model-server.ts';
import { openCall, upstreamTo } from './recorded-call.ts';

let server: ModelServer;
let upstream: Upstream;
afterEach(async () => {
  await upstream.close();
  await server.close();
});

/** Every answer says one word and then waits in `open` for its end. */
const open: ModelResponse[] = [];
const oneWord: Answer = (response) => {
  open.push(response);
  response.writeHead(200, SSE_HEADERS);
  response.write(messageStart() + textDelta('word'));
};

async function serve(
  answer: Answer,
  settings: Parameters<typeof startModelServer>[2] = {},
  options: Partial<AnthropicUpstreamOptions> = {},
) {
  open.length = 0;
  server = await startModelServer('h2', answer, settings);
  upstream = upstreamTo(server, { random: () => -0.6, ...options });
}

const finishAll = () => {
  for (const response of open) response.end(messageEnd());
};

async function openMany(count: number) {
  const calls = Array.from({ length: count }, () => openCall(upstream));
  // One that fails says nothing first: what is expected of the endings shows it.
  await Promise.all(calls.map(({ first, call }) => Promise.race([first, call.ended])));
  return calls;
}

const kinds = async (calls: readonly { call: { ended: Promise<{ kind: string }> } }[]) =>
  new Set((await Promise.all(calls.map(({ call }) => call.ended))).map(({ kind }) => kind));

describe('the pool of HTTP/2 connections', () => {
  test('puts a hundred streams on a connection, and opens as many connections as that takes', async () => {
    await serve(oneWord);
    const calls = await openMany(250);
    expect(server.sessions).toHaveLength(3);
    expect(upstream.openRequests).toBe(250);
    finishAll();
    expect(await kinds(calls)).toEqual(new Set(['done']));
    expect(upstream.openRequests).toBe(0);

    const again = await openMany(30);
    finishAll();
    await kinds(again);
    expect(server.sessions).toHaveLength(3);
  });

  test('never has more streams on a connection than the peer allows', async () => {
    const perSession = new Map<unknown, number>();
    let most = 0;
    await serve(
      (response, call, request) => {
        const session = 'stream' in request ? request.stream.session : undefined;
        const count = (perSession.get(session) ?? 0) + 1;
        perSession.set(session, count);
        most = Math.max(most, count);
        response.on('close', () => perSession.set(session, (perSession.get(session) ?? 1) - 1));
        oneWord(response, call, request);
      },
      { maxConcurrentStreams: 4 },
    );
    const calls = await openMany(18);
    expect(most).toBe(4);
    finishAll();
    expect(await kinds(calls)).toEqual(new Set(['done']));
  });

  test('after GOAWAY lets the streams finish and opens new ones elsewhere', async () => {
    await serve(oneWord);
    const before = await openMany(3);
    server.sessions[0]?.goaway(constants.NGHTTP2_NO_ERROR);
    // The answer of this connection to a ping comes behind its GOAWAY.
    await new Promise<void>((resolve) => (server.sessions[0] as ServerHttp2Session).ping(() => resolve()));
    const after = await openMany(2);
    expect(server.sessions).toHaveLength(2);
    finishAll();
    expect(await kinds([...before, ...after])).toEqual(new Set(['done']));
    await expect.poll(() => server.sockets.size).toBe(1);
  });

  test('GOAWAY with an error fails what was streaming as upstream_reset, and only that', async () => {
    await serve(oneWord);
    const [streaming] = await openMany(1);
    server.sessions[0]?.goaway(constants.NGHTTP2_INTERNAL_ERROR);
    expect(await streaming?.call.ended).toMatchObject({ kind: 'failed', error: { code: 'upstream_reset' } });
    const [next] = await openMany(1);
    finishAll();
    expect(await next?.call.ended).toMatchObject({ kind: 'done' });
  });

  test('places a refused stream anew, unseen', async () => {
    const failures: unknown[] = [];
    await serve(
      (response, call, request) => {
        if (call < 2 && 'stream' in request) request.stream.close(constants.NGHTTP2_REFUSED_STREAM);
        else {
          response.writeHead(200, SSE_HEADERS);
          response.end(wholeMessage('x'));
        }
      },
      {},
      { onAttemptFailed: (event) => failures.push(event) },
    );
    expect(await openCall(upstream).call.ended).toMatchObject({ kind: 'done' });
    expect(server.requests).toHaveLength(3);
    expect(failures).toEqual([]);
  });

  test('a stream that is always refused fails as upstream_reset', async () => {
    await serve((_response, _call, request) => {
      if ('stream' in request) request.stream.close(constants.NGHTTP2_REFUSED_STREAM);
    });
    expect(await openCall(upstream).call.ended).toMatchObject({ error: { code: 'upstream_reset' } });
    expect(server.requests.length).toBeLessThanOrEqual(8);
    expect(upstream.openRequests).toBe(0);
  });

  test.each([
    ['CANCEL', constants.NGHTTP2_CANCEL, 'upstream_reset'],
    ['INTERNAL_ERROR', constants.NGHTTP2_INTERNAL_ERROR, 'upstream_reset'],
  ])('a stream the peer resets with %s is upstream_reset', async (_, code, expected) => {
    await serve((response, call, request) => {
      oneWord(response, call, request);
      if ('stream' in request) setImmediate(() => request.stream.close(code));
    });
    expect(await openCall(upstream).call.ended).toMatchObject({ kind: 'failed', error: { code: expected } });
  });

  test('finds a dead connection by an unanswered ping', async () => {
    const clock = new ManualClock();
    await serve(oneWord);
    // Between the two stands a line that can go dead: nothing arrives, nothing is closed.
    const line = createServer((socket) => {
      const onward = connect(Number(new URL(server.baseURL).port), '127.0.0.1');
      socket.pipe(onward).pipe(socket);
      for (const end of [socket, onward]) end.on('error', () => {});
      ends.push(socket, onward);
    });
    const ends: Socket[] = [];
    await new Promise<void>((resolve) => line.listen(0, '127.0.0.1', resolve));
    const patient = upstreamTo(
      { baseURL: `https://127.0.0.1:${(line.address() as AddressInfo).port}` },
      { clock, timeouts: { connectMs: 5_000, idleMs: 600_000, totalMs: 900_000 } },
    );
    const recorded = openCall(patient);
    await recorded.first;
    for (const end of ends) end.unpipe();
    clock.advance(14_000);
    expect(patient.openRequests).toBe(1);
    clock.advance(14_000);
    expect(await recorded.call.ended).toMatchObject({
      error: { code: 'upstream_reset', cause: { code: 'ETIMEDOUT' } },
    });
    await expect.poll(() => clock.pending).toBe(0);
    await patient.close();
    for (const end of ends) end.destroy();
    line.close();
  });

  test('keeps a silent connection that answers pings', async () => {
    const clock = new ManualClock();
    await serve(oneWord, {}, { clock, timeouts: { connectMs: 5_000, idleMs: 600_000, totalMs: 900_000 } });
    const [recorded] = await openMany(1);
    for (let second = 0; second < 60; second += 1) {
      clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(upstream.openRequests).toBe(1);
    finishAll();
    expect(await recorded?.call.ended).toMatchObject({ kind: 'done' });
  });

  test('closes a connection that has been idle for two minutes, and leaves no timer', async () => {
    const clock = new ManualClock();
    await serve(oneWord, {}, { clock });
    const calls = await openMany(1);
    finishAll();
    await kinds(calls);
    expect(server.sockets.size).toBe(1);
    clock.advance(121_000);
    await expect.poll(() => server.sockets.size).toBe(0);
    await expect.poll(() => clock.pending).toBe(0);
  });

  test('closing the upstream fails what is open and cuts all connections', async () => {
    await serve(oneWord);
    const calls = await openMany(2);
    await upstream.close();
    expect(await kinds(calls)).toEqual(new Set(['failed']));
    await expect.poll(() => server.sockets.size).toBe(0);
    expect(await openCall(upstream).call.ended).toMatchObject({ kind: 'failed' });
  });
});

test('a server without HTTP/2 is found out once, and served over HTTP/1.1 from then on', async () => {
  open.length = 0;
  server = await startModelServer('https', oneWord);
  // A hundred handshakes take what they take, where others work beside them.
  upstream = upstreamTo(server, { timeouts: { connectMs: 60_000, idleMs: 60_000, totalMs: 60_000 } });
  const calls = await openMany(120);
  finishAll();
  expect(await kinds(calls)).toEqual(new Set(['done']));
  open.length = 0;
  const again = await openMany(5);
  expect(server.sockets.size, 'kept alive').toBeLessThanOrEqual(120);
  again[0]?.controller.abort();
  expect(await again[0]?.call.ended).toMatchObject({ kind: 'aborted' });
  await upstream.close();
  expect(await kinds(again.slice(1))).toEqual(new Set(['failed']));
  expect(await openCall(upstream).call.ended).toMatchObject({ kind: 'failed' });
});

test('a large prompt goes out whole, a hundred times at once', async () => {
  await serve(oneWord);
  const content = 'lorem ipsum '.repeat(20_000);
  const calls = Array.from({ length: 100 }, () =>
    openCall(upstream, { messages: [{ role: 'user', content }] }),
  );
  await Promise.all(calls.map(({ first }) => first));
  finishAll();
  expect(await kinds(calls)).toEqual(new Set(['done']));
  for (const { body } of server.requests) expect(JSON.parse(body).messages[0].content).toBe(content);
});
