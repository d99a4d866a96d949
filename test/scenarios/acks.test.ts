import { expect, it } from 'vitest';
import { connectClient } from '../support/relay-client.ts';
import { startSimulatedRelay } from '../support/relay-process.ts';

const STREAMS = 16;
const DELTAS = Array.from({ length: 600 }, (_, at) => `${at} `);

it('sixteen fast streams on one socket, acknowledged as the contract says, are never too many frames', async () => {
  await using relay = await startSimulatedRelay(
    { pace: { firstTokenMs: 1, deltasPerSecond: 300 } },
    { MAX_STREAMS_PER_CONNECTION: String(STREAMS), FRAMES_PER_MINUTE: String(STREAMS) },
  );
  relay.simulator.always({ deltas: DELTAS });
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  const streams = Array.from({ length: STREAMS }, () => client.start());
  for (const stream of streams) {
    expect(await client.ended(stream)).toMatchObject({ type: 'done' });
    expect(stream.text).toBe(DELTAS.join(''));
  }
});
