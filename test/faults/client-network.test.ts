/** The network between a client and the relay: it is slow, F9 it swallows everything, F11 it closes late. */
import { describe, expect, it } from 'vitest';
import { type LinkPlan, startFaultProxy } from '../support/fault-proxy.ts';
import { HeldStream } from '../support/held-stream.ts';
import { type ChatBody, open, readEvents } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { startSimulatedRelay } from '../support/relay-process.ts';
import { eventually, LONG } from '../support/test-run.ts';

const PACE = { firstTokenMs: 1, deltasPerSecond: 400 } as const;
const DELTAS = Array.from({ length: 20 }, (_, at) => `word ${at} – `);
const TEXT = DELTAS.join('');
const BODY: ChatBody = {
  id: 'over-a-spoilt-network',
  action: 'chat',
  messages: [{ role: 'user', content: 'Why?' }],
};

const SPOILT: readonly (readonly [string, LinkPlan])[] = [
  ['late', { latencyMs: 30 }],
  ['slow', { bytesPerSecond: 30_000 }],
  ['cut into small pieces', { sliceBytes: 3 }],
];

describe.each(SPOILT)('what comes %s is whole', (_how, plan) => {
  it('over a WebSocket, and as events', async () => {
    await using relay = await startSimulatedRelay({ pace: PACE });
    relay.simulator.always({ deltas: DELTAS });
    await using proxy = await startFaultProxy(relay.url, () => plan);
    const token = await relay.token();
    await using client = await connectClient({ url: proxy.url, token });
    const stream = client.start();
    const events = new HeldStream({ type: 'start', ...BODY }, BODY.id);
    events.asked('start');
    const headers = { accept: 'text/event-stream' };
    await readEvents(
      await open(`${proxy.url}/v1/chat`, { method: 'POST', token, body: BODY, headers }),
      events,
    );
    expect(await client.ended(stream)).toMatchObject({ type: 'done' });
    expect([stream.text, events.text]).toEqual([TEXT, TEXT]);
    expect((await relay.usageRows()).map(({ status }) => status)).toEqual(['done', 'done']);
  });
});

it('F11 a client that comes back before its farewell has arrived reads on; both connections complete', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  relay.simulator.always({ deltas: DELTAS });
  await using proxy = await startFaultProxy(relay.url, () => ({ slowCloseMs: 100 }));
  await using client = await connectClient({ url: proxy.url, token: await relay.token(), reconnects: true });
  const stream = client.start();
  await client.until(() => stream.seq > 3 || undefined);
  client.drop();
  expect(await client.ended(stream)).toMatchObject({ type: 'done' });
  expect(stream.text).toBe(TEXT);
  expect(client.connections).toBe(2);
  expect(relay.simulator.requests).toHaveLength(1);
  await relay.logged('connection closed');
});

if (LONG) {
  it('F9 a client in a black hole is gone in 35 s, its run is kept for a while, and then ends', {
    timeout: 120_000,
  }, async () => {
    await using relay = await startSimulatedRelay(
      { pace: { firstTokenMs: 1, deltasPerSecond: 5 } },
      { ABANDON_AFTER_MS: '3000' },
    );
    relay.simulator.always({ long: true });
    await using proxy = await startFaultProxy(relay.url);
    await using client = await connectClient({ url: proxy.url, token: await relay.token() });
    const stream = client.start();
    await client.until(() => stream.seq > 3 || undefined);
    const swallowedAt = performance.now();
    proxy.links[0]?.blackhole();
    const [closed] = await relay.logged('connection closed');
    // It misses a ping, or has taken nothing for 30 s: whichever comes first.
    expect([4408, 4503]).toContain(closed?.['code']);
    expect(performance.now() - swallowedAt).toBeLessThan(40_000);
    expect(relay.simulator.stats.open).toBe(1);
    const [ended] = await relay.logged('stream ended');
    expect(ended).toMatchObject({ status: 'error', code: 'abandoned' });
    await eventually('its request is closed', () => relay.simulator.stats.open === 0);
    expect((await relay.usageRows()).map(({ code }) => code)).toEqual(['abandoned']);
  });
}
