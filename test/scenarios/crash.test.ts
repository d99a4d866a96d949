import { expect, it } from 'vitest';
import { Random } from '../../src/simulator/random.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { RelayClient } from '../support/relay-client.ts';
import { dataDirectory, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { eventually, LONG, report, SEED } from '../support/test-run.ts';

const ROUNDS = LONG ? 50 : 3;
const CLIENTS = 10;
const STREAMS_EACH = 10;
const LIVE_AT_LEAST = 25;
const PACE = { firstTokenMs: [5, 300], deltasPerSecond: [50, 200] } as const;

/** What clients were told of a run before the crash: `done` or nothing yet. */
type Told = ReadonlyMap<string, string | undefined>;

it(
  `killed ${ROUNDS} times with a hundred live streams, every run has one row and every row is settled`,
  async () => {
    using data = dataDirectory();
    const simulator = await startSimulator({ pace: PACE });
    const random = new Random(SEED);
    const told = new Map<string, string | undefined>();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [epoch, ending] of await crash(data.path, simulator, random.integer(0, 2000)))
        told.set(epoch, ending);
    }
    await using relay = await spawnRelay(data.path, upstreamAt(simulator.url));
    const rows = await relay.usageRows();
    const byEpoch = new Map(rows.map((row) => [row.epoch, row]));
    expect(byEpoch.size, `one row each; seed ${SEED}`).toBe(rows.length);
    expect(rows.filter(({ status }) => status === 'running')).toEqual([]);
    expect(rows.length).toBeLessThanOrEqual(ROUNDS * CLIENTS * STREAMS_EACH);
    for (const [epoch, ending] of told) {
      const row = byEpoch.get(epoch);
      expect(row, `a row for every run that was accepted; seed ${SEED}`).toBeDefined();
      if (ending !== undefined) expect(row?.status, SEED).toBe(ending);
    }
    const interrupted = rows.filter(({ code }) => code === 'interrupted');
    expect(interrupted.length).toBeGreaterThan(0);
    expect(interrupted.length, 'some had ended before').toBeLessThan(rows.length);
    report(`${rows.length} runs, ${interrupted.length} interrupted, ${told.size} known to clients`);
    await simulator.close();
  },
  60_000 + ROUNDS * 10_000,
);

/** One life of the relay: a hundred streams, and SIGKILL once that many frames have come. */
async function crash(dataDir: string, simulator: Simulator, deltas: number): Promise<Told> {
  await using relay = await spawnRelay(dataDir, upstreamAt(simulator.url));
  const token = await relay.token();
  const clients = Array.from({ length: CLIENTS }, () => new RelayClient({ url: relay.url, token }));
  await Promise.all(clients.map((client) => client.connect()));
  let left = deltas;
  for (const client of clients) {
    client.onFrame = () => {
      left -= 1;
      // On a busy machine deltas come merged, fewer frames than were drawn: some must be live when it is killed.
      if (left <= 0 || liveStreams(clients) < LIVE_AT_LEAST) relay.kill('SIGKILL');
    };
    // Every second answer is short: some have ended by then.
    for (let stream = 0; stream < STREAMS_EACH; stream += 1)
      client.start({ maxTokens: stream % 2 === 0 ? 10 : 2000 });
  }
  if (deltas === 0) relay.kill('SIGKILL');
  const gone = await Promise.all(clients.map((client) => client.closed));
  expect(gone.map(({ code }) => code)).toEqual(clients.map(() => 1006));
  expect((await relay.exited).signal).toBe('SIGKILL');
  await eventually('the model sees that nobody listens', () => simulator.stats.open === 0);
  return new Map(
    clients
      .flatMap((client) => [...client.streams.values()])
      .flatMap(({ epoch, ending }) => (epoch === undefined ? [] : [[epoch, ending?.type]])),
  );
}

function liveStreams(clients: readonly RelayClient[]): number {
  return clients.flatMap(({ streams }) => [...streams.values()]).filter(({ over }) => !over).length;
}

it('after the restart a client learns that its stream is gone, and starts it again under the same id', async () => {
  using data = dataDirectory();
  const simulator = await startSimulator({ pace: PACE });
  const client = await (async () => {
    await using relay = await spawnRelay(data.path, upstreamAt(simulator.url));
    const first = new RelayClient({ url: relay.url, token: await relay.token() });
    await first.connect();
    const stream = first.start({ id: 'a-stream-that-outlives-its-relay' });
    await first.until(() => stream.seq > 3 || undefined);
    return first;
  })();
  const [before] = client.streams.values();

  await using relay = await spawnRelay(data.path, upstreamAt(simulator.url));
  await using second = new RelayClient({ url: relay.url, token: await relay.token() });
  await second.connect();
  const refused = second.refused('resume');
  second.send({ type: 'resume', id: before?.id, epoch: before?.epoch, after: before?.seq });
  expect(await refused).toMatchObject({ code: 'unknown_stream', id: before?.id });

  const again = second.start({ id: 'a-stream-that-outlives-its-relay' });
  expect(await second.ended(again)).toMatchObject({ type: 'done' });
  const rows = await relay.usageRows();
  expect(rows.map(({ epoch, status, code }) => ({ epoch, status, code }))).toEqual([
    { epoch: before?.epoch, status: 'error', code: 'interrupted' },
    { epoch: again.epoch, status: 'done', code: null },
  ]);
  await simulator.close();
}, 120_000);
