import { describe, expect, it, onTestFinished } from 'vitest';
import type { Transport } from '../../src/client/index.ts';
import { startTestRelay, type TestRelayOptions } from '../../src/testing/index.ts';
import { startBlockingProxy } from './blocking-proxy.ts';
import { connectTo, piecesOf, QUESTION, until } from './test-client.ts';

const PACE = { firstTokenMs: 5, deltasPerSecond: 300 };

async function relayBehindProxy(options: TestRelayOptions = {}) {
  const relay = await startTestRelay({ pace: PACE, ...options });
  onTestFinished(() => relay.close());
  const proxy = await startBlockingProxy(relay.url);
  return { relay, proxy, connection: connectTo({ url: proxy.url, token: relay.token }) };
}

describe('a network that refuses', () => {
  it.each([
    [['websocket'], 'sse'],
    [['websocket', 'sse'], 'json'],
  ] as const)('%j gets the answer by %s in the same call', async (blocked, transport) => {
    const { relay, proxy, connection } = await relayBehindProxy();
    for (const each of blocked) proxy.blocked.add(each);
    const stream = connection.client.stream(QUESTION);
    const pieces = await piecesOf(stream);
    const answer = await stream.final;
    expect(answer).toMatchObject({ outcome: 'done', transport, content: pieces.join('') });
    expect(Buffer.byteLength(answer.content)).toBe(answer.timing.bytes);
    expect(relay.simulator.requests).toHaveLength(1);
    expect(connection.metrics[0]?.transport).toBe(transport);
  });

  it.each([
    [['websocket'], 'sse'],
    [['websocket', 'sse'], 'json'],
  ] as const)('%j midway: the rest comes by %s, nothing twice', async (blocked, transport) => {
    const { relay, proxy, connection } = await relayBehindProxy();
    const stream = connection.client.stream(QUESTION);
    const reading = piecesOf(stream);
    await until(() => stream.content.length > 30);
    for (const each of blocked) proxy.blocked.add(each);
    proxy.cut();
    const answer = await stream.final;
    expect(answer).toMatchObject({ outcome: 'done', content: (await reading).join('') });
    expect(Buffer.byteLength(answer.content)).toBe(answer.timing.bytes);
    expect(relay.simulator.requests).toHaveLength(1);
    expect(answer.transport).toBe(transport);
  });

  it('is not tried again for each stream', async () => {
    const { proxy, connection } = await relayBehindProxy();
    proxy.blocked.add('websocket');
    await connection.client.stream(QUESTION).final;
    const tried = connection.sockets.length;
    expect((await connection.client.stream(QUESTION).final).transport).toBe('sse');
    expect(connection.sockets).toHaveLength(tried);
  });
});

describe('the operator’s word', () => {
  it.each([
    [{ STREAMING_ENABLED: 'false' }, 'json'],
    [{ WEBSOCKET_ROLLOUT_PERCENT: '0' }, 'sse'],
    [{}, 'websocket'],
  ] as const)('%j: %s', async (environment, transport: Transport) => {
    const { connection } = await relayBehindProxy({ environment });
    const answer = await connection.client.stream(QUESTION).final;
    expect(answer.transport).toBe(transport);
    expect(connection.sockets).toHaveLength(transport === 'websocket' ? 1 : 0);
  });

  it('is asked again before the next connection when one was refused', async () => {
    const { connection, proxy } = await relayBehindProxy();
    proxy.blocked.add('websocket');
    await connection.client.stream(QUESTION).final;
    const asked = connection.requests.filter((each) => each.endsWith('/v1/config')).length;
    expect(asked).toBe(2);
  });
});

it('takes no other transport than it was given, but JSON', async () => {
  const relay = await startTestRelay();
  onTestFinished(() => relay.close());
  const { client, sockets } = connectTo(relay, { transports: ['sse'] });
  expect((await client.stream(QUESTION).final).transport).toBe('sse');
  expect(sockets).toHaveLength(0);
});

it('reads event streams whole where fetch has no streaming body', async () => {
  const relay = await startTestRelay();
  onTestFinished(() => relay.close());
  const { client } = connectTo(relay, {
    transports: ['sse'],
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      const { ok, status, headers } = response;
      return { ok, status, headers, text: () => response.text(), json: () => response.json() };
    },
  });
  expect((await client.stream(QUESTION).final).outcome).toBe('done');
});
