import Anthropic from '@anthropic-ai/sdk';
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest';
import type { Upstream } from '../../src/upstream/port.ts';
import { SSE_HEADERS, wholeMessage } from './message-script.ts';
import { type ModelServer, startModelServer } from './model-server.ts';
import { openCall, upstreamTo } from './recorded-call.ts';

let warn: MockInstance<typeof console.warn>;
let server: ModelServer;
let upstream: Upstream;

beforeEach(async () => {
  warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  server = await startModelServer('http', (response) => {
    response.writeHead(200, SSE_HEADERS);
    response.end(wholeMessage('Hi'));
  });
  upstream = upstreamTo(server);
});
afterEach(async () => {
  warn.mockRestore();
  await upstream.close();
  await server.close();
});

const thinking = { type: 'enabled', budget_tokens: 1024 } as const;

test.each([
  ['claude-sonnet-4-5', {}],
  ['claude-opus-4-6', { thinking }],
])('what the SDK has to say of %s stays out of the log', async (model, fields) => {
  const { call } = openCall(upstream, { model, thinking: fields });
  expect(await call.ended).toMatchObject({ kind: 'done' });
  expect(JSON.parse(server.requests[0]?.body ?? '')).toMatchObject({ model, stream: true });
  expect(warn).not.toHaveBeenCalled();

  const client = new Anthropic({ apiKey: 'key', baseURL: server.baseURL, logLevel: 'off' });
  const asked = { model, max_tokens: 2048, stream: true as const, messages: [], ...fields };
  const response = await client.messages.create(asked).asResponse();
  await response.body?.cancel();
  expect(warn).toHaveBeenCalledOnce();
});
