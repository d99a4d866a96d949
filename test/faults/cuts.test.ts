import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { Random } from '../../src/simulator/random.ts';
import { deltasFor } from '../support/deltas-for.ts';
import { type Fault, startFaultProxy } from '../support/fault-proxy.ts';
import { connectClient, RelayClient } from '../support/relay-client.ts';
import { startSimulatedRelay } from '../support/relay-process.ts';
import { eventually, LONG, report, SEED } from '../support/test-run.ts';

const CUTS = LONG ? 10_000 : 200;
const CLIENTS = 25;
const STREAMS_AT_ONCE = 3;
const PACE = { firstTokenMs: [1, 20], deltasPerSecond: [200, 600] } as const;
const FAULTS: readonly Fault[] = ['cut', 'reset', 'half-open'];
function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

it(
  `${CUTS} random cuts with resume: every text is whole, once, with one ending, one call and one row`,
  async () => {
    const random = new Random(SEED);
    await using relay = await startSimulatedRelay({ pace: PACE });
    relay.simulator.always(({ question }) => ({ deltas: deltasFor(question) }));
    await using proxy = await startFaultProxy(relay.url, () => ({
      // Also inside the handshake, inside a frame, and before the answer to a start.
      fault: { afterBytes: Math.floor(random.between(1, 60) ** 2), kind: random.pick(FAULTS) },
      ...(random.integer(0, 3) === 0 ? { sliceBytes: random.integer(1, 100) } : {}),
    }));
    let asked = 0;
    const ask = async (client: RelayClient): Promise<void> => {
      while (proxy.faults < CUTS) {
        asked += 1;
        const question = `question ${asked} of ${SEED}`;
        const stream = client.start({ messages: [{ role: 'user', content: question }] });
        const ending = await client.ended(stream);
        expect(ending, `seed ${SEED}`).toMatchObject({ type: 'done', usage: { source: 'final' } });
        expect(sha256(stream.text), `seed ${SEED}, ${question}`).toBe(sha256(deltasFor(question).join('')));
        client.streams.delete(stream.id);
      }
    };
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, user) => {
        const client = new RelayClient({ url: proxy.url, token: await relay.token(user), reconnects: true });
        await client.connect();
        return client;
      }),
    );
    await Promise.all(
      clients.flatMap((client) => Array.from({ length: STREAMS_AT_ONCE }, () => ask(client))),
    );
    await Promise.all(clients.map((client) => client.close()));

    expect(relay.simulator.requests, 'one call each').toHaveLength(Math.min(asked, 10_000));
    const rows = await relay.usageRows();
    expect(rows, 'one row each').toHaveLength(asked);
    expect(rows.filter(({ status, source }) => status !== 'done' || source !== 'final')).toEqual([]);
    await eventually('no upstream request is open', () => relay.simulator.stats.open === 0);
    report(`${proxy.faults} cuts on ${proxy.links.length} connections, ${asked} streams; seed ${SEED}`);
  },
  LONG ? 600_000 : 60_000,
);

it('a client behind one byte at a time gets the same text', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  relay.simulator.always(({ question }) => ({ deltas: deltasFor(question) }));
  await using proxy = await startFaultProxy(relay.url, () => ({ sliceBytes: 1 }));
  await using client = await connectClient({ url: proxy.url, token: await relay.token() });
  const stream = client.start({ messages: [{ role: 'user', content: 'slowly' }] });
  expect(await client.ended(stream)).toMatchObject({ type: 'done' });
  expect(sha256(stream.text)).toBe(sha256(deltasFor('slowly').join('')));
});
