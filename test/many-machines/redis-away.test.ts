import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import type { HeldStream } from '../support/held-stream.ts';
import { ask } from '../support/http-doors.ts';
import type { RelayClient } from '../support/relay-client.ts';
import type { RelayChild } from '../support/relay-process.ts';
import { eventually, LONG } from '../support/test-run.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { type Machines, relayAt, startMachines } from './machines.ts';

/** How long Redis is away: longer than a lease. */
const AWAY_MS = LONG ? 30_000 : 6000;
const STREAMS = 20;
const EVENTUALLY = 90_000;

let machines: Machines;
/** Between the first machine and Redis. */
let wire: Balancer;
let a: RelayChild;
let b: RelayChild;

beforeAll(async () => {
  machines = await startMachines(1, { pace: { firstTokenMs: 20, deltasPerSecond: LONG ? 8 : 15 } });
  machines.simulator.always({ long: true });
  wire = await startBalancer(machines.redis.port);
  a = await machines.launch({ REDIS_URL: `redis://127.0.0.1:${wire.port}` });
  b = relayAt(machines, 0);
});
afterAll(async () => {
  await wire[Symbol.asyncDispose]();
  await machines[Symbol.asyncDispose]();
});

interface Scene {
  readonly here: RelayClient;
  readonly there: RelayClient;
  readonly streams: readonly HeldStream[];
}

let scene: Scene;

/** Streams of the first machine that talk, each read here and on the other machine. */
beforeEach(async () => {
  await Promise.all([a, b].map((relay) => redisIs('up', relay)));
  const [here, there] = [machines.client(a), machines.client(b)];
  await Promise.all([here.connect(), there.connect()]);
  const streams = Array.from({ length: STREAMS }, () => here.start());
  await here.until(() => streams.every(({ seq }) => seq > 2) || undefined);
  for (const stream of streams) there.resume(there.adopt(stream), 0);
  await there.until(() => [...there.streams.values()].every(({ seq }) => seq > 2) || undefined);
  scene = { here, there, streams };
});

async function redisIs(state: 'up' | 'down', relay: RelayChild): Promise<void> {
  await eventually(`redis is ${state}`, async () => {
    const { body } = await ask(`${relay.url}/readyz`);
    return (JSON.parse(body) as { dependencies: { redis: string } }).dependencies.redis === state;
  });
}

/** Every stream goes on here while Redis is away, and a new one starts at once. */
async function goesOnHere(): Promise<void> {
  const { here, streams } = scene;
  const before = streams.map(({ seq }) => seq);
  await here.until(() => streams.every(({ seq }, index) => seq > (before[index] ?? 0) + 10) || undefined);
  const started = here.start();
  await here.until(() => started.seq > 2 || undefined);
  expect(streams.map(({ ending }) => ending)).toEqual(streams.map(() => undefined));
  expect((await ask(`${a.url}/readyz`)).status).toBe(200);
}

/** The readers on the other machine have caught up with those here, to the same endings. */
async function healsThere(): Promise<void> {
  const { here, there, streams } = scene;
  const followed = streams.map(({ id }) => there.streams.get(id) as HeldStream);
  const goal = streams.map(({ seq }) => seq);
  await there.until(() => followed.every(({ seq }, index) => seq >= (goal[index] ?? 0)) || undefined);
  for (const stream of followed) there.cancel(stream);
  for (const [index, stream] of followed.entries()) {
    const original = streams[index] as HeldStream;
    const ending = await there.ended(stream);
    expect(ending.type).not.toBe('error');
    expect(await here.ended(original)).toEqual(ending);
    expect(stream.text).toBe(original.text);
  }
}

/** How the streams ended, by the rows of the machine that ran them. */
async function endingsInRows(): Promise<readonly string[]> {
  const ids = new Set(scene.streams.map(({ id }) => id));
  const rows = async () => (await a.usageRows()).filter(({ streamId }) => ids.has(streamId));
  await eventually('each has ended where it ran', async () =>
    (await rows()).every(({ status }) => status !== 'running'),
  );
  return (await rows()).map(({ status, code }) => `${status} ${code}`);
}

describe('live streams go on, and readers elsewhere catch up, when Redis', () => {
  it('does not answer for a while', { timeout: EVENTUALLY }, async () => {
    machines.redis.freeze();
    await Promise.all([a, b].map((relay) => redisIs('down', relay)));
    await goesOnHere();
    await wait(AWAY_MS); // how long it is away
    machines.redis.thaw();
    await healsThere();
  });

  it('ends and comes back empty', { timeout: EVENTUALLY }, async () => {
    await machines.redis.stop();
    await Promise.all([a, b].map((relay) => redisIs('down', relay)));
    await goesOnHere();
    await machines.redis.restart();
    await healsThere();
  });

  it('loses all it holds', { timeout: EVENTUALLY }, async () => {
    await machines.redis.client.flushall();
    await goesOnHere();
    await healsThere();
  });

  it('closes every connection', { timeout: EVENTUALLY }, async () => {
    await machines.redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await machines.redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await goesOnHere();
    await healsThere();
  });

  it('has no memory left', { timeout: EVENTUALLY }, async () => {
    await machines.redis.client.config('SET', 'maxmemory', '1');
    await Promise.all([a, b].map((relay) => redisIs('down', relay)));
    await goesOnHere();
    await machines.redis.client.config('SET', 'maxmemory', '0');
    await healsThere();
  });

  if (LONG) {
    it('takes their channels from them', { timeout: EVENTUALLY }, async () => {
      await machines.redis.client.acl('SETUSER', 'default', 'resetchannels');
      await Promise.all([a, b].map((relay) => redisIs('down', relay)));
      await goesOnHere();
      await machines.redis.client.acl('SETUSER', 'default', 'allchannels');
      await healsThere();
    });

    it('is made a replica, and promoted again', { timeout: EVENTUALLY }, async () => {
      await machines.redis.client.replicaof('127.0.0.1', await freePort());
      await Promise.all([a, b].map((relay) => redisIs('down', relay)));
      await goesOnHere();
      await machines.redis.client.replicaof('NO', 'ONE');
      await healsThere();
    });
  }

  it('is slow', { timeout: EVENTUALLY }, async () => {
    for (let pause = 0; pause < 3; pause += 1) {
      await machines.redis.client.call('CLIENT', 'PAUSE', '700', 'ALL');
      await goesOnHere();
    }
    await healsThere();
  });
});

it('a resume that cannot be looked up is refused as a gap, a cancel as unavailable', {
  timeout: EVENTUALLY,
}, async () => {
  const [stream] = scene.streams;
  const stranger = machines.client(b);
  await stranger.connect();
  await machines.redis.stop();
  await redisIs('down', b);
  stranger.send({ type: 'resume', id: 'unheard-of', epoch: stream?.epoch, after: 0 });
  expect(await stranger.refused('resume')).toMatchObject({ code: 'resume_gap' });
  stranger.send({ type: 'cancel', id: 'unheard-of' });
  expect(await stranger.refused('cancel')).toMatchObject({ code: 'unavailable', retryable: true });
  await machines.redis.restart();
});

it('a machine cut off from Redis: its own readers go on until it hears that others have told an ending, and get the same one', {
  timeout: EVENTUALLY,
}, async () => {
  const { here, there, streams } = scene;
  wire.partition();
  await redisIs('down', a);
  for (const stream of there.streams.values()) {
    expect(await there.ended(stream)).toMatchObject({ type: 'error', code: 'interrupted' });
  }
  await goesOnHere();
  wire.heal();
  await redisIs('up', a);
  for (const stream of streams)
    expect(await here.ended(stream)).toMatchObject({ type: 'error', code: 'interrupted', retryable: true });
  expect(await endingsInRows()).toEqual(streams.map(() => 'error interrupted'));
  // A run of its own begins as ever.
  const next = here.start();
  await here.accepted(next);
  const adopted = there.adopt(next);
  there.resume(adopted, 0);
  await there.until(() => adopted.seq > 2 || undefined);
});

it('a machine cut off from Redis and from its clients: they read one ending elsewhere, and its rows say the same', {
  timeout: EVENTUALLY,
}, async () => {
  const { here, there, streams } = scene;
  wire.partition();
  here.drop();
  const endings = await Promise.all([...there.streams.values()].map((stream) => there.ended(stream)));
  expect(endings.map((ending) => 'code' in ending && ending.code)).toEqual(streams.map(() => 'interrupted'));
  wire.heal();
  expect(await endingsInRows()).toEqual(streams.map(() => 'error interrupted'));
  // Whoever comes to the machine that ran them is told the same.
  const next = machines.client(a);
  await next.connect();
  for (const stream of streams) next.resume(next.adopt(stream), 0);
  for (const stream of next.streams.values())
    expect(await next.ended(stream)).toMatchObject({ type: 'error', code: 'interrupted' });
});
