import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/environment.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';
import { ask } from '../support/http-doors.ts';
import { connectClient, RelayClient } from '../support/relay-client.ts';
import { dataDirectory, type RelayChild, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { LONG } from '../support/test-run.ts';

const STREAMS = LONG ? 500 : 20;
/** Longer than every limit that the relay has there. */
const FROZEN_MS = LONG ? 30_000 : 4000;
const QUICK: SimulatorOptions = { pace: { firstTokenMs: [100, 300], deltasPerSecond: 200 } };
const SLOW: SimulatorOptions = { pace: { firstTokenMs: 50, deltasPerSecond: 5 } };
const EVENTUALLY = 120_000;
const DRAIN_MS = '100000';

interface Scene {
  readonly relay: RelayChild;
  readonly client: RelayClient;
  readonly simulator: Simulator;
}

/** A relay of its own with streams that have begun to talk. */
async function scene(
  model: SimulatorOptions,
  environment: Environment,
  play: (scene: Scene) => Promise<void>,
): Promise<void> {
  using data = dataDirectory();
  const simulator = await startSimulator(model);
  await using relay = await spawnRelay(data.path, {
    ...upstreamAt(simulator.url),
    ALLOWED_MODELS: 'sim:stall',
    ...environment,
  });
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  const streams = Array.from({ length: STREAMS }, () => client.start());
  await client.until(() => streams.every(({ seq }) => seq > 0) || undefined);
  await play({ relay, client, simulator });
  await simulator.close();
}

async function rowsByStatus({ relay }: Scene) {
  const rows = await relay.usageRows();
  return rows.map(({ status, code, source }) => `${status} ${code} ${source}`);
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('lets live streams end, tells clients, takes nothing new, loses no row, then exits with 0', {
    timeout: EVENTUALLY,
  }, async () => {
    await scene(QUICK, { DRAIN_MS }, async (at) => {
      const { relay, client } = at;
      const normal = [...client.streams.values()];
      // The drain lasts until this one is cancelled.
      const last = client.start({ model: 'sim:stall' });
      await client.accepted(last);
      const goingAway = client.next('going_away');
      relay.kill(signal);
      expect(await goingAway).toMatchObject({ resume: 'here', deadlineMs: Number(DRAIN_MS) });

      const late = client.start();
      await client.until(() => late.refusal);
      expect(late.refusal).toMatchObject({ code: 'shutting_down', of: 'start' });
      expect((await ask(`${relay.url}/readyz`)).status).toBe(503);
      const second = new RelayClient({ url: relay.url, token: await relay.token() });
      await expect(second.connect()).rejects.toThrow('503');
      for (const stream of normal) expect(await client.ended(stream)).toMatchObject({ type: 'done' });
      client.cancel(last);

      expect(await client.closed).toMatchObject({ code: 1001 });
      expect(last.ending).toMatchObject({ type: 'cancelled' });
      expect(await relay.exited).toEqual({ code: 0, signal: null });
      const rows = await rowsByStatus(at);
      expect(rows.filter((row) => row === 'done null final')).toHaveLength(STREAMS);
      expect(rows.filter((row) => row.startsWith('cancelled'))).toHaveLength(1);
    });
  });
});

describe('streams that would go on for long', () => {
  it.each([
    ['at the deadline', { DRAIN_MS: '500' }, 1],
    ['at a second signal', { DRAIN_MS }, 2],
  ] as const)(
    'end as interrupted %s, with a receipt and a row each',
    { timeout: EVENTUALLY },
    async (_when, environment, signals) => {
      await scene(SLOW, environment, async (at) => {
        const { relay, client, simulator } = at;
        const goingAway = client.next('going_away');
        relay.kill('SIGTERM');
        await goingAway;
        if (signals === 2) relay.kill('SIGTERM');

        expect(await client.closed).toMatchObject({ code: 1001 });
        for (const { ending } of client.streams.values()) {
          expect(ending).toMatchObject({
            type: 'error',
            code: 'interrupted',
            usage: { source: 'estimated' },
          });
        }
        expect(await relay.exited).toEqual({ code: 0, signal: null });
        expect(await rowsByStatus(at)).toEqual(Array(STREAMS).fill('error interrupted estimated'));
        expect(simulator.stats.open).toBe(0);
      });
    },
  );
});

it('a process that was frozen goes on: nothing timed out, nothing is sent twice', {
  timeout: EVENTUALLY,
}, async () => {
  const limits = { UPSTREAM_IDLE_MS: '2500', UPSTREAM_CONNECT_MS: '2500', HEARTBEAT_MS: '500' };
  await scene(QUICK, limits, async (at) => {
    const { relay, client } = at;
    relay.kill('SIGSTOP');
    await wait(FROZEN_MS); // how long it is frozen
    relay.kill('SIGCONT');
    const endings = await Promise.all([...client.streams.values()].map((stream) => client.ended(stream)));
    expect(endings.map(({ type }) => type)).toEqual(Array(STREAMS).fill('done'));
    expect(client.connections).toBe(1);
    expect(await rowsByStatus(at)).toEqual(Array(STREAMS).fill('done null final'));
  });
});
