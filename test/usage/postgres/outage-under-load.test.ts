/** Postgres away while questions keep coming: nobody waits for it, and every row arrives once. */
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startPostgres } from '../../support/postgres.ts';
import { connectClient } from '../../support/relay-client.ts';
import { startSimulatedRelay } from '../../support/relay-process.ts';
import { eventually, LONG, percentiles, report } from '../../support/test-run.ts';
import { epochsIn } from './shipping.ts';

const STARTS_PER_SECOND = 20;
const PHASE_MS = LONG ? 60_000 : 3000;
const PHASES = ['before', 'stopped', 'after'] as const;

it('questions during an outage get their first word as soon as ever, and all rows arrive, none twice', {
  timeout: 4 * PHASE_MS + 60_000,
}, async () => {
  const server = await startPostgres();
  await using relay = await startSimulatedRelay(
    { pace: { firstTokenMs: 0, deltasPerSecond: 50 } },
    { DATABASE_URL: server.url('relay') },
  );
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  const epochs: Promise<string>[] = [];
  for (const phase of PHASES) {
    if (phase === 'stopped') await server.stop();
    if (phase === 'after') await server.start();
    const asked = new Map<string, number>();
    const took: number[] = [];
    client.onFrame = (frame) => {
      if (frame.type !== 'chunk') return;
      const askedAt = asked.get(frame.id);
      if (askedAt !== undefined && asked.delete(frame.id)) took.push(performance.now() - askedAt);
    };
    const until = performance.now() + PHASE_MS;
    while (performance.now() < until) {
      const stream = client.start();
      asked.set(stream.id, performance.now());
      epochs.push(client.ended(stream).then(() => stream.epoch ?? ''));
      await wait(1000 / STARTS_PER_SECOND);
    }
    await Promise.all(epochs);
    expect(asked.size).toBe(0);
    report(`Postgres ${phase}: start to first word, ms: ${percentiles(took)}`);
  }
  await eventually('all rows are there', async () => (await epochsIn(server)).length >= epochs.length);
  expect(await epochsIn(server)).toEqual((await Promise.all(epochs)).toSorted());
  await server.close();
});
