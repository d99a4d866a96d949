/** Requests share the headers that the SDK makes: what differs between two of them still does. */
import { expect, it } from 'vitest';
import { createSdkClient } from '../../src/upstream/sdk-client.ts';
import { sdkResponse, transportRequest } from '../../src/upstream/sdk-fetch.ts';
import type { TransportRequest } from '../../src/upstream/transport/transport.ts';

const client = createSdkClient({
  apiKey: 'key-of-a-test',
  baseURL: 'https://models.test/proxy',
  totalMs: 1000,
});

async function sent(body: object, headers: Record<string, string> = {}, path = '/v1/messages') {
  const requests: TransportRequest[] = [];
  const sender = {
    async fetch(url: string, init: RequestInit) {
      requests.push(transportRequest(url, init));
      return sdkResponse(url, 200, { 'content-type': 'text/event-stream' }, async () => '');
    },
  };
  const fetchOptions: object = { sender };
  await client.post(path, { body, headers, stream: true, fetchOptions }).asResponse();
  const [request] = requests;
  if (request === undefined || requests.length > 1) throw new Error('not one request');
  return request;
}

it('each has its own body, and the same headers as the first', async () => {
  const [first, second] = [await sent({ model: 'one' }), await sent({ model: 'two' })];
  expect([first.body, second.body]).toEqual(['{"model":"one"}', '{"model":"two"}']);
  expect(second.headers).toBe(first.headers);
  expect(first).toMatchObject({ method: 'POST', path: '/proxy/v1/messages' });
  expect(first.headers).toMatchObject({
    authorization: 'Bearer key-of-a-test',
    'content-type': 'application/json',
    'accept-encoding': 'identity',
  });
});

it('betas and paths are not taken for each other', async () => {
  const plain = await sent({});
  const beta = await sent({}, { 'anthropic-beta': 'a-2026-01-01' });
  const other = await sent({}, { 'anthropic-beta': 'a-2026-01-01,b-2026-01-01' });
  const counted = await sent({}, {}, '/v1/messages/count_tokens');
  expect(plain.headers['anthropic-beta']).toBeUndefined();
  expect(beta.headers['anthropic-beta']).toBe('a-2026-01-01');
  expect(other.headers['anthropic-beta']).toBe('a-2026-01-01,b-2026-01-01');
  expect(counted.path).toBe('/proxy/v1/messages/count_tokens');
});

it('a trace belongs to its own request alone', async () => {
  const one = await sent({}, { traceparent: '00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01' });
  const two = await sent({}, { traceparent: '00-cccccccccccccccccccccccccccccccc-dddddddddddddddd-01' });
  const none = await sent({});
  expect(one.headers['traceparent']).toContain('aaaa');
  expect(two.headers['traceparent']).toContain('cccc');
  expect(none.headers['traceparent']).toBeUndefined();
});
