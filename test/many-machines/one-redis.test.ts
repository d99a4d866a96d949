/** What lies in Redis is not only ours, and not only right: nobody else's streams are touched, no process ends. */
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { HeldStream } from '../support/held-stream.ts';
import { ask } from '../support/http-doors.ts';
import type { RelayClient } from '../support/relay-client.ts';
import { type RelayChild, userId } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { KEYS, type Machines, relayAt, startMachines } from './machines.ts';

const OTHERS = 20;
const STARTS = 8;
const HIGHEST = '18446744073709551615-18446744073709551615';

let machines: Machines;
let redis: Redis;
let a: RelayChild;
let b: RelayChild;

beforeAll(async () => {
  machines = await startMachines(
    2,
    { pace: { firstTokenMs: 20, deltasPerSecond: 20 } },
    { STARTS_PER_MINUTE: String(STARTS) },
  );
  machines.simulator.always({ long: true });
  [a, b] = [relayAt(machines, 0), relayAt(machines, 1)];
  redis = machines.redis.client;
});
afterAll(() => machines[Symbol.asyncDispose]());

/** Long answers go on by themselves, and would be more with each test. */
afterEach(() => {
  for (const { here, stream } of talks.splice(0)) if (!stream.over) here.cancel(stream);
});

/** Whatever a test did: both processes answer, and neither thought that Redis was away. */
afterEach(async () => {
  for (const relay of [a, b]) {
    const { status, body } = await ask(`${relay.url}/readyz`);
    expect([status, JSON.parse(body)]).toMatchObject([200, { dependencies: { redis: 'up' } }]);
    expect(relay.logLines.filter(({ msg }) => msg.startsWith('redis is away'))).toEqual([]);
  }
});

interface Talk {
  readonly here: RelayClient;
  readonly there: RelayClient;
  readonly stream: HeldStream;
  readonly user: number;
}

let users = 100;
const talks: Talk[] = [];

/** A stream of a new user on the first machine, and one client on each. */
async function talking(): Promise<Talk> {
  users += 1;
  const user = users;
  const [here, there] = [machines.client(a, { user }), machines.client(b, { user })];
  await Promise.all([here.connect(), there.connect()]);
  const stream = here.start();
  await here.until(() => stream.seq > 2 || undefined);
  const talk = { here, there, stream, user };
  talks.push(talk);
  return talk;
}

async function readOn(there: RelayClient, stream: HeldStream): Promise<HeldStream> {
  const followed = there.adopt(stream);
  there.resume(followed, 0);
  await there.until(() => followed.seq > 2 || undefined);
  return followed;
}

it('a user who starts the same id on both machines over his rate takes nobody with him', async () => {
  const others = await Promise.all(Array.from({ length: OTHERS }, talking));
  const [loudHere, loudThere] = [machines.client(a, { user: 1 }), machines.client(b, { user: 1 })];
  await Promise.all([loudHere.connect(), loudThere.connect()]);
  const refusals: HeldStream[] = [];
  for (let count = 0; count < 100; count += 1) {
    const id = `loud-${count}`;
    refusals.push(loudHere.start({ id }), loudThere.start({ id }));
    if (count % 5 === 0) {
      const next = others[count / 5];
      if (next !== undefined) await readOn(next.there, next.stream);
    }
  }
  await eventually('every start was answered', () =>
    refusals.every(({ refusal, epoch }) => refusal !== undefined || epoch !== undefined),
  );
  const codes = new Set(refusals.flatMap(({ refusal }) => refusal?.code ?? []));
  expect([...codes].filter((code) => code !== 'rate_limited' && code !== 'unavailable')).toEqual([]);
  expect(codes).toContain('rate_limited');
});

describe('what is malformed costs its own stream and no other', () => {
  it.each([
    ['null', 'null'],
    ['of another shape', '{"type":"done"}'],
    ['huge', `"${'x'.repeat(4 << 20)}"`],
  ])('an ending that is %s', async (_what, ending) => {
    const [lost, kept] = [await talking(), await talking()];
    const followed = await readOn(lost.there, lost.stream);
    const beside = await readOn(kept.there, kept.stream);
    const refused = lost.there.refused('resume');
    await redis.xadd(`${KEYS}:log:${lost.stream.epoch}`, HIGHEST, 'ending', ending);
    expect(await refused).toMatchObject({ code: 'resume_gap', id: followed.id });
    const seq = beside.seq;
    await kept.there.until(() => beside.seq > seq + 5 || undefined);
    await b.logged('malformed in redis: that stream is lost to other machines');
  });

  it.each([
    ['without a mark', 'words'],
    ['that are no JSON', '\u001f{'],
    ['of 9 MiB', `\u001e${'x'.repeat(9 << 20)}`],
  ])('deltas %s', async (_what, payload) => {
    const [lost, kept] = [await talking(), await talking()];
    await readOn(lost.there, lost.stream);
    const beside = await readOn(kept.there, kept.stream);
    const refused = lost.there.refused('resume');
    await redis.xadd(`${KEYS}:log:${lost.stream.epoch}`, '1000000-0', 'deltas', payload);
    expect(await refused).toMatchObject({ code: 'resume_gap' });
    const seq = beside.seq;
    await kept.there.until(() => beside.seq > seq + 5 || undefined);
    // Its owner reads from no copy.
    const own = lost.stream.seq;
    await lost.here.until(() => lost.stream.seq > own + 5 || undefined);
  });

  it('a record or a log of another type: the owner writes it anew', async () => {
    const { there, stream, user } = await talking();
    const run = `${KEYS}:run:${userId(user)}:${stream.id}`;
    for (const key of [run, `${KEYS}:log:${stream.epoch}`, `${KEYS}:live:${userId(user)}`]) {
      await redis.set(key, 'not ours');
    }
    await eventually('both are there again', async () => (await redis.type(run)) === 'hash');
    const followed = await readOn(there, stream);
    expect(followed.text).toBe(stream.text.slice(0, followed.text.length));
  });

  it.each([
    ['of another type', (key: string) => redis.set(key, 'x')],
    ['without its fields', (key: string) => redis.hset(key, 'epoch', 'x')],
    ['with a field of 1 MiB', (key: string) => redis.hset(key, { ...FIELDS, model: 'x'.repeat(1 << 20) })],
    ['with a line feed', (key: string) => redis.hset(key, { ...FIELDS, owner: 'a\nb' })],
  ])('a record %s: unknown to a resume, and free to a start', async (what, write) => {
    const client = machines.client(b, { user: 2 });
    await client.connect();
    const id = `stranger-${what.replaceAll(' ', '-')}`;
    await write(`${KEYS}:run:${userId(2)}:${id}`);
    const refused = client.refused('resume');
    client.send({ type: 'resume', id, epoch: 'AAAAAAAAAAAAAAAA', after: 0 });
    expect(await refused).toMatchObject({ code: 'unknown_stream' });
    await client.accepted(client.start({ id }));
  });

  it('leases, cancels and live streams of another type, and messages that are none', async () => {
    const { there, stream, user } = await talking();
    const [lease = ''] = await redis.keys(`${KEYS}:lease:*`);
    const machine = lease.slice(`${KEYS}:lease:`.length);
    await redis.hset(`${KEYS}:cancel:${machine}`, 'not', 'ours');
    await redis.del(lease);
    await redis.lpush(lease, 'x');
    await redis.set(`${KEYS}:live:${userId(user)}`, 'x');
    for (const message of [
      '',
      'null',
      'added',
      'follow\u001d',
      `added\u001d${stream.epoch}\u001dx\u001dy\u001d`,
    ]) {
      for (const mailbox of (await redis.pubsub('CHANNELS', `${KEYS}:to:*`)) as string[]) {
        await redis.publish(mailbox, message);
      }
    }
    const followed = await readOn(there, stream);
    there.cancel(followed);
    expect(await there.ended(followed)).toMatchObject({ type: 'cancelled' });
  });
});

const FIELDS = { epoch: 'AAAAAAAAAAAAAAAA', requestHash: 'x', action: 'chat', model: 'm', owner: 'o' };

describe('two projects on one Redis', () => {
  it('neither read, stop nor count each other', async () => {
    const other = { REDIS_PREFIX: 'dash:other', MAX_STREAMS_PER_USER: '1' };
    const c = await machines.launch(other);
    const { stream, user } = await talking();
    const stranger = machines.client(c, { user });
    await stranger.connect();
    for (const frame of [{ type: 'resume', epoch: stream.epoch, after: 0 }, { type: 'cancel' }] as const) {
      const refused = stranger.refused(frame.type);
      stranger.send({ ...frame, id: stream.id });
      expect(await refused).toMatchObject({ code: 'unknown_stream' });
    }
    const own = stranger.start({ id: stream.id });
    await stranger.accepted(own);
    expect(own.epoch).not.toBe(stream.epoch);
    stranger.cancel(own);
    await stranger.ended(own);
    expect(stream.ending).toBeUndefined();
  });

  it('are told apart by their issuers where nothing is set', async () => {
    const keysOf = async (issuer: string): Promise<string> => {
      const relay = await machines.launch({ REDIS_PREFIX: '', SUPABASE_JWT_ISSUER: issuer });
      const [line] = await relay.logged('redis is reached');
      return String(line?.['prefix']);
    };
    const [one, two, again] = await Promise.all(
      [
        'https://one.supabase.co/auth/v1',
        'https://two.supabase.co/auth/v1',
        'https://one.supabase.co/auth/v1',
      ].map(keysOf),
    );
    expect(one).toMatch(/^dash:[0-9a-f]{12}$/);
    expect(two).not.toBe(one);
    expect(again).toBe(one);
  });
});

it.each([
  ['an earlier', 'dash:to:old-machine', 1],
  ['a later', 'dash:test:3:to:new-machine', 3],
])('beside a relay of %s format it says so, and a client is to stay', async (_which, mailbox, format) => {
  const there =
    'relays of another version are on this redis: no stream moves between them and this one until they are gone';
  const gone = 'no relay of another version is on this redis any more';
  const before = a.logLines.filter(({ msg }) => msg === there).length;
  const c = await machines.launch();
  const client = machines.client(c, { user: 3 });
  await client.connect();
  const foreign = redis.duplicate();
  await foreign.subscribe(mailbox);
  const [line] = await c.logged(there);
  await a.logged(there, before + 1);
  expect(line?.['formats']).toEqual([format]);
  const goingAway = client.next('going_away');
  const stream = client.start();
  await client.accepted(stream);
  c.kill('SIGTERM');
  expect(await goingAway).toMatchObject({ resume: 'here' });
  client.cancel(stream);
  await client.ended(stream);
  foreign.disconnect();
  await a.logged(gone, before + 1);
});
