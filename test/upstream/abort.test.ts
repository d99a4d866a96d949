import { getEventListeners } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Upstream } from '../../src/upstream/port.ts';
import { messageStart, SSE_HEADERS, textDelta } from './message-script.ts';
import { type Answer, type ModelServer, startModelServer, type Wire } from './model-server.ts';
import { openCall, REQUEST, type RecordedCall, upstreamTo } from './recorded-call.ts';

let server: ModelServer;
let upstream: Upstream;
afterEach(async () => {
  await upstream.close();
  await server.close();
});

async function serve(wire: Wire, answer: Answer) {
  server = await startModelServer(wire, answer);
  upstream = upstreamTo(server);
}

async function abort(recorded: RecordedCall) {
  recorded.controller.abort();
  const ending = await recorded.call.ended;
  expect(upstream.openRequests).toBe(0);
  expect(getEventListeners(recorded.controller.signal, 'abort')).toHaveLength(0);
  return ending;
}

describe.each<Wire>(['http', 'https', 'h2'])('an abort over %s', (wire) => {
  test('before anything is sent makes no request', async () => {
    await serve(wire, () => {});
    expect(await abort(openCall(upstream))).toEqual({ kind: 'aborted', requestId: null });
    const aborted = new AbortController();
    aborted.abort();
    const call = upstream.open(
      REQUEST,
      { text() {}, event() {}, thinking() {}, tool() {}, began() {} },
      aborted.signal,
    );
    expect(await call.ended).toEqual({ kind: 'aborted', requestId: null });
    expect(server.requests).toHaveLength(0);
  });

  test('before the headers closes the request', async () => {
    await serve(wire, () => {});
    const recorded = openCall(upstream);
    await expect.poll(() => server.requests.length).toBe(1);
    expect(await abort(recorded)).toEqual({ kind: 'aborted', requestId: null });
    await server.idle();
  });

  test('within the body closes the request, and nothing more reaches the sink', async () => {
    await serve(wire, (response) => {
      response.writeHead(200, SSE_HEADERS);
      const flow = setInterval(() => response.write(textDelta('more')), 1);
      response.on('close', () => clearInterval(flow));
      response.write(messageStart());
    });
    const recorded = openCall(upstream);
    await recorded.first;
    expect(await abort(recorded)).toEqual({ kind: 'aborted', requestId: 'req_1' });
    const heard = recorded.deltas.length;
    await server.idle();
    expect(recorded.deltas).toHaveLength(heard);
    expect(recorded.call.usage()).toMatchObject({ inputTokens: 10, source: 'estimated' });
  });

  test('from within the sink stops what is already in hand', async () => {
    await serve(wire, (response) => {
      response.writeHead(200, SSE_HEADERS);
      response.write(messageStart() + textDelta('one') + textDelta('two'));
    });
    const controller = new AbortController();
    const texts: string[] = [];
    const sink = {
      text(json: string) {
        texts.push(json);
        controller.abort();
      },
      event() {},
      thinking() {},
      tool() {},
      began() {},
    };
    const call = upstream.open(REQUEST, sink, controller.signal);
    expect(await call.ended).toMatchObject({ kind: 'aborted' });
    expect(texts).toEqual(['one']);
    await server.idle();
  });
});

test('an abort of one call leaves the others on its connection alone', async () => {
  const responses: Parameters<Answer>[0][] = [];
  await serve('h2', (response) => {
    responses.push(response);
    response.writeHead(200, SSE_HEADERS);
    response.write(messageStart() + textDelta('x'));
  });
  const calls = Array.from({ length: 20 }, () => openCall(upstream));
  await Promise.all(calls.map(({ first }) => first));
  expect(server.sessions).toHaveLength(1);
  for (const recorded of calls.slice(0, 19)) recorded.controller.abort();
  await Promise.all(calls.slice(0, 19).map(({ call }) => call.ended));
  expect(upstream.openRequests).toBe(1);
  await expect.poll(() => server.open).toBe(1);
  const last = calls[19];
  last?.controller.abort();
  expect(await last?.call.ended).toMatchObject({ kind: 'aborted' });
  expect(server.sessions).toHaveLength(1);
});

test.each(['https', 'http'])('an abort while a %s connection is being made ends at once', async (scheme) => {
  const sockets: Socket[] = [];
  // Accepts, and never shakes hands.
  const mute = createServer((socket) => sockets.push(socket.on('error', () => {})));
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  server = await startModelServer('http', () => {});
  upstream = upstreamTo({ baseURL: `${scheme}://127.0.0.1:${(mute.address() as AddressInfo).port}` });
  const recorded = openCall(upstream);
  await expect.poll(() => sockets.length).toBe(1);
  expect(await abort(recorded)).toEqual({ kind: 'aborted', requestId: null });
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => mute.close(resolve));
});
