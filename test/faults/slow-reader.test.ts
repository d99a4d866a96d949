import { describe, expect, it } from 'vitest';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { HeldStream } from '../support/held-stream.ts';
import { type ChatBody, open, readEvents } from '../support/http-doors.ts';
import { connectClient, type StartFields } from '../support/relay-client.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';
import { watchServerSockets } from '../support/server-sockets.ts';
import { eventually, LONG } from '../support/test-run.ts';

const DELTA = 'x'.repeat(1000);
const KIB = 1024;
/** What the design allows, and the last delta that still fitted. */
const HELD_BYTES = 64 * KIB + 2 * DELTA.length;
/** What may be under way to a client that acknowledges, and one merged chunk. */
const UNDER_WAY_BYTES = (256 + 16) * KIB;

/** Long answers are more than the kernel's buffers take for a socket that is not read; the log here is larger still. */
const DELTAS: Readonly<Record<string, number>> = { long: 20_000, short: 100 };
const LARGE_LOG = { STREAM_LOG_MAX_BYTES: '33554432', STREAM_LOG_TOTAL_BYTES: '268435456' };

const textOf = (length: string): string => DELTA.repeat(DELTAS[length] ?? 0);
const about = (content: string): StartFields => ({ messages: [{ role: 'user', content }] });

async function relayOfLongAnswers(): Promise<SimulatedRelay> {
  const relay = await startSimulatedRelay({}, LARGE_LOG);
  relay.simulator.always(({ question }) => ({
    deltas: Array(DELTAS[question]).fill(DELTA) as string[],
    pace: UNPACED,
  }));
  return relay;
}

describe('a client that stops reading', () => {
  it('has at most 64 KiB held for it, harms nobody, and gets all of it once it reads on', async () => {
    await using relay = await relayOfLongAnswers();
    using sockets = watchServerSockets(Number(new URL(relay.url).port));
    await using slow = await connectClient({ url: relay.url, token: await relay.token(1), acks: false });
    await using quick = await connectClient({ url: relay.url, token: await relay.token(2) });
    let peak = 0;
    quick.onFrame = () => {
      peak = Math.max(peak, sockets.heldBytes);
    };
    slow.pause();
    const held = slow.start(about('long'));
    await relay.logged('stream ended');
    await eventually('the socket is full', () => sockets.heldBytes > 0);

    const unharmed = [quick.start(about('short')), quick.start(about('short')), quick.start(about('short'))];
    for (const stream of unharmed) expect(await quick.ended(stream)).toMatchObject({ type: 'done' });
    for (const stream of unharmed) expect(stream.text).toBe(textOf('short'));
    expect(Math.max(peak, sockets.heldBytes)).toBeLessThanOrEqual(HELD_BYTES);

    slow.unpause();
    await slow.ended(held);
    expect(held.text === textOf('long'), 'the text is whole').toBe(true);
  });

  it('of server-sent events, likewise', async () => {
    await using relay = await relayOfLongAnswers();
    using sockets = watchServerSockets(Number(new URL(relay.url).port));
    const body = { action: 'chat', id: 'a-slow-reader-of-events', ...about('long') } as ChatBody;
    const stream = new HeldStream({ type: 'start', ...body }, body.id);
    stream.asked('start');
    const headers = { accept: 'text/event-stream' };
    const token = await relay.token();
    const response = await open(`${relay.url}/v1/chat`, { method: 'POST', token, body, headers });
    await relay.logged('stream ended');
    await eventually('the socket is full', () => sockets.heldBytes > 0);
    expect(sockets.heldBytes).toBeLessThanOrEqual(HELD_BYTES);

    await readEvents(response, stream);
    expect(stream.ending).toMatchObject({ type: 'done' });
    expect(stream.text === textOf('long'), 'the text is whole').toBe(true);
  });

  it('and has acknowledged before, has at most 256 KiB under way, also in the kernel', async () => {
    await using relay = await relayOfLongAnswers();
    await using client = await connectClient({ url: relay.url, token: await relay.token(), acks: false });
    const stream = client.start(about('long'));
    await client.until(() => stream.seq > 0 || undefined);
    client.send({ type: 'ack', id: stream.id, seq: 1 });
    const before = client.next('pong');
    client.send({ type: 'ping', t: 'the ack has arrived' });
    await before;
    await relay.logged('stream ended');

    const answered = client.next('pong');
    client.send({ type: 'ping', t: 'all that was sent is here' });
    await answered;
    expect(stream.ending).toBeUndefined();
    const underWay = stream.text.length;
    while (stream.ending === undefined) {
      const at = stream.seq;
      client.send({ type: 'ack', id: stream.id, seq: at });
      await client.until(() => stream.seq >= at + 32 || stream.ending);
    }
    expect(stream.text === textOf('long'), 'the text is whole').toBe(true);
    expect(underWay).toBeLessThanOrEqual(UNDER_WAY_BYTES);
  });
});

if (LONG) {
  it('a client that takes nothing for 30 s is closed with 4503, and a resume completes', {
    timeout: 90_000,
  }, async () => {
    await using relay = await relayOfLongAnswers();
    await using client = await connectClient({
      url: relay.url,
      token: await relay.token(),
      acks: false,
      reconnects: true,
    });
    client.pause();
    const stream = client.start(about('long'));
    const [closed] = await relay.logged('connection closed');
    expect(closed).toMatchObject({ code: 4503, reason: 'tryAgainLater' });
    client.unpause();
    await client.ended(stream);
    expect(stream.text === textOf('long'), 'the text is whole').toBe(true);
    expect(client.connections).toBe(2);
  });
}
