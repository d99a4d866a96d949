import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Upstream } from '../../src/upstream/port.ts';
import { SSE_HEADERS } from './message-script.ts';
import { type ModelServer, startModelServer, type Wire } from './model-server.ts';
import { openCall, upstreamTo } from './recorded-call.ts';
import { loadRecordings, sha256 } from './recordings.ts';

const recordings = loadRecordings();

const slicings: readonly [Wire, number][] = [
  ['h2', Number.POSITIVE_INFINITY],
  ['h2', 1],
  ['h2', 7],
  ['h2', 64],
  ['https', 7],
  ['http', Number.POSITIVE_INFINITY],
  ['http', 64],
];

describe.each(slicings)('over %s in slices of %d bytes', (wire, size) => {
  let server: ModelServer;
  let upstream: Upstream;
  beforeAll(async () => {
    server = await startModelServer(wire, (response, call) => {
      const name = JSON.parse(server.requests[call]?.body ?? '').model;
      const body = recordings.find((recording) => recording.name === name)?.body ?? Buffer.alloc(0);
      response.writeHead(200, SSE_HEADERS);
      for (let at = 0; at < body.length; at += size) response.write(body.subarray(at, at + size));
      response.end();
    });
    upstream = upstreamTo(server, { random: () => -0.6 });
  });
  afterAll(async () => {
    await upstream.close();
    await server.close();
  });

  test.each(recordings)('$name: its text, totals and ending', async (recording) => {
    const recorded = openCall(upstream, { model: recording.name });
    const ending = await recorded.call.ended;
    expect(sha256(recorded.text)).toBe(recording.textSha256);
    if (recording.complete !== null) expect(ending.kind).toBe(recording.complete ? 'done' : 'failed');
    if (ending.kind !== 'done') return;
    const usage = recorded.call.usage();
    expect(ending.stopReason).toBe(recording.stopReason);
    expect(usage.source).toBe('final');
    if (recording.outputTokens !== null) expect(usage.outputTokens).toBe(recording.outputTokens);
    if (recording.inputTokens !== null) expect(usage.inputTokens).toBe(recording.inputTokens);
  });
});

describe('with all events wanted', () => {
  test.each(recordings)('$name: every event but pings comes untouched, in order', async ({ body }) => {
    const server = await startModelServer('http', (response) => {
      response.writeHead(200, SSE_HEADERS);
      response.end(body);
    });
    const upstream = upstreamTo(server, { random: () => -0.6 });
    const recorded = openCall(upstream, { events: 'all' });
    await recorded.call.ended;
    const sent = eventsOf(body.toString('utf8'));
    expect(recorded.events).toEqual(sent.filter(({ type, delta }) => !isText(delta) && type !== 'error'));
    const texts = sent.flatMap(({ delta }) => (isText(delta) && delta.text !== '' ? [delta.text] : []));
    expect(recorded.deltas).toEqual(texts);
    await upstream.close();
    await server.close();
  });
});

interface SentEvent {
  readonly type: string;
  readonly delta?: unknown;
}

const isText = (delta: unknown): delta is { text: string } =>
  typeof delta === 'object' && delta !== null && 'type' in delta && delta.type === 'text_delta';

/** The events of a body, read in the plainest way. A cut last line is no event. */
function eventsOf(body: string): SentEvent[] {
  return body
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .flatMap((line): SentEvent[] => {
      try {
        return [JSON.parse(line.slice(5))];
      } catch {
        return [];
      }
    })
    .filter(({ type }) => type !== 'ping');
}
