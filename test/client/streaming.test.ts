import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DashError, Phase, Transport } from '../../src/client/index.ts';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { connectTo, piecesOf, QUESTION, until } from './test-client.ts';

let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay();
});
afterAll(() => relay.close());

const SURROGATES = [
  'Well done ',
  '\ud83c',
  '\udf89',
  '! Très bien',
  ' \ud83d',
  '\udc4f\ud83c',
  '\udffd',
  '.',
];
const sha256 = (text: string) => createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('hex');

describe.each(['websocket', 'sse', 'json'] as const)('over %s', (transport: Transport) => {
  it('yields the answer piece by piece, and whole at the end', async () => {
    const { client, metrics } = connectTo(relay, { transports: [transport], platform: 'ios' });
    const phases: Phase[] = [];
    const chunks: string[] = [];
    const stream = client.stream(QUESTION, {
      onChunk: (text) => chunks.push(text),
      onPhase: (phase) => phases.push(phase),
    });
    const pieces = await piecesOf(stream);
    const answer = await stream.final;
    expect(pieces.join('')).toBe(answer.content);
    expect(chunks).toEqual(pieces);
    expect(stream.content).toBe(answer.content);
    expect(answer).toMatchObject({ outcome: 'done', id: stream.id, stopReason: 'end_turn', transport });
    expect(answer.usage.source).toBe('final');
    expect(answer.timing.bytes).toBe(Buffer.byteLength(answer.content));
    expect(phases).toEqual(['thinking', 'streaming', 'done']);
    expect(metrics).toEqual([
      {
        first_token_ms: expect.any(Number),
        total_duration_ms: expect.any(Number),
        chunks_received: pieces.length,
        bytes_streamed: Buffer.byteLength(answer.content),
        platform: 'ios',
        transport,
        resumes: 0,
        status: 'done',
      },
    ]);
    expect(metrics[0]?.first_token_ms).toBeLessThanOrEqual(metrics[0]?.total_duration_ms ?? 0);
  });

  it('brings surrogate pairs that were split over deltas together again', async () => {
    relay.simulator.script({ deltas: SURROGATES });
    const { client } = connectTo(relay, { transports: [transport] });
    const { content } = await client.stream(QUESTION).final;
    expect(sha256(content)).toBe(sha256(SURROGATES.join('')));
  });

  it('rejects with the code, the partial text and what was billed where the model fails midway', async () => {
    relay.simulator.script('overloaded-midway');
    const { client, metrics } = connectTo(relay, { transports: [transport] });
    const stream = client.stream(QUESTION);
    const error = await stream.final.catch((cause: DashError) => cause);
    expect(error).toMatchObject({ name: 'DashError', code: 'upstream_overloaded', retryable: true });
    expect((error as DashError).content).toBe(stream.content);
    expect(stream.content).not.toBe('');
    expect(stream.phase).toBe('failed');
    await expect(piecesOf(stream)).rejects.toBe(error);
    expect(metrics).toHaveLength(1);
  });

  it('rejects with the code where the relay refuses the request', async () => {
    const { client } = connectTo(relay, { transports: [transport] });
    const refused = client.stream({ ...QUESTION, action: 'no_such_action' });
    await expect(refused.final).rejects.toMatchObject({
      code: 'unknown_action',
      retryable: false,
      content: '',
    });
  });
});

it('carries many streams over one connection, opened with the first and closed when idle', async () => {
  const { client, sockets } = connectTo(relay, { idleMs: 30 });
  expect(sockets).toHaveLength(0);
  const answers = await Promise.all(Array.from({ length: 5 }, () => client.stream(QUESTION).final));
  expect(answers.every(({ outcome }) => outcome === 'done')).toBe(true);
  const [socket] = sockets as unknown as WebSocket[];
  expect(sockets).toHaveLength(1);
  await until(() => socket?.readyState === WebSocket.CLOSED);
  await client.stream(QUESTION).final;
  expect(sockets).toHaveLength(2);
});

it('reads the operator’s word on the transport once for many streams', async () => {
  const { client, requests } = connectTo(relay);
  await Promise.all([client.stream(QUESTION).final, client.stream(QUESTION).final]);
  await client.stream(QUESTION).final;
  expect(requests).toEqual(['GET /v1/config']);
});

it('lets each iterator read from the beginning, also after the end', async () => {
  const { client } = connectTo(relay);
  const stream = client.stream(QUESTION);
  const [first, second] = await Promise.all([piecesOf(stream), piecesOf(stream)]);
  expect(first).toEqual(second);
  expect(await piecesOf(stream)).toEqual(first);
});

it('keeps going when a callback of the app throws', async () => {
  const thrown: unknown[] = [];
  const caught = (error: unknown) => thrown.push(error);
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException').on('uncaughtException', caught);
  try {
    const { client } = connectTo(relay);
    const stream = client.stream(QUESTION, {
      onChunk() {
        throw new Error('a bug of the app');
      },
    });
    expect((await stream.final).outcome).toBe('done');
    expect(thrown).not.toHaveLength(0);
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
});

it('refuses by itself what would close the connection for all: a frame over the limit', async () => {
  const { client, sockets } = connectTo(relay);
  const big = client.stream({ action: 'chat', messages: [{ role: 'user', content: 'x'.repeat(300_000) }] });
  const small = client.stream(QUESTION);
  await expect(big.final).rejects.toMatchObject({ code: 'too_large' });
  expect((await small.final).outcome).toBe('done');
  expect(sockets).toHaveLength(1);
});

it('lets go of everything when it is closed', async () => {
  relay.simulator.script('stall');
  const { client, sockets } = connectTo(relay);
  const stream = client.stream(QUESTION);
  await until(() => stream.content !== '');
  client.close();
  await expect(stream.final).rejects.toMatchObject({ code: 'closed', content: stream.content });
  const [socket] = sockets as unknown as WebSocket[];
  await until(() => socket?.readyState === WebSocket.CLOSED);
});

it('cancels at the deadline', async () => {
  relay.simulator.script('stall');
  const { client } = connectTo(relay);
  const stream = client.stream(QUESTION, { deadlineMs: 600 });
  await until(() => stream.content !== '');
  const { open } = relay.simulator.stats;
  await expect(stream.final).rejects.toMatchObject({ code: 'deadline_exceeded' });
  await until(() => relay.simulator.stats.open === open - 1);
});
