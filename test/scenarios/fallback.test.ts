/** An action whose model is overloaded is answered by its fallback: what the client, the row, the log and the metrics say. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ask } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { startRelay, upstreamAt } from '../support/relay-process.ts';
import { messageEnd, SSE_HEADERS, sse, textDelta } from '../upstream/message-script.ts';
import { startModelServer } from '../upstream/model-server.ts';

const FIRST = 'claude-opus-5-5';
const FALLBACK = 'claude-haiku-5-5';

function actionsFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'actions-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'actions.json');
  const limits = { defaultMaxTokens: 100, maxTokens: 200 };
  writeFileSync(
    file,
    JSON.stringify({ chat: { system: '', models: [FIRST], fallback: FALLBACK, ...limits } }),
  );
  return file;
}

/** Where the first model is overloaded; the fallback answers, or is overloaded too. */
async function startOverloaded({ fallbackToo = false } = {}) {
  const server = await startModelServer('http', (response, call, request) => {
    const { model } = JSON.parse(server.requests[call]?.body || '{}') as { readonly model?: string };
    if (request.method === 'GET') {
      response.writeHead(404);
      response.end('{}');
    } else if (model === FIRST || fallbackToo) {
      response.writeHead(529, { 'content-type': 'application/json', 'retry-after': '60' });
      response.end('{"type":"error","error":{"type":"overloaded_error"}}');
    } else {
      const usage = { input_tokens: 1_000_000, output_tokens: 1 };
      response.writeHead(200, SSE_HEADERS);
      response.end(
        sse({ type: 'message_start', message: { model, usage } }) + textDelta('Hi') + messageEnd(100),
      );
    }
  });
  const relay = await startRelay({
    ...upstreamAt(server.baseURL),
    ACTIONS_FILE: actionsFile(),
    SHOW_COST: 'true',
  });
  return {
    relay,
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

it('everybody is told which model was asked, and which answered', async () => {
  await using started = await startOverloaded();
  const { relay } = started;
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  const stream = client.start({});
  const ending = await client.ended(stream);
  // A prompt of a million tokens at 0.50, and 100 tokens of answer at 2.50 per million.
  expect(ending).toMatchObject({ type: 'done', model: FALLBACK, usage: { costUsd: 0.50025 } });
  expect(stream.model, 'accepted').toBe(FIRST);
  expect(await relay.usageRows()).toMatchObject([
    { model: FIRST, servedModel: FALLBACK, status: 'done', costUsd: 0.50025 },
  ]);
  expect(await relay.logged('upstream attempt failed')).toMatchObject([
    { level: 'warn', model: FIRST, status: 529, willRetry: false, fallback: FALLBACK },
  ]);
  expect(await relay.logged('stream ended')).toMatchObject([{ model: FIRST, servedModel: FALLBACK }]);
  const { body: metrics } = await ask(`${relay.url}/metrics`);
  expect(metrics).toContain('dash_fallbacks_total{reason="upstream_overloaded"} 1');
});

it('where both are overloaded the client learns that, once', async () => {
  await using started = await startOverloaded({ fallbackToo: true });
  const { relay } = started;
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  expect(await client.ended(client.start({}))).toMatchObject({
    type: 'error',
    code: 'upstream_overloaded',
    retryable: true,
    retryAfterMs: 60_000,
  });
  expect(await relay.usageRows()).toMatchObject([{ model: FIRST, servedModel: null, status: 'error' }]);
});
