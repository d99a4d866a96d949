import { getEventListeners } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Transport } from '../../src/client/index.ts';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { connectTo, QUESTION, until } from './test-client.ts';

let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay();
});
afterEach(() => until(() => relay.simulator.stats.open === 0)); // nothing goes on being billed
afterAll(() => relay.close());

describe.each(['websocket', 'sse', 'json'] as const)('over %s', (transport: Transport) => {
  it('stops before the first token', async () => {
    relay.simulator.script('silent');
    const { client } = connectTo(relay, { transports: [transport] });
    const stream = client.stream(QUESTION);
    await until(() => relay.simulator.stats.open === 1);
    const receipt = await stream.cancel();
    expect(receipt).toMatchObject({ outcome: 'cancelled', content: '', stopReason: null, model: null });
    expect(receipt.timing.upstreamClosedMs).toBeGreaterThanOrEqual(0);
    expect(receipt).toBe(await stream.final);
    expect(stream.phase).toBe('cancelled');
  });

  it('stops in the middle and keeps the text', async () => {
    relay.simulator.script('stall');
    const { requests } = relay.simulator;
    const before = requests.length;
    const { client } = connectTo(relay, { transports: [transport] });
    const stream = client.stream(QUESTION);
    await until(() => requests.length > before && requests.at(-1)?.status === 200);
    if (transport !== 'json') await until(() => stream.content !== '');
    else await new Promise((resolve) => setTimeout(resolve, 30));
    const receipt = await stream.cancel();
    expect(receipt.outcome).toBe('cancelled');
    expect(receipt.content).toBe(stream.content);
    expect(receipt.content.length).toBeGreaterThan(0);
    expect(receipt.timing.bytes).toBe(Buffer.byteLength(receipt.content));
    expect(receipt.usage.outputTokens).toBeGreaterThan(0);
  });
});

it('stops at once what was not sent yet, and asks nobody', async () => {
  const { client, sockets } = connectTo(relay, { getToken: () => new Promise(() => {}) });
  const stream = client.stream(QUESTION);
  expect(await stream.cancel()).toMatchObject({
    outcome: 'cancelled',
    usage: { source: 'none', inputTokens: 0 },
  });
  expect(sockets).toHaveLength(0);
});

it('stops while it is reconnecting, and learns the receipt when it is back', async () => {
  relay.simulator.script('stall');
  let down = false;
  await using proxy = await startFaultProxy(relay.url, () =>
    down ? { fault: { afterBytes: 0, kind: 'reset' } } : {},
  );
  const { client } = connectTo({ url: proxy.url, token: relay.token });
  const stream = client.stream(QUESTION);
  await until(() => stream.content !== '');
  down = true;
  for (const link of proxy.links) link.reset();
  await until(() => stream.phase === 'reconnecting');
  const receipt = stream.cancel();
  expect(stream.phase).toBe('stopping');
  down = false;
  expect(await receipt).toMatchObject({ outcome: 'cancelled', content: stream.content });
});

it('stops when the signal aborts, also one that was aborted before', async () => {
  relay.simulator.script('stall');
  const { client } = connectTo(relay);
  const abort = new AbortController();
  const stream = client.stream(QUESTION, { signal: abort.signal });
  await until(() => stream.content !== '');
  abort.abort();
  expect((await stream.final).outcome).toBe('cancelled');
  const late = client.stream(QUESTION, { signal: abort.signal });
  expect(late.phase).toBe('cancelled');
  expect((await late.final).usage.source).toBe('none');
});

it('lets go of the signal when the stream has ended', async () => {
  const { client } = connectTo(relay);
  const { signal } = new AbortController();
  const stream = client.stream(QUESTION, { signal });
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  await stream.final;
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

it('stops when a loop over the text is left early', async () => {
  relay.simulator.script('stall');
  const { client } = connectTo(relay);
  const stream = client.stream(QUESTION);
  for await (const text of stream) {
    expect(text).not.toBe('');
    break;
  }
  expect(stream.phase).toBe('stopping');
  expect((await stream.final).outcome).toBe('cancelled');
});

it('gives the same receipt however often it is asked, and the answer where that was faster', async () => {
  const { client } = connectTo(relay);
  const stream = client.stream(QUESTION);
  const answer = await stream.final;
  expect(await stream.cancel()).toBe(answer);
  expect(answer.outcome).toBe('done');
});
