import { expect, it } from 'vitest';
import type { HeldStream } from '../support/held-stream.ts';
import type { RelayClient } from '../support/relay-client.ts';
import type { RelayChild } from '../support/relay-process.ts';
import { eventually, LONG, percentiles, report } from '../support/test-run.ts';
import { type Machines, portOf, startMachines } from './machines.ts';

const CLIENTS = LONG ? 30 : 12;
const STREAMS_OF_EACH = LONG ? 10 : 5;
const EVENTUALLY = 120_000;
/** Hints are meant for thousands of clients; these few come sooner. */
const HINT_SHARE = 0.05;

it('three machines are restarted one after the other, and no user sees it', {
  timeout: EVENTUALLY,
}, async () => {
  const pace = { firstTokenMs: [20, 200], deltasPerSecond: [20, 40] } as const;
  await using machines = await startMachines(3, { pace }, { DRAIN_MS: '30000' });
  const moves: string[] = [];
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, user) => movingClient(machines, user + 1, moves)),
  );
  const running = Promise.all(clients.map((client) => talk(client)));

  let relays: readonly RelayChild[] = machines.relays;
  for (const old of machines.relays) {
    const fresh = await machines.launch();
    relays = [...relays.filter((relay) => relay !== old), fresh];
    machines.balancer.route(...relays.map(portOf));
    old.kill('SIGTERM');
    expect(await old.exited).toEqual({ code: 0, signal: null });
  }

  const tookMs = (await running).flat();
  expect(tookMs).toHaveLength(CLIENTS * STREAMS_OF_EACH);
  expect(new Set(moves)).toEqual(new Set(['elsewhere']));
  const rows = (await Promise.all([...machines.relays, ...relays].map((relay) => relay.usageRows()))).flat();
  const epochs = new Set(rows.map(({ epoch }) => epoch));
  expect(epochs.size).toBe(machines.simulator.requests.length);
  await eventually('every request at the model is over', () => machines.simulator.stats.open === 0);
  report(
    `${epochs.size} streams over three restarts, ${moves.length} moves; each took, ms: ${percentiles(tookMs)}`,
  );
});

/** Takes the hint to go, as the SDK does. */
async function movingClient(machines: Machines, user: number, moves: string[]): Promise<RelayClient> {
  const client = machines.client(undefined, { user, reconnects: true });
  client.onFrame = (frame) => {
    if (frame.type !== 'going_away') return;
    moves.push(frame.resume);
    setTimeout(() => client.drop(), frame.reconnectAfterMs * HINT_SHARE);
  };
  await client.connect();
  return client;
}

/** Streams one after the other; whatever is not whole fails. */
async function talk(client: RelayClient): Promise<number[]> {
  const took: number[] = [];
  for (let round = 0; round < STREAMS_OF_EACH; round += 1) {
    const startedAt = performance.now();
    const stream = await begin(client);
    // Its textLength, chunks and bytes are compared with what is held: the client fails where they differ.
    expect(await client.ended(stream)).toMatchObject({ type: 'done' });
    took.push(performance.now() - startedAt);
  }
  return took;
}

/** A start that came too late for its machine is made again on the next, as the SDK does. */
async function begin(client: RelayClient): Promise<HeldStream> {
  for (;;) {
    const stream = client.start();
    await client.until(() => stream.epoch ?? stream.refusal);
    if (stream.refusal === undefined) return stream;
    expect(stream.refusal).toMatchObject({ code: 'shutting_down', retryable: true });
    const back = client.next('hello');
    client.drop();
    await back;
  }
}
