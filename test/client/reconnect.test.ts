import { describe, expect, it, onTestFinished } from 'vitest';
import type { Transport } from '../../src/client/index.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startTestRelay } from '../../src/testing/index.ts';
import { type Fault, type LinkPlan, startFaultProxy } from '../support/fault-proxy.ts';
import { dataDirectory, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { connectTo, piecesOf, QUESTION, until } from './test-client.ts';

const PACE = { firstTokenMs: 5, deltasPerSecond: 400 };

async function relayWithPace(environment = {}) {
  const relay = await startTestRelay({ pace: PACE, environment });
  onTestFinished(() => relay.close());
  return relay;
}

describe.each([
  ['websocket', 'reset'],
  ['websocket', 'cut'],
  ['websocket', 'half-open'],
  ['sse', 'reset'],
  ['sse', 'cut'],
] as const)('%s, %s again and again', (transport: Transport, kind: Fault) => {
  it('brings the whole answer, nothing lost and nothing twice, for one call of the model', async () => {
    const relay = await relayWithPace();
    const expected = await connectTo(relay, { transports: ['json'] }).client.stream(QUESTION).final;
    const calls = relay.simulator.requests.length;
    let faults = 0;
    // Some connections are too short for a handshake, some for the configuration, some last for a part of the answer.
    const plan = (index: number): LinkPlan =>
      faults++ < 12 ? { fault: { afterBytes: 900 + ((index * 577) % 2300), kind } } : {};
    await using proxy = await startFaultProxy(relay.url, plan);
    const { client, metrics } = connectTo(
      { url: proxy.url, token: relay.token },
      { transports: [transport], connectMs: 500 },
    );
    relay.simulator.script({ deltas: expected.content.match(/[\s\S]{1,4}/g) ?? [] });
    const stream = client.stream(QUESTION);
    const pieces = piecesOf(stream);
    const answer = await stream.final;
    expect(answer.content).toBe(expected.content);
    expect((await pieces).join('')).toBe(expected.content);
    expect(proxy.faults).toBeGreaterThan(0);
    expect(relay.simulator.requests.length).toBe(calls + 1);
    expect(metrics).toHaveLength(1);
  });
});

it('resumes from where it stands and counts it', async () => {
  const relay = await relayWithPace();
  await using proxy = await startFaultProxy(relay.url);
  const { client, metrics, sockets } = connectTo({ url: proxy.url, token: relay.token });
  const stream = client.stream(QUESTION);
  await until(() => stream.content !== '');
  for (const link of proxy.links) link.reset();
  await until(() => stream.phase === 'reconnecting');
  await stream.final;
  expect(sockets).toHaveLength(2);
  expect(metrics[0]?.resumes).toBe(1);
});

it('takes several streams over to the new connection', async () => {
  const relay = await relayWithPace();
  await using proxy = await startFaultProxy(relay.url);
  const { client } = connectTo({ url: proxy.url, token: relay.token });
  const streams = Array.from({ length: 6 }, () => client.stream(QUESTION));
  await until(() => streams.every(({ content }) => content !== ''));
  for (const link of proxy.links) link.reset();
  const answers = await Promise.all(streams.map(({ final }) => final));
  expect(new Set(answers.map(({ content }) => content)).size).toBe(1);
  expect(relay.simulator.requests).toHaveLength(6);
});

it('starts again a stream whose acceptance was lost, and runs it once', async () => {
  const relay = await relayWithPace();
  // The handshake and the hello pass, the answer to the start does not.
  let upgraded = 0;
  await using proxy = await startFaultProxy(relay.url, (index) =>
    index > 0 && upgraded++ === 0 ? { fault: { afterBytes: 560, kind: 'reset' } } : {},
  );
  const { client } = connectTo({ url: proxy.url, token: relay.token });
  const answer = await client.stream(QUESTION).final;
  expect(answer.outcome).toBe('done');
  expect(relay.simulator.requests).toHaveLength(1);
});

it('gives up with `unreachable`, keeps the text and may be asked again', async () => {
  const relay = await relayWithPace();
  await using proxy = await startFaultProxy(relay.url, (index) =>
    index < 2 ? {} : { fault: { afterBytes: 0, kind: 'reset' } },
  );
  const { client } = connectTo(
    { url: proxy.url, token: relay.token },
    { reconnectMs: 3000, connectMs: 2000 },
  );
  relay.simulator.script('stall');
  const stream = client.stream(QUESTION);
  await until(() => stream.content !== '');
  for (const link of proxy.links) link.blackhole();
  for (const link of proxy.links) link.reset();
  relay.simulator.always('silent');
  await relay.close();
  await expect(stream.final).rejects.toMatchObject({
    code: 'unreachable',
    retryable: true,
    content: stream.content,
  });
});

it.each(['websocket', 'sse', 'json'] as const)(
  'ends as `interrupted` where the relay is killed midway, keeps the text and asks for no second answer, over %s',
  async (transport) => {
    const simulator = await startSimulator({ pace: PACE });
    onTestFinished(() => simulator.close());
    using data = dataDirectory();
    const first = await spawnRelay(data.path, upstreamAt(simulator.url));
    const token = await first.token();
    const address = { url: first.url, token: async () => token };
    const { client } = connectTo(address, { transports: [transport] });
    simulator.script('stall');
    // JSON alone shows nothing before its end: there it goes on with what another transport has shown.
    const starter = transport === 'json' ? connectTo(address).client : client;
    let stream = starter.stream(QUESTION);
    await until(() => stream.content !== '');
    if (transport === 'json') {
      const { id, epoch = '', after } = stream.detach();
      stream = client.attach(id, epoch, after, { content: stream.content });
    }
    const calls = simulator.requests.length;
    first.kill('SIGKILL');
    await first.exited;
    await using _second = await spawnRelay(data.path, {
      ...upstreamAt(simulator.url),
      PORT: new URL(first.url).port,
    });
    const error = await stream.final.catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'interrupted', retryable: true, content: stream.content });
    expect(stream.content).not.toBe('');
    expect(simulator.requests).toHaveLength(calls);
  },
);

describe('a page that is loaded again', () => {
  it('takes the stream up where the page before left', async () => {
    const relay = await relayWithPace();
    const before = connectTo(relay).client.stream(QUESTION);
    await until(() => before.content.length > 20);
    const { id, epoch = '', after } = before.detach();
    const held = before.content;
    await expect(before.final).rejects.toMatchObject({ code: 'detached', content: held });
    const { client } = connectTo(relay);
    const answer = await client.attach(id, epoch, after, { content: held }).final;
    expect(answer.content.startsWith(held)).toBe(true);
    expect(Buffer.byteLength(answer.content)).toBe(answer.timing.bytes);
    const again = client.attach(id, epoch, 0);
    expect((await again.final).content).toBe(answer.content);
    expect(relay.simulator.requests).toHaveLength(1);
  });

  it.each(['sse', 'json'] as const)('takes it up over %s', async (transport) => {
    const relay = await relayWithPace();
    const before = connectTo(relay).client.stream(QUESTION);
    await until(() => before.content.length > 20);
    const { id, epoch = '', after } = before.detach();
    const { client } = connectTo(relay, { transports: [transport] });
    const answer = await client.attach(id, epoch, after, { content: before.content }).final;
    expect(Buffer.byteLength(answer.content)).toBe(answer.timing.bytes);
  });

  it('learns that the stream is not there any more', async () => {
    const relay = await relayWithPace();
    const { client } = connectTo(relay);
    await expect(client.attach('no-such-stream', 'epoch-0001', 0).final).rejects.toMatchObject({
      code: 'unknown_stream',
    });
    await expect(client.attach('no-such-stream', 'epoch-0001', 7).final).rejects.toMatchObject({
      code: 'interrupted',
    });
  });
});

it('moves to a relay that takes new streams while this one drains', async () => {
  const relay = await relayWithPace({ DRAIN_MS: '5000' });
  const { client } = connectTo(relay);
  const stream = client.stream(QUESTION);
  await until(() => stream.content !== '');
  const drained = relay.drain();
  expect((await stream.final).outcome).toBe('done'); // stays until its streams end
  await drained;
});
