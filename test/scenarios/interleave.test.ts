import { expect, it } from 'vitest';
import type { HeldStream } from '../support/held-stream.ts';
import { connectClient } from '../support/relay-client.ts';
import { startSimulatedRelay } from '../support/relay-process.ts';

const PACE = { firstTokenMs: 5, deltasPerSecond: 50 } as const;

it('three conversations on one socket interleave: each goes on while the others do', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  const order: string[] = [];
  client.onFrame = (frame) => {
    if (frame.type === 'chunk' && frame.id !== order.at(-1)) order.push(frame.id);
  };
  const grown = async (stream: HeldStream): Promise<void> => {
    const before = stream.seq;
    await client.until(() => stream.seq > before || undefined);
  };

  const streams = [1, 2, 3].map(() => client.start({ model: 'sim:long' }));
  for (let round = 0; round < 5; round += 1) for (const stream of streams) await grown(stream);

  expect(order.length, 'they took turns').toBeGreaterThanOrEqual(10);
  for (const stream of streams) client.cancel(stream);
  for (const stream of streams) expect(await client.ended(stream)).toMatchObject({ type: 'cancelled' });
});

it('one that stalls keeps nobody waiting', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  const stalled = [client.start({ model: 'sim:stall' }), client.start({ model: 'sim:silent' })];
  await client.until(() => (stalled[0]?.seq ?? 0) > 0 || undefined);

  for (let turn = 0; turn < 3; turn += 1) {
    const next = client.start({ model: 'sim:fast' });
    expect(await client.ended(next)).toMatchObject({ type: 'done' });
  }

  for (const stream of stalled) {
    expect(stream.ending).toBeUndefined();
    client.cancel(stream);
    expect(await client.ended(stream)).toMatchObject({ type: 'cancelled' });
  }
});
