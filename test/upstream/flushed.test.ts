/** When all of a call's request has left: what is sent beside it waits for that, and takes nothing of its way. */
import http2, { type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/test-run.ts';
import { SSE_HEADERS, wholeMessage } from './message-script.ts';
import { startModelServer, TEST_CERTIFICATE, TEST_KEY, type Wire } from './model-server.ts';
import { openCall, upstreamTo } from './recorded-call.ts';

/** More than a stream of HTTP/2 may send before its peer reads. */
const LARGE = { messages: [{ role: 'user' as const, content: 'x'.repeat(200_000) }] };
const WINDOW_BYTES = 65_535;

/** Resolves to whether the promise has. */
async function hasResolved(promise: Promise<void>): Promise<boolean> {
  const not = Symbol('not');
  return (await Promise.race([promise, Promise.resolve(not)])) !== not;
}

test('over HTTP/2 that is not before the peer has taken the last of it', async () => {
  const streams: ServerHttp2Stream[] = [];
  const server = http2.createSecureServer({ key: TEST_KEY, cert: TEST_CERTIFICATE });
  server.on('stream', (stream: ServerHttp2Stream) => void streams.push(stream));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const upstream = upstreamTo({ baseURL: `https://127.0.0.1:${port}` });
  onTestFinished(async () => {
    await upstream.close();
    await new Promise((resolve) => server.close(resolve));
  });

  const { call } = openCall(upstream, LARGE);
  await eventually('the window is full', () => (streams[0]?.readableLength ?? 0) >= WINDOW_BYTES / 2);
  expect(await hasResolved(call.flushed)).toBe(false);
  streams[0]?.resume();
  await call.flushed;
  streams[0]?.respond({ ':status': 200, ...SSE_HEADERS });
  streams[0]?.end(wholeMessage('Hi'));
  expect(await call.ended).toMatchObject({ kind: 'done' });
});

test.each<Wire>(['http', 'h2'])(
  'over %s it is told before the answer, and also where none comes',
  async (wire) => {
    const server = await startModelServer(wire, () => {});
    const upstream = upstreamTo(server);
    onTestFinished(async () => {
      await upstream.close();
      await server.close();
    });
    const waiting = openCall(upstream, LARGE);
    await waiting.call.flushed;
    waiting.controller.abort();
    await waiting.call.ended;

    const aborted = openCall(upstream, LARGE);
    const order: string[] = [];
    void aborted.call.flushed.then(() => order.push('flushed'));
    void aborted.call.ended.then(() => order.push('ended'));
    aborted.controller.abort();
    await aborted.call.flushed;
    expect(order).toEqual(['ended', 'flushed']);
  },
);
