import { expect, it } from 'vitest';
import type { HeldStream } from '../support/held-stream.ts';
import { comeFirst } from '../support/priority.ts';
import { eventually, LONG, percentiles, report } from '../support/test-run.ts';
import { KEYS, type Machines, portOf, relayAt, startMachines } from './machines.ts';

const STREAMS = LONG ? 100 : 25;
const DELTAS_PER_SECOND = 50;
const EVENTUALLY = 40_000;
const HIGHEST = 2n ** 64n - 1n;

comeFirst();

it('a machine that is killed: its clients get elsewhere what was logged, and one clear end', {
  timeout: EVENTUALLY,
}, async () => {
  const pace = { firstTokenMs: 50, deltasPerSecond: DELTAS_PER_SECOND };
  await using machines = await startMachines(2, { pace });
  machines.simulator.always({ long: true });
  const [a, b] = [relayAt(machines, 0), relayAt(machines, 1)];
  machines.balancer.route(portOf(a));
  const client = machines.client(undefined, { reconnects: true });
  await client.connect();
  const onA = Array.from({ length: STREAMS }, () => client.start());
  // Holds nothing, and reads all from Redis.
  const second = machines.client(b);
  await second.connect();
  await client.until(() => onA.every(({ seq }) => seq > 20) || undefined);

  machines.balancer.route(portOf(b));
  const killedAt = performance.now();
  a.kill('SIGKILL');
  await a.exited;
  const heldAtDeath = onA.map(({ seq }) => seq);
  const onB = onA.map((stream) => second.adopt(stream));
  for (const stream of onB) second.resume(stream, 0);

  const took: number[] = [];
  const missing: number[] = [];
  const endings = async (streams: readonly HeldStream[], of: typeof client) =>
    Promise.all(
      streams.map(async (stream) => {
        const ending = await of.ended(stream);
        took.push(performance.now() - killedAt);
        return ending;
      }),
    );
  for (const ending of [...(await endings(onA, client)), ...(await endings(onB, second))]) {
    expect(ending).toMatchObject({ type: 'error', code: 'interrupted', retryable: true });
  }
  for (const [index, stream] of onB.entries()) {
    const original = onA[index];
    expect(original?.text.startsWith(stream.text)).toBe(true);
    missing.push(((heldAtDeath[index] ?? 0) - stream.seq) * (1000 / DELTAS_PER_SECOND));
  }
  // A delta in flight more or less: what was delivered by A and is nowhere else.
  expect(Math.max(...missing)).toBeLessThanOrEqual(250 + 1000 / DELTAS_PER_SECOND);
  report(
    `kill -9 until interrupted, ms: ${percentiles(took)}; missing on Redis, ms: ${percentiles(missing)}`,
  );
});

it('an ended run outlives its machine', { timeout: EVENTUALLY }, async () => {
  await using machines = await startMachines(2, { pace: { firstTokenMs: 0, deltasPerSecond: 1000 } });
  const [a, b] = [relayAt(machines, 0), relayAt(machines, 1)];
  const client = machines.client(a);
  await client.connect();
  const stream = client.start({ id: 'begun-and-ended' });
  await client.ended(stream);
  await eventually('the ending is published', () => closedLog(machines.redis.client));
  a.kill('SIGKILL');
  await a.exited;
  const later = machines.client(b);
  await later.connect();
  const adopted = later.adopt(stream);
  later.resume(adopted, 0);
  expect(await later.ended(adopted)).toEqual(stream.ending);
  expect(adopted.text).toBe(stream.text);
  const leases = () => machines.redis.client.keys(`${KEYS}:lease:*`);
  await eventually('the lease of the dead machine lapses', async () => (await leases()).length === 1);
});

/** The ending of a log has the highest id there is. */
async function closedLog(redis: Machines['redis']['client']): Promise<boolean> {
  const [log = ''] = await redis.keys(`${KEYS}:log:*`);
  const [last] = await redis.xrevrange(log, '+', '-', 'COUNT', 1);
  return last?.[0] === `${HIGHEST}-${HIGHEST}`;
}
