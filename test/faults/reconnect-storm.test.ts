import { expect, it } from 'vitest';
import type { Pace } from '../../src/simulator/pacer.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { RelayClient } from '../support/relay-client.ts';
import { dataDirectory, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { LONG, percentiles, report } from '../support/test-run.ts';

const CLIENTS = LONG ? 5000 : 200;
const USERS = 100;
/** Handshakes under way at once before the storm; the storm itself knows no limit. */
const ARRIVING = 100;
/** Live for longer than all clients take to come. */
const WORDS = Array.from({ length: LONG ? 100 : 40 }, (_, at) => `word${at} `);
const PACE: Pace = { firstTokenMs: [100, 500], deltasPerSecond: LONG ? [1, 2] : [10, 20] };

it(
  `${CLIENTS} clients lose their sockets at once, come back at once, and miss nothing`,
  async () => {
    using data = dataDirectory();
    const simulator = await startSimulator({ pace: PACE });
    simulator.always({ deltas: WORDS });
    await using relay = await spawnRelay(data.path, upstreamAt(simulator.url));
    const clients = await arrive(relay);

    const waits = await Promise.all(clients.map(cutAndReturn));
    report(`${CLIENTS} clients from the cut until served again, ms: ${percentiles(waits)}`);

    const streams = clients.flatMap((client) =>
      [...client.streams.values()].map((stream) => ({ client, stream })),
    );
    for (const { client, stream } of streams) {
      expect(await client.ended(stream)).toMatchObject({ type: 'done' });
      expect(stream.text).toBe(WORDS.join(''));
    }
    await Promise.all(clients.map((client) => client.close()));
    expect(simulator.requests).toHaveLength(CLIENTS);
    const rows = await relay.usageRows();
    expect(rows.filter(({ status }) => status === 'done')).toHaveLength(CLIENTS);
    await simulator.close();
  },
  LONG ? 240_000 : 60_000,
);

/** Ms from the cut until the client is served again: `resumed`, or `hello` where its stream has ended meanwhile. */
async function cutAndReturn(client: RelayClient): Promise<number> {
  const lostAt = performance.now();
  const before = client.answers.length;
  client.drop();
  await client.until(() => {
    const told = client.answers.slice(before).map(({ type }) => type);
    const over = [...client.streams.values()].every((stream) => stream.over);
    return told.includes('resumed') || (over && told.includes('hello')) || undefined;
  });
  return performance.now() - lostAt;
}

/** All clients with one stream each that has begun to talk. */
async function arrive(relay: {
  readonly url: string;
  token(user: number): Promise<string>;
}): Promise<RelayClient[]> {
  const clients: RelayClient[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < CLIENTS) {
      const user = next % USERS;
      next += 1;
      const client = new RelayClient({ url: relay.url, token: await relay.token(user), reconnects: true });
      clients.push(client);
      await client.connect();
      const stream = client.start();
      await client.until(() => stream.seq > 0 || undefined);
    }
  };
  await Promise.all(Array.from({ length: ARRIVING }, one));
  return clients;
}
