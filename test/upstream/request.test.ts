import { afterEach, describe, expect, test } from 'vitest';
import type { Upstream } from '../../src/upstream/port.ts';
import { SSE_HEADERS, wholeMessage } from './message-script.ts';
import { type ModelServer, startModelServer, type Wire } from './model-server.ts';
import { openCall, upstreamTo } from './recorded-call.ts';

let server: ModelServer;
let upstream: Upstream;
afterEach(async () => {
  await upstream.close();
  await server.close();
});

describe.each<Wire>(['http', 'https', 'h2'])('a request over %s', (wire) => {
  test('carries the messages, the user hash and the key, and asks for an uncompressed stream', async () => {
    server = await startModelServer(wire, (response) => {
      response.writeHead(200, SSE_HEADERS);
      response.end(wholeMessage('Hi', ' there'));
    });
    upstream = upstreamTo(server);
    const recorded = openCall(upstream, { messages: [{ role: 'user', content: 'half \ud83d pair' }] });
    expect(upstream.openRequests).toBe(1);

    expect(await recorded.call.ended).toEqual({
      kind: 'done',
      stopReason: 'end_turn',
      refusal: null,
      model: 'model-named',
      requestId: 'req_1',
    });
    expect(recorded.deltas).toEqual(['Hi', ' there']);
    expect(recorded.began).toBe(1);
    expect(upstream.openRequests).toBe(0);
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({
      model: 'model-under-test',
      max_tokens: 256,
      stream: true,
      system: 'Be brief.',
      messages: [{ role: 'user', content: 'half \ufffd pair' }],
      metadata: { user_id: 'user-hash' },
    });
    const headers = server.requests[0]?.headers ?? {};
    expect(JSON.stringify(headers)).toContain('test-key');
    expect(headers['accept-encoding']).toBe('identity');
    expect(headers['content-type']).toBe('application/json');
  });
});

test('an empty system prompt is left out, and blocks are passed on', async () => {
  server = await startModelServer('http', (response) => {
    response.writeHead(200, SSE_HEADERS);
    response.end(wholeMessage('x'));
  });
  upstream = upstreamTo(server);
  const image = {
    type: 'image',
    source: { type: 'base64', media_type: 'image/png', data: 'iVBO' },
  } as const;
  const content = [{ type: 'text', text: 'What is this?' } as const, image];
  await openCall(upstream, { system: '', messages: [{ role: 'user', content }] }).call.ended;
  const body = JSON.parse(server.requests[0]?.body ?? '');
  expect(body).not.toHaveProperty('system');
  expect(body.messages).toEqual([{ role: 'user', content }]);
});

test('a path in the base URL is kept', async () => {
  const paths: (string | undefined)[] = [];
  server = await startModelServer('http', (response, _, request) => {
    paths.push(request.url);
    response.writeHead(200, SSE_HEADERS);
    response.end(wholeMessage('x'));
  });
  upstream = upstreamTo({ baseURL: `${server.baseURL}/proxy` });
  expect(await openCall(upstream).call.ended).toMatchObject({ kind: 'done' });
  expect(paths).toEqual(['/proxy/v1/messages']);
});

test('a key that cannot be a header fails the call and nothing else', async () => {
  server = await startModelServer('h2', (response) => {
    response.writeHead(200, SSE_HEADERS);
    response.end(wholeMessage('x'));
  });
  upstream = upstreamTo(server, { apiKey: 'line\nfeed' });
  expect(await openCall(upstream).call.ended).toMatchObject({ kind: 'failed' });
  expect(upstream.openRequests).toBe(0);
  expect(server.requests).toHaveLength(0);
});
