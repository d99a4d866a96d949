import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Addition, MachineMessage, RunRecord, SharedStore, Told } from '../../src/cluster/store/port.ts';
import { RedisSharedStore } from '../../src/cluster/store/redis.ts';
import type { ListedStream } from '../../src/protocol/frames.ts';
import { toWire } from '../../src/protocol/wire-text.ts';
import { systemClock } from '../../src/time/clock.ts';
import { MemorySharedStore, SharedMemory } from '../support/memory-shared-store.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

const HM = toWire('Hm: \\"é\\"');
const LOOKING = { call: 1, name: 'look_up', label: 'Я шукаю…', state: 'running' } as const;

const PREFIX = 'dash:test';
const LIMITS = { streams: 100, startsPerMinute: 100 };
const TIMES = { leaseMs: 60_000, liveMs: 60_000, endedMs: 60_000 };

interface Stores {
  /** Another machine's link to the same place. */
  connect(times?: typeof TIMES): Promise<SharedStore>;
  close(): Promise<void>;
}

async function memoryStores(): Promise<Stores> {
  const memory = new SharedMemory(systemClock);
  return {
    connect: async (times = TIMES) => new MemorySharedStore(memory, machineName(), times),
    close: async () => {},
  };
}

async function redisStores(): Promise<Stores> {
  const redis: RedisServer = await startRedis();
  const open: SharedStore[] = [];
  return {
    async connect(times = TIMES) {
      const store = new RedisSharedStore({
        url: redis.url,
        machine: machineName(),
        prefix: PREFIX,
        onMalformedMessage() {},
        ...times,
      });
      open.push(store);
      await untilHeld(
        async () =>
          (await store.beat().then(
            () => true,
            () => false,
          )) || undefined,
      );
      await untilHeld(async () => (await subscribers(redis, store.machine)) || undefined);
      return store;
    },
    async close() {
      for (const store of open) await store.close();
      await redis[Symbol.asyncDispose]();
    },
  };
}

async function subscribers(redis: RedisServer, machine: string): Promise<boolean> {
  const [, count] = (await redis.client.pubsub('NUMSUB', `${PREFIX}:2:to:${machine}`)) as [string, number];
  return count > 0;
}

describe.each([
  ['in memory', memoryStores],
  ['on Redis', redisStores],
])('the shared store %s', (_name, openStores) => {
  let stores: Stores;
  let here: SharedStore;
  let there: SharedStore;

  beforeAll(async () => {
    stores = await openStores();
    here = await stores.connect();
    there = await stores.connect();
    await here.beat();
    await there.beat();
  });
  afterAll(() => stores.close());

  const runHere = (fields: Partial<RunRecord> = {}) => newRun({ owner: here.machine, ...fields });
  const begun = async (fields: Partial<RunRecord> = {}) => {
    const run = runHere(fields);
    await here.claim(run, LIMITS);
    await here.restore(run, 0, false);
    return run;
  };
  const addition = (record: RunRecord, seq: number, payload: string, fields: Partial<Addition> = {}) => {
    const bytes = Buffer.byteLength(payload);
    return { record, begins: false, seq, bytes, ending: undefined, followers: [], ...fields };
  };
  const add = async (run: RunRecord, seq: number, payload: string, fields?: Partial<Addition>) => {
    const refused = await here.add([addition(run, seq, payload, fields)], Buffer.from(payload));
    return refused.length === 0;
  };

  it('gives an id to one of two that claim it at once, and tells the other whose it is', async () => {
    const mine = runHere();
    const theirs = { ...mine, epoch: newEpoch(), owner: there.machine };
    const claims = await Promise.all([here.claim(mine, LIMITS), there.claim(theirs, LIMITS)]);
    expect(claims.filter((claim) => claim === 'claimed')).toHaveLength(1);
    const held = await there.find(mine.userId, mine.id);
    expect(claims.find((claim) => claim !== 'claimed')).toEqual(held);
    expect(held).toEqual(claims[0] === 'claimed' ? mine : theirs);
  });

  it('knows no run of another user, nor one that was released', async () => {
    const run = runHere();
    await here.claim(run, LIMITS);
    expect(await there.find(newUser(), run.id)).toBeUndefined();
    await here.release(run);
    expect(await there.find(run.userId, run.id)).toBeUndefined();
  });

  it('counts the live runs of a user on all machines, but not those that ended or whose machine died', async () => {
    const userId = newUser();
    const dead = await stores.connect({ ...TIMES, leaseMs: 1 });
    await dead.beat();
    expect(await dead.claim(newRun({ userId, owner: dead.machine }), { ...LIMITS, streams: 2 })).toBe(
      'claimed',
    );
    await untilHeld(async () => !(await here.alive([dead.machine])).has(dead.machine) || undefined);
    const first = await begun({ userId });
    expect(await there.claim(newRun({ userId, owner: there.machine }), { ...LIMITS, streams: 2 })).toBe(
      'claimed',
    );
    expect(await there.claim(newRun({ userId, owner: there.machine }), { ...LIMITS, streams: 2 })).toBe(
      'too_many',
    );
    await add(first, 0, '', { ending: '{}' });
    expect(await there.claim(newRun({ userId, owner: there.machine }), { ...LIMITS, streams: 2 })).toBe(
      'claimed',
    );
  });

  it('counts the starts of a user on all machines, but not of those that find their run', async () => {
    const userId = newUser();
    const limits = { ...LIMITS, startsPerMinute: 2 };
    const first = runHere({ userId });
    expect(await here.claim(first, limits)).toBe('claimed');
    expect(await there.claim({ ...first, epoch: newEpoch() }, limits)).toEqual(first);
    expect(await there.claim(newRun({ userId, owner: there.machine }), limits)).toBe('claimed');
    const late = newRun({ userId, owner: there.machine });
    const refused = (await there.claim(late, limits)) as { readonly retryAfterMs: number };
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(60_000);
    expect(await here.find(userId, late.id)).toBeUndefined();
  });

  it('frees the id of a run that never began when its machine died', async () => {
    const dead = await stores.connect({ ...TIMES, leaseMs: 1 });
    await dead.beat();
    const run = newRun({ owner: dead.machine });
    await dead.claim(run, LIMITS);
    await untilHeld(async () => !(await here.alive([dead.machine])).has(dead.machine) || undefined);
    expect(await here.claim({ ...run, epoch: newEpoch(), owner: here.machine }, LIMITS)).toBe('claimed');
  });

  it('reads what was added behind any position, then the ending', async () => {
    const run = await begun();
    expect(await there.read(run.epoch)).toEqual({
      exists: true,
      batches: [],
      ending: undefined,
      more: false,
    });
    expect(await add(run, 3, 'abc')).toBe(true);
    expect(await add(run, 5, 'dé\u001e', { ending: '{"type":"done"}' })).toBe(true);
    const batches = [
      { seq: 3, payload: 'abc' },
      { seq: 5, payload: 'dé\u001e' },
    ];
    expect(await there.read(run.epoch)).toEqual({
      exists: true,
      batches,
      ending: '{"type":"done"}',
      more: false,
    });
    expect(await there.read(run.epoch, 3)).toMatchObject({ batches: batches.slice(1) });
    expect(await there.read(run.epoch, 5)).toMatchObject({ batches: [], ending: '{"type":"done"}' });
  });

  it('reads a log of any length', async () => {
    const run = await begun();
    for (let seq = 1; seq <= 1200; seq += 1) await add(run, seq, 'x');
    const seqs: number[] = [];
    for (let more = true; more; ) {
      const page = await there.read(run.epoch, seqs.at(-1));
      seqs.push(...page.batches.map(({ seq }) => seq));
      more = page.more;
    }
    expect(seqs).toEqual(Array.from({ length: 1200 }, (_, index) => index + 1));
  });

  it('writes nothing into a log that is absent, nor twice, nor behind an ending', async () => {
    const absent = runHere();
    expect(await add(absent, 1, 'a')).toBe(false);
    expect((await there.read(absent.epoch)).exists).toBe(false);
    const run = await begun();
    await add(run, 2, 'ab');
    expect(await add(run, 2, 'ab')).toBe(false);
    await add(run, 2, '', { ending: '{"first":1}' });
    expect(await add(run, 3, 'c')).toBe(false);
    expect(await add(run, 2, '', { ending: '{"second":2}' })).toBe(false);
    expect(await there.read(run.epoch)).toMatchObject({ batches: [{ seq: 2 }], ending: '{"first":1}' });
  });

  it('adds to many logs at once and tells each outcome', async () => {
    const [first, absent, last] = [await begun(), runHere(), await begun()];
    const payloadOf = ({ epoch }: RunRecord) => `é${epoch}`;
    const additions = [first, absent, last].map((run) => addition(run, 1, payloadOf(run)));
    const payloads = Buffer.from([first, absent, last].map(payloadOf).join(''));
    expect(await here.add(additions, payloads)).toEqual([1]);
    expect((await there.read(last.epoch)).batches).toEqual([{ seq: 1, payload: payloadOf(last) }]);
  });

  it('begins a log with what is added first, where the id is still that run’s', async () => {
    const [silent, run, ended] = [runHere(), runHere(), runHere()];
    for (const each of [silent, run, ended]) await here.claim(each, LIMITS);
    expect(await add(silent, 0, '', { begins: true })).toBe(true);
    expect(await there.read(silent.epoch)).toMatchObject({ exists: true, batches: [] });
    expect(await add(run, 2, 'ab', { begins: true })).toBe(true);
    expect(await add(run, 3, 'c', { begins: true })).toBe(false);
    expect(await add(run, 3, 'c')).toBe(true);
    expect((await there.read(run.epoch)).batches).toMatchObject([{ seq: 2 }, { seq: 3 }]);
    expect(await add(ended, 1, 'a', { begins: true, ending: '{}' })).toBe(true);
    expect(await there.read(ended.epoch)).toMatchObject({ batches: [{ seq: 1 }], ending: '{}' });
    expect(await here.restore(ended, 0, false)).toBe('closed');
    expect(await add(runHere(), 1, 'a', { begins: true })).toBe(false);
    const late = { ...run, epoch: newEpoch() };
    expect(await add(late, 1, 'a', { begins: true })).toBe(false);
    expect((await there.read(late.epoch)).exists).toBe(false);
  });

  it('says how far a log goes, and begins it anew where what is held comes later', async () => {
    const run = await begun();
    await add(run, 4, 'abcd');
    expect(await here.restore(run, 0, false)).toBe(4);
    expect(await here.restore(run, 4, false)).toBe(4);
    expect(await here.restore(run, 9, false)).toBe(9);
    await add(run, 10, 'j');
    expect((await there.read(run.epoch)).batches).toEqual([{ seq: 10, payload: 'j' }]);
    await add(run, 10, '', { ending: '{}' });
    expect(await here.restore(run, 0, false)).toBe('closed');
  });

  it('restores a run it has lost, unless the id is taken', async () => {
    const run = runHere();
    expect(await here.restore(run, 7, false)).toBe(7);
    expect(await there.find(run.userId, run.id)).toEqual(run);
    const late = { ...run, epoch: newEpoch() };
    expect(await here.restore(late, 0, false)).toBe('taken');
  });

  it('restores a run whose id was claimed by a machine that died before its run began', async () => {
    const run = runHere();
    expect(await here.claim({ ...run, epoch: newEpoch(), owner: 'dead' }, LIMITS)).toBe('claimed');
    expect(await here.restore(run, 3, false)).toBe(3);
    expect(await there.find(run.userId, run.id)).toEqual(run);
  });

  it('says that a run was ended before that its id went to another', async () => {
    const run = await begun({ owner: 'dead' });
    expect(await there.end(run, 0, '{}')).toBe('ended');
    await here.release(run);
    expect(await there.restore({ ...run, epoch: newEpoch() }, 0, false)).toBe(0);
    expect(await here.restore(run, 0, false)).toBe('closed');
  });

  it('ends no run whose owner has a lease', async () => {
    const run = await begun();
    expect(await there.end(run, 0, '{}')).toBe('owned');
    expect(await add(run, 1, 'a')).toBe(true);
  });

  it('ends the run of a dead owner once, and only behind the last delta', async () => {
    const run = await begun({ owner: 'dead' });
    await add(run, 2, 'ab');
    expect(await there.end(run, 1, '{"early":1}')).toBe('moved');
    expect(await there.end(run, 3, '{"late":1}')).toBe(2);
    const outcomes = await Promise.all([
      there.end(run, 2, '{"by":"there"}'),
      here.end(run, 2, '{"by":"here"}'),
    ]);
    expect(outcomes.toSorted()).toEqual(['ended', 'moved']);
    expect(await add(run, 3, 'c')).toBe(false);
    expect(await there.end(runHere({ owner: 'dead' }), 0, '{}')).toBe('absent');
  });

  it('ends no run whose owner may have told its ending, be it dead or not', async () => {
    const run = await begun({ owner: 'dead' });
    await add(run, 2, 'ab');
    expect(await here.restore(run, 0, true)).toBe(2);
    expect(await here.restore(run, 0, false)).toBe(2); // says nothing against it
    expect(await there.end(run, 2, '{"by":"there"}')).toBe('ending');
    expect(await there.read(run.epoch)).toMatchObject({ ending: undefined });
    expect(await add(run, 2, '', { ending: '{"by":"owner"}' })).toBe(true);
    expect(await there.end(run, 2, '{"by":"there"}')).toBe('moved');
  });

  it('knows of an ending on its way also where it had lost the run', async () => {
    const run = runHere({ owner: 'dead' });
    expect(await here.restore(run, 7, true)).toBe(7);
    expect(await there.end(run, 7, '{}')).toBe('ending');
  });

  it('tells a machine what was added to a run it follows', async () => {
    const run = await begun();
    const received = nextMessage(there);
    await add(run, 2, '\u001eab\u001fc', { ending: '{"end":1}', followers: [there.machine] });
    expect(await received).toEqual({
      type: 'added',
      epoch: run.epoch,
      addition: { batches: [{ seq: 2, payload: '\u001eab\u001fc' }], ending: '{"end":1}' },
    });
  });

  it('carries messages, and a cancel also to an owner who did not listen', async () => {
    const run = await begun();
    for (const message of [
      { type: 'follow', epoch: run.epoch, machine: there.machine },
      { type: 'unfollow', epoch: run.epoch, machine: there.machine },
      { type: 'not_here', epoch: run.epoch },
      { type: 'interlude', epoch: run.epoch, after: 3, moment: { kind: 'thinking' } },
      { type: 'interlude', epoch: run.epoch, after: 3, moment: { kind: 'thinking', json: HM } },
      { type: 'interlude', epoch: run.epoch, after: 3, moment: { kind: 'tool', progress: LOOKING } },
    ] as const) {
      const received = nextMessage(here);
      there.send(here.machine, message);
      expect(await received).toEqual(message);
    }
    const received = nextMessage(here);
    await there.cancel(run);
    expect(await received).toEqual({ type: 'cancel', epoch: run.epoch });
    expect(await here.beat()).toEqual([run.epoch]);
    expect(await here.beat()).toEqual([]);
  });

  it('cancels the run that has an id, and says which it is', async () => {
    const run = await begun();
    const received: MachineMessage[] = [];
    here.listen(
      (message) => received.push(message),
      () => {},
    );
    expect(await there.cancelHeld(run.userId, run.id)).toEqual(run);
    await untilHeld(async () => received.length === 2 || undefined);
    expect(received).toEqual([
      { type: 'follow', epoch: run.epoch, machine: there.machine },
      { type: 'cancel', epoch: run.epoch },
    ]);
    expect(await here.beat()).toEqual([run.epoch]);
    expect(await there.cancelHeld(newUser(), run.id)).toBeUndefined();
    expect(await here.beat()).toEqual([]);
  });

  it('forgets a stream: nothing is found or read of it, and nothing can be written there any more', async () => {
    const run = await begun();
    await add(run, 2, '\u001eab\u001ecd', { ending: '{"end":1}' });
    const live = await begun({ userId: run.userId });
    await add(live, 1, '\u001eab');
    for (const { userId, id } of [run, live]) await there.forget(userId, id);
    await there.forget(run.userId, 'no-such-stream');
    for (const each of [run, live]) {
      expect(await here.find(each.userId, each.id)).toBeUndefined();
      expect(await here.read(each.epoch)).toEqual({
        exists: false,
        batches: [],
        ending: undefined,
        more: false,
      });
      expect(await add(each, 3, '\u001eef')).toBe(false);
      expect(await here.restore(each, 0, false)).toBe('forgotten');
      expect(await here.find(each.userId, each.id)).toBeUndefined();
    }
    expect(await here.claim(runHere({ userId: run.userId, id: run.id }), { ...LIMITS, streams: 1 })).toBe(
      'claimed',
    );
  });

  it('asks all machines to forget, itself too, and says how many they are', async () => {
    const { machine } = here;
    const { userId } = newRun({ owner: machine });
    for (const asked of [
      { type: 'forget', epoch: 'question-1', machine, userId, id: 's1', of: 'all' },
      { type: 'forget', epoch: 'question-2', machine, userId, of: 'memory' },
    ] as const) {
      const heard = [nextMessage(here), nextMessage(there)];
      expect(await here.tellAll(asked)).toBeGreaterThanOrEqual(2);
      expect(await Promise.all(heard)).toEqual([asked, asked]);
    }
    const said = nextMessage(here);
    there.send(machine, { type: 'forgotten', epoch: 'question-1' });
    expect(await said).toEqual({ type: 'forgotten', epoch: 'question-1' });
  });

  it('lists the streams of a user whose logs are held, and tells who watches of each change and each machine', async () => {
    const [one, other] = [runHere(), runHere()].map((run) => ({ ...run, userId: 'lister' }));
    if (one === undefined || other === undefined) throw new Error('two runs');
    const told: Told[] = [];
    await there.watch('lister', (each) => told.push(each));
    for (const run of [one, other]) await here.claim(run, LIMITS);
    const live = listedOf(one);
    await add(one, 0, '', { begins: true, listed: live });
    await add(other, 0, '', { begins: true, listed: listedOf(other) });
    const [owner] = [here.machine];
    expect(await there.listed('lister')).toHaveLength(2);
    expect(await there.listed('lister')).toContainEqual({ owner, stream: live });
    expect(await there.listed('nobody')).toEqual([]);
    const over = { ...live, state: 'ended', endedAt: 2, ending: 'done', head: 1, textLength: 1 } as const;
    await add(one, 1, 'a', { ending: '{}', listed: over });
    expect(await there.listed('lister')).toContainEqual({ owner, stream: over });
    await here.unlist('lister', other);
    expect(await there.listed('lister')).toEqual([{ owner, stream: over }]);
    await here.unlist('lister');
    expect(await there.listed('lister')).toEqual([]);
    await untilHeld(async () => told.length === 5 || undefined);
    const erased = { id: other.id, epoch: other.epoch, state: 'erased' };
    const changes = [live, listedOf(other), over, erased, 'all_erased'];
    expect(told).toEqual(changes.map((change) => ({ owner, change })));
    there.unwatch('lister');
    // What is in the list and has no log is not there.
    await add({ ...other, epoch: newEpoch() }, 0, '', { listed: { ...listedOf(other), epoch: newEpoch() } });
    expect(await here.listed('lister')).toEqual([]);
  });

  it('lists the run of a dead owner as interrupted once somebody has ended it', async () => {
    const run = { ...runHere({ owner: 'dead' }), userId: newUser() };
    await here.claim(run, LIMITS);
    await add(run, 0, '', { begins: true, listed: listedOf(run) });
    const told = new Promise<Told>((resolve) => void here.watch(run.userId, resolve));
    expect(await there.end(run, 0, '{}')).toBe('ended');
    const stream = { ...listedOf(run), state: 'ended', ending: 'error', code: 'interrupted' };
    expect(await here.listed(run.userId)).toEqual([{ owner: 'dead', stream }]);
    expect(await told).toEqual({ owner: 'dead', change: stream });
    here.unwatch(run.userId);
  });

  it('keeps an ended run for its time and no longer', async () => {
    const brief = await stores.connect({ ...TIMES, endedMs: 50 });
    await brief.beat();
    const run = newRun({ owner: brief.machine });
    await brief.claim(run, LIMITS);
    await brief.restore(run, 0, false);
    await brief.add([addition(run, 1, 'a', { ending: '{}' })], Buffer.from('a'));
    await untilHeld(async () => ((await there.read(run.epoch)).exists ? undefined : true));
    expect(await untilHeld(async () => ((await there.find(run.userId, run.id)) ? undefined : 'gone'))).toBe(
      'gone',
    );
  });
});

function newRun(fields: Partial<RunRecord>): RunRecord {
  return {
    userId: newUser(),
    id: `stream-${newEpoch()}`,
    epoch: newEpoch(),
    requestHash: 'hash',
    action: 'chat',
    model: 'claude-sonnet-5-5',
    owner: '',
    ...fields,
  };
}

function listedOf({ id, epoch, action, model }: RunRecord): ListedStream {
  return { id, epoch, action, model, state: 'live', head: 0, startedAt: 1_795_392_000_000, textLength: 0 };
}

function newEpoch(): string {
  return randomBytes(12).toString('base64url');
}

function newUser(): string {
  return crypto.randomUUID();
}

function machineName(): string {
  return `machine-${newEpoch()}`;
}

function nextMessage(store: SharedStore): Promise<MachineMessage> {
  return new Promise((resolve) => store.listen(resolve, () => {}));
}

/** Asks again and again, a short while apart, until there is an answer. */
async function untilHeld<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
