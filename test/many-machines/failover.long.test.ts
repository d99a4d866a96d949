import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Random } from '../../src/simulator/random.ts';
import { deltasFor } from '../support/deltas-for.ts';
import type { HeldStream } from '../support/held-stream.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import type { RelayClient } from '../support/relay-client.ts';
import { dataDirectory, type RelayChild } from '../support/relay-process.ts';
import { eventually, percentiles, report, SEED } from '../support/test-run.ts';
import { type Machines, portOf, startMachines } from './machines.ts';
import { type RedisPair, startRedisPair } from './redis-pair.ts';

const KILLS = 50;
const FAILOVERS = 20;
const CLIENTS = 12;
const STREAMS_AT_ONCE = 3;
const PACE = { firstTokenMs: [1, 200], deltasPerSecond: [20, 60] } as const;
/** A `resume` is refused while a machine cannot ask the others; asked again until it is certain that nobody knows more, ms. */
const ASK_AGAIN_MS = 250;
const ASK_FOR_MS = 12_000;

/** How a stream ended for its client, of which the question and the whole answer are known. */
interface Told {
  readonly stream: HeldStream;
  readonly question: string;
  readonly how: 'done' | 'interrupted' | 'gap' | 'refused';
  /** Times that it could not be read on at once. */
  readonly gaps: number;
}

it(`${KILLS} SIGKILLs and ${FAILOVERS} failovers of Redis under load: one ending and one row each, whole texts or a clear end`, {
  timeout: 1_800_000,
}, async () => {
  await using open = new AsyncDisposableStack();
  const redis = open.use(await startRedisPair());
  const postgres = await startPostgres();
  open.defer(() => postgres.close());
  const machines = open.use(await startMachines(0, { pace: PACE }, settingsOf(redis, postgres)));
  machines.simulator.always(({ question }) => ({ deltas: deltasFor(question) }));
  const places = [open.use(dataDirectory()), open.use(dataDirectory())].map(({ path }) => path);
  const fleet = new Fleet(machines, places);
  await fleet.launchAll();

  let isOver = false;
  const talking = Array.from({ length: CLIENTS }, (_, user) => talk(machines, user + 1, () => isOver));
  await faults(fleet, redis);
  isOver = true;
  const told = (await Promise.all(talking)).flat();
  await eventually('every request at the model is over', () => machines.simulator.stats.open === 0);

  for (const each of told) checkText(each);
  await checkRows(fleet, told, postgres);
  summarize(told, machines.simulator.requests.length);
});

function settingsOf(redis: RedisPair, postgres: PostgresServer) {
  return { REDIS_URL: redis.url, DATABASE_URL: postgres.url('relay') };
}

/** Relays on disks of their own: one that is killed is started again on its disk. */
class Fleet {
  readonly #machines: Machines;
  readonly #places: readonly string[];
  readonly relays: RelayChild[] = [];

  constructor(machines: Machines, places: readonly string[]) {
    this.#machines = machines;
    this.#places = places;
  }

  async launchAll(): Promise<void> {
    for (const place of this.#places.keys()) await this.#launch(place);
  }

  /** One at a time: the other one serves. */
  async kill(place: number): Promise<void> {
    const relay = this.relays[place];
    if (relay === undefined) throw new Error(`there is no relay ${place}`);
    this.#machines.balancer.route(...this.relays.filter((each) => each !== relay).map(portOf));
    relay.kill('SIGKILL');
    await relay.exited;
    await this.#launch(place);
  }

  async #launch(place: number): Promise<void> {
    this.relays[place] = await this.#machines.launch({}, this.#places[place]);
    this.#machines.balancer.route(...this.relays.map(portOf));
  }
}

/** In an order of chance; some so close to each other that one machine dies while Redis is away. */
async function faults(fleet: Fleet, redis: RedisPair): Promise<void> {
  const random = new Random(SEED);
  const left = { kills: KILLS, failovers: FAILOVERS };
  let failingOver: Promise<void> = Promise.resolve();
  while (left.kills + left.failovers > 0) {
    await wait(random.integer(300, 1500));
    if (random.integer(1, left.kills + left.failovers) <= left.failovers) {
      left.failovers -= 1;
      await failingOver;
      failingOver = redis.failOver(random.pick([0, 50, 200]), random.pick([0, 100, 1000, 3000]));
      if (random.integer(0, 1) === 0) continue;
    } else {
      left.kills -= 1;
      await fleet.kill(random.integer(0, 1));
    }
    await failingOver;
  }
  await failingOver;
  await wait(1000);
}

/** Asks question after question, several at once, until it is over. */
async function talk(machines: Machines, user: number, isOver: () => boolean): Promise<Told[]> {
  const client = machines.client(undefined, { user, reconnects: true });
  const gaps = new Gaps(client);
  await client.connect();
  const told: Told[] = [];
  let asked = 0;
  const ask = async (): Promise<void> => {
    while (!isOver()) {
      await client.until(() => client.isConnected || undefined);
      asked += 1;
      const question = `question ${asked} of ${user}, ${SEED}`;
      const stream = client.start({ messages: [{ role: 'user', content: question }] });
      const how = await client.until(() => outcomeOf(stream, gaps));
      told.push({ stream, question, how, gaps: gaps.of(stream) });
      client.streams.delete(stream.id);
      if (how === 'refused') await wait(ASK_AGAIN_MS);
    }
  };
  await Promise.all(Array.from({ length: STREAMS_AT_ONCE }, ask));
  await client.close();
  return told;
}

function outcomeOf(stream: HeldStream, gaps: Gaps): Told['how'] | undefined {
  if (stream.isAsked('resume')) return undefined; // its answer is still to come
  if (stream.refusal !== undefined) return 'refused';
  if (stream.ending?.type === 'done') return 'done';
  if (stream.ending?.type === 'error' && stream.ending.code === 'interrupted') return 'interrupted';
  if (stream.ending !== undefined) throw new Error(`it ended as ${JSON.stringify(stream.ending)}`);
  return gaps.isFinal(stream) ? 'gap' : undefined;
}

/** What a client does that may not read on: it asks again for a while. */
class Gaps {
  readonly #counts = new Map<HeldStream, number>();
  readonly #since = new Map<HeldStream, number>();

  constructor(client: RelayClient) {
    client.onFrame = (frame) => {
      const stream = 'id' in frame && frame.id !== undefined ? client.streams.get(frame.id) : undefined;
      if (stream === undefined) return;
      if (frame.type === 'resumed') this.#since.delete(stream);
      if (frame.type !== 'error' || frame.of !== 'resume') return;
      this.#counts.set(stream, this.of(stream) + 1);
      this.#since.set(stream, this.#since.get(stream) ?? performance.now());
      setTimeout(() => this.#askAgain(client, stream), ASK_AGAIN_MS);
    };
  }

  of(stream: HeldStream): number {
    return this.#counts.get(stream) ?? 0;
  }

  isFinal(stream: HeldStream): boolean {
    const since = this.#since.get(stream);
    return since !== undefined && performance.now() - since > ASK_FOR_MS;
  }

  #askAgain(client: RelayClient, stream: HeldStream): void {
    const isPending = stream.isFollowed || stream.isAsked('resume') || stream.over;
    // A client that is just coming back resumes by itself.
    if (!isPending && client.isConnected && client.streams.has(stream.id)) client.resume(stream);
  }
}

function checkText({ stream, question, how }: Told): void {
  const whole = deltasFor(question).join('');
  if (how === 'done') expect(sha256(stream.text), `${question}: the text`).toBe(sha256(whole));
  else expect(whole.startsWith(stream.text), `${question}, ${how}: a beginning of the text`).toBe(true);
}

/** One row for each run that anybody knows of, each settled, and the whole bill where a client has the whole text. */
async function checkRows(fleet: Fleet, told: readonly Told[], postgres: PostgresServer): Promise<void> {
  const read = async () => (await Promise.all(fleet.relays.map((relay) => relay.usageRows()))).flat();
  await eventually('every row is settled', async () =>
    (await read()).every(({ status }) => status !== 'running'),
  );
  const rows = await read();
  const byEpoch = new Map(rows.map((row) => [row.epoch, row]));
  expect(byEpoch.size, 'one row for each epoch').toBe(rows.length);
  const known = told.flatMap(({ stream: { epoch } }) => epoch ?? []);
  expect(new Set(known).size, 'a run for each stream').toBe(known.length);
  expect(
    known.filter((epoch) => !byEpoch.has(epoch)),
    'runs without a row',
  ).toEqual([]);
  const whole = told.filter(({ how }) => how === 'done').map(({ stream }) => byEpoch.get(stream.epoch ?? ''));
  expect(whole.filter((row) => row?.status !== 'done' || row.source !== 'final')).toEqual([]);
  const arrived = async () => await postgres.query<{ epoch: string }>('SELECT epoch FROM dash_relay.usage');
  await eventually('all rows are in Postgres', async () => (await arrived()).length === rows.length);
  expect(new Set((await arrived()).map(({ epoch }) => epoch))).toEqual(new Set(byEpoch.keys()));
}

function summarize(told: readonly Told[], requests: number): void {
  const count = (how: Told['how']) => told.filter((each) => each.how === how).length;
  const waited = told.map(({ gaps }) => gaps);
  report(
    `${KILLS} SIGKILLs, ${FAILOVERS} failovers; ${told.length} streams, ${requests} requests: done ${count('done')}, ` +
      `interrupted ${count('interrupted')}, gap ${count('gap')}, refused ${count('refused')}; ` +
      `refused resumes of a stream: ${percentiles(waited)}; seed ${SEED}`,
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
