/**
 * What a system does to a process: F24 its event loop stands still, F26 it has no descriptors left, F27 its disk takes
 * nothing, F19 its clock is set a month away. One process goes through all of them: its streams go on, and all is well
 * afterwards.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import type { HeldStream } from '../support/held-stream.ts';
import { ask } from '../support/http-doors.ts';
import { connectClient, type RelayClient } from '../support/relay-client.ts';
import { dataDirectory, type RelayChild, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';

const STREAMS = 10;
/** Than there are connections to the model that can be used again. */
const MORE = 30;
const EVENTUALLY = 120_000;
const MONTH_MS = 30 * 86_400_000;
/** How long the event loop stands still: longer than every limit. */
const BLOCK_MS = 2000;
const LIMITS = { UPSTREAM_IDLE_MS: '1900', UPSTREAM_CONNECT_MS: '1900', HEARTBEAT_MS: '500' };
/** Some four seconds of an answer. */
const ANSWER = { deltas: Array.from({ length: 120 }, (_, at) => `word ${at} `) };
const TEXT = ANSWER.deltas.join('');

/** No relay listens to these signals. */
const AT_SIGNALS = `
  let set = 0;
  const now = Date.now;
  Date.now = () => now() + set;
  process.on('SIGIO', () => { set += ${MONTH_MS}; });
  process.on('SIGURG', () => { set -= ${MONTH_MS}; });
  process.on('SIGWINCH', () => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${BLOCK_MS}); });
`;

const data = dataDirectory();
let simulator: Simulator;
let relay: RelayChild;
let users = 0;

beforeAll(async () => {
  simulator = await startSimulator({ pace: { firstTokenMs: 20, deltasPerSecond: 30 } });
  simulator.always(ANSWER);
  relay = await spawnRelay(data.path, {
    ...upstreamAt(simulator.url),
    ...LIMITS,
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(AT_SIGNALS)}`,
  });
});
afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await simulator.close();
  data[Symbol.dispose]();
});

interface Scene {
  readonly client: RelayClient;
  readonly streams: readonly HeldStream[];
}

/** A user, whose token is of now. */
async function newClient(): Promise<RelayClient> {
  users += 1;
  return await connectClient({ url: relay.url, token: await relay.token(users) });
}

/** Streams that talk; they end by themselves, whole, each with its row, and on one connection. */
async function scene(play: (scene: Scene) => Promise<void>): Promise<void> {
  await using client = await newClient();
  const streams = Array.from({ length: STREAMS }, () => client.start());
  await client.until(() => streams.every(({ seq }) => seq > 0) || undefined);
  await play({ client, streams });
  for (const stream of streams) {
    expect(await client.ended(stream)).toMatchObject({ type: 'done' });
    expect(stream.text).toBe(TEXT);
  }
  expect(client.connections).toBe(1);
  const rows = await rowsOf(...streams);
  expect(rows.map(({ status, source }) => `${status} ${source}`)).toEqual(streams.map(() => 'done final'));
}

async function rowsOf(...streams: readonly HeldStream[]) {
  const ids = new Set(streams.map(({ id }) => id));
  return (await relay.usageRows()).filter(({ streamId }) => ids.has(streamId));
}

/** Every stream says something more. */
async function goOn({ client, streams }: Scene): Promise<void> {
  const before = streams.map(({ seq }) => seq);
  const goes = ({ seq, ending }: HeldStream, index: number) =>
    ending !== undefined || seq > (before[index] ?? 0);
  await client.until(() => streams.every(goes) || undefined);
}

/** A new question on a new connection. */
async function isServed(): Promise<void> {
  await eventually('it is ready', async () => {
    const answer = await ask(`${relay.url}/readyz`).catch(() => undefined);
    return answer?.status === 200;
  });
  await using client = await newClient();
  // The model is asked again some seconds after it was not reached.
  await eventually('it answers', async () => (await client.ended(client.start())).type === 'done');
}

it('F24 an event loop that stands still for 2 s disconnects nobody, and nothing has timed out', {
  timeout: EVENTUALLY,
}, async () => {
  await scene(async (at) => {
    const before = performance.now();
    relay.kill('SIGWINCH');
    await goOn(at);
    await ask(`${relay.url}/healthz`);
    expect(performance.now() - before).toBeGreaterThan(BLOCK_MS / 2);
    await goOn(at);
    await isServed();
  });
});

describe('F19 the wall clock is set', () => {
  it.each([
    ['a month ahead', 'SIGIO'],
    ['back again', 'SIGURG'],
    ['a month back', 'SIGURG'],
  ] as const)(
    '%s: what runs goes on, and is timed by a clock that was not set',
    { timeout: EVENTUALLY },
    async (_how, signal) => {
      await scene(async (at) => {
        relay.kill(signal);
        await goOn(at);
        await isServed();
        for (const stream of at.streams) {
          const ending = await at.client.ended(stream);
          if (ending.type !== 'done') throw new Error(`it ended as ${ending.type}`);
          expect(ending.timing.totalMs).toBeGreaterThan(0);
          expect(ending.timing.totalMs).toBeLessThan(EVENTUALLY);
        }
      });
    },
  );
});

/** Sets a limit of the running process, as `ulimit` does for one that begins. */
function limit(resource: 'nofile' | 'fsize', soft: number | 'unlimited'): void {
  execFileSync('prlimit', [`--pid=${relay.pid}`, `--${resource}=${soft}:`]);
}

it('F26 a process without descriptors serves what it has, and all again once there are some', {
  timeout: EVENTUALLY,
}, async () => {
  const enough = readdirSync(`/proc/${relay.pid}/fd`).length * 10;
  await scene(async (at) => {
    limit('nofile', 3); // none is free, whatever is closed meanwhile
    const port = Number(new URL(relay.url).port);
    const crowd = Array.from({ length: 50 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    await Promise.all(crowd.map((socket) => once(socket, 'connect')));
    await goOn(at);
    // The model is asked over sockets, of which there are no more than before.
    const more = Array.from({ length: MORE }, () => at.client.start());
    await at.client.until(() => more.some(({ over }) => over) || undefined);
    await goOn(at);
    limit('nofile', enough);
    for (const socket of crowd) socket.destroy();
    await isServed();
    await at.client.until(() => more.every(({ over }) => over) || undefined);
    const done = more.filter(({ ending }) => ending?.type === 'done');
    const failed = more.filter(({ ending }) => ending?.type === 'error' && ending.retryable);
    // Other ledgers could not be looked for.
    const refused = more.filter(({ refusal }) => refusal?.code === 'unavailable');
    expect(done.length + failed.length + refused.length).toBe(MORE);
    expect(failed.length).toBeGreaterThan(0);
    const rows = await rowsOf(...more);
    expect(rows.filter(({ status }) => status === 'done')).toHaveLength(done.length);
    expect(rows.filter(({ status }) => status === 'error')).toHaveLength(failed.length);
    expect(rows).toHaveLength(done.length + failed.length);
  });
});

it('F27 a disk that takes nothing: what runs ends with its receipt, nothing begins, and no row is lost', {
  timeout: EVENTUALLY,
}, async () => {
  await scene(async ({ client, streams }) => {
    limit('fsize', 0);
    const refused = client.start();
    await client.until(() => refused.refusal);
    expect(refused.refusal).toMatchObject({ code: 'unavailable', retryable: true });
    for (const stream of streams) expect(await client.ended(stream)).toMatchObject({ type: 'done' });
    expect((await rowsOf(...streams)).map(({ status }) => status)).toEqual(streams.map(() => 'running'));
    limit('fsize', 'unlimited');
    await eventually('what waited is written', async () =>
      (await rowsOf(...streams)).every(({ status }) => status === 'done'),
    );
    await isServed();
    expect(await rowsOf(refused)).toEqual([]);
  });
});
