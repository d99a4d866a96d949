import { expect, it } from 'vitest';
import { connectClient } from '../support/relay-client.ts';
import { startSimulatedRelay } from '../support/relay-process.ts';

const QUESTIONS = ['Why is the sky blue?', 'Explain fractions to a child.', 'Plan a lesson on magnets.'];

it('three conversations on one socket interleave: none waits for another to end', async () => {
  await using relay = await startSimulatedRelay({ pace: { firstTokenMs: 20, deltasPerSecond: 500 } });
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  const order: string[] = [];
  client.onFrame = (frame) => {
    if ('id' in frame && frame.id !== undefined) order.push(`${frame.id} ${frame.type}`);
  };

  const streams = QUESTIONS.map((content) => client.start({ messages: [{ role: 'user', content }] }));
  const endings = await Promise.all(streams.map((stream) => client.ended(stream)));

  expect(endings.map((ending) => ending.type)).toEqual(['done', 'done', 'done']);
  const firstEnding = order.findIndex((entry) => entry.endsWith('done'));
  for (const { id } of streams) {
    const first = order.indexOf(`${id} chunk`);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(first, 'had text on the screen before any other was complete').toBeLessThan(firstEnding);
  }
  const switches = order.filter((entry, at) => entry.endsWith('chunk') && entry !== order[at - 1]).length;
  expect(switches, 'took turns').toBeGreaterThan(20);
});
