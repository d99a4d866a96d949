/** The key of the model's API is replaced: by the next process, while the last one finishes its answers. */
import { expect, it } from 'vitest';
import { connectClient } from '../support/relay-client.ts';
import { type ComposedRelay, startRelay, upstreamAt } from '../support/relay-process.ts';
import {
  messageEnd,
  messageStart,
  SSE_HEADERS,
  textDelta,
  wholeMessage,
} from '../upstream/message-script.ts';
import { type ModelResponse, startModelServer } from '../upstream/model-server.ts';

const OLD = 'sk-ant-key-that-is-replaced';
const NEW = 'sk-ant-key-that-replaces-it';
const REFUSED = JSON.stringify({
  type: 'error',
  error: { type: 'authentication_error', message: 'invalid x-api-key' },
});

/** An API that takes some keys; the answer to the first question is held until it is finished. */
async function startApi() {
  const taken = new Set([OLD, NEW]);
  const held: ModelResponse[] = [];
  const server = await startModelServer('http', (response, _call, request) => {
    const [, key = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    if (!taken.has(key)) {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(REFUSED);
    } else if (request.method === 'GET') {
      response.writeHead(404);
      response.end();
    } else {
      response.writeHead(200, SSE_HEADERS);
      if (held.length > 0) return void response.end(wholeMessage('By the new key.'));
      held.push(response);
      response.write(messageStart() + textDelta('By the '));
    }
  });
  return {
    ...server,
    baseURL: server.baseURL,
    revoke: (key: string) => void taken.delete(key),
    finish: () => held[0]?.end(textDelta('old key.') + messageEnd()),
  };
}

const relayWith = (baseURL: string, key: string): Promise<ComposedRelay> =>
  startRelay({ ...upstreamAt(baseURL), ANTHROPIC_API_KEY: key });

it('answers under way end by the old key, also where it is revoked meanwhile; the next question goes by the new one', async () => {
  const api = await startApi();
  await using last = await relayWith(api.baseURL, OLD);
  await using client = await connectClient({ url: last.url, token: await last.token() });
  const stream = client.start();
  await client.until(() => stream.seq > 0 || undefined);

  await using next = await relayWith(api.baseURL, NEW);
  await using arrived = await connectClient({ url: next.url, token: await next.token() });
  const drained = last.drain();
  api.revoke(OLD);
  const question = arrived.start();
  expect(await arrived.ended(question)).toMatchObject({ type: 'done' });
  expect(question.text).toBe('By the new key.');
  api.finish();
  expect(await client.ended(stream)).toMatchObject({ type: 'done' });
  expect(stream.text).toBe('By the old key.');
  await drained;
  for (const { logText } of [last, next]) expect(logText.join('')).not.toMatch(/sk-ant-key/);
  await api.close();
});

it('a key that is revoked before there is another ends the next question with the reason, and no answer under way', async () => {
  const api = await startApi();
  await using relay = await relayWith(api.baseURL, OLD);
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  const stream = client.start();
  await client.until(() => stream.seq > 0 || undefined);
  api.revoke(OLD);
  expect(await client.ended(client.start())).toMatchObject({ type: 'error', code: 'upstream_account' });
  api.finish();
  expect(await client.ended(stream)).toMatchObject({ type: 'done' });
  await api.close();
});
