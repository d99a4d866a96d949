import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Replica, ReplicaPart, RunRecord } from '../../src/cluster/port.ts';
import { LEASE_MS, StoreSharedRuns } from '../../src/cluster/shared-runs.ts';
import { toWire } from '../../src/protocol/wire-text.ts';
import { Interlude } from '../../src/run/interlude.ts';
import { MemoryStreamLogs } from '../../src/stream-log/memory.ts';
import type { StreamLog } from '../../src/stream-log/port.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type MemoryCopy, MemorySharedStore, SharedMemory } from '../support/memory-shared-store.ts';

const ENDED_MS = 120_000;
const USAGE = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, source: 'final' };
const TIMING = { firstTokenMs: 1, totalMs: 1, chunks: 1, bytes: 1 };
/** Of a user. */
const TEN = { streams: 10, startsPerMinute: 10 };
const ONE = { streams: 1, startsPerMinute: 10 };
const LIMITS = { maxBytes: 1 << 20, totalBytes: 1 << 24 };

let clock: ManualClock;
let memory: SharedMemory;
let a: Machine;
let b: Machine;

beforeEach(async () => {
  clock = new ManualClock();
  memory = new SharedMemory(clock);
  a = await machine('a');
  b = await machine('b');
});

interface Machine {
  readonly store: MemorySharedStore;
  readonly shared: StoreSharedRuns;
  readonly logs: MemoryStreamLogs;
  /** What it said of the store. */
  readonly said: string[];
}

async function machine(name: string, limits = LIMITS): Promise<Machine> {
  const logs = new MemoryStreamLogs(limits);
  const said: string[] = [];
  const store = new MemorySharedStore(memory, name, {
    leaseMs: LEASE_MS,
    liveMs: 900_000,
    endedMs: ENDED_MS,
  });
  const shared = new StoreSharedRuns({
    store,
    logs,
    clock,
    endedMs: ENDED_MS,
    onDown: () => said.push('down'),
    onUp: () => said.push('up'),
    onMalformed: (what) => said.push(what),
    onFormats: (formats) => said.push(`formats ${formats}`),
  });
  await shared.beat();
  return { store, shared, logs, said };
}

/** A run of a machine whose words the test puts into its log. */
class Source {
  readonly run: RunRecord;
  readonly log: StreamLog;
  readonly heard: string[] = [];
  ending: string | undefined;
  interlude: Interlude | undefined;
  readonly listed = undefined;

  constructor({ logs, shared }: Machine, id = 'stream-1', epoch = 'epoch-1') {
    this.log = logs.create();
    const { machine: owner } = shared;
    this.run = { userId: 'user', id, epoch, requestHash: 'hash', action: 'chat', model: 'model', owner };
  }

  /** What `ending` is when it is done now. */
  get done(): string {
    const { id } = this.run;
    const { head: seq } = this.log;
    const said = { stopReason: 'end_turn', model: 'model', textLength: 1, usage: USAGE, timing: TIMING };
    return JSON.stringify({ type: 'done', id, seq, ...said });
  }

  say(...words: string[]): void {
    for (const word of words) this.log.append('text', toWire(word));
  }

  followed(isFollowed: boolean): void {
    this.heard.push(isFollowed ? 'followed' : 'not followed');
  }

  forgotten(): void {
    this.heard.push('forgotten');
  }

  cancelled(): void {
    this.heard.push('cancelled');
  }

  givenUp(): void {
    this.heard.push('given up');
  }
}

/** Time goes on in steps that leave every promise its turn. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    clock.advance(Math.min(50, left));
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

async function follow({ shared }: Machine, run: RunRecord, part: ReplicaPart = 'whole') {
  const heard: string[] = [];
  const replica = await shared.follow(run, part, {
    nowAccepted: () => heard.push('accepted'),
    grown: () => heard.push('grown'),
    meanwhile: () => heard.push('meanwhile'),
    lost: () => heard.push('lost'),
  });
  if (typeof replica === 'string') throw new Error(`not followed: ${replica}`);
  return { replica, heard };
}

function textOf({ log }: Replica): string {
  const entry = log.cursor(log.first - 1)?.next(1 << 20);
  return typeof entry === 'object' ? entry.json : '';
}

describe('a run of one machine on another', () => {
  it('is found, followed from its beginning and to its ending, then let go', async () => {
    const source = new Source(a);
    expect(await a.shared.claim(source.run, TEN)).toBe('claimed');
    const publication = a.shared.publish(source.run, source);
    source.say('Light ', 'is ');
    await pass(200);
    expect(await b.shared.find('user', 'stream-1')).toEqual(source.run);
    const { replica } = await follow(b, source.run);
    expect(textOf(replica)).toBe('Light is ');
    await pass(50);
    expect(source.heard).toEqual(['followed']);
    source.say('scattered', '.');
    publication.wake();
    await pass(50);
    expect(textOf(replica)).toBe('Light is scattered.');
    source.ending = source.done;
    publication.wake();
    await pass(50);
    expect(replica.ending).toEqual(JSON.parse(source.done));
    expect(source.heard).toEqual(['followed', 'not followed']);
    expect(a.shared.counts.published + b.shared.counts.followed).toBe(0);
  });

  it('is told to its owner no longer when nobody follows it', async () => {
    const source = new Source(a);
    a.shared.publish(source.run, source);
    await pass(100);
    const { replica } = await follow(b, source.run);
    await pass(50);
    replica.release();
    await pass(50);
    expect(source.heard).toEqual(['followed', 'not followed']);
  });

  it('waits for its acceptance, or learns that there is none', async () => {
    const [accepted, refused] = [new Source(a), new Source(a, 'stream-2', 'epoch-2')];
    for (const { run } of [accepted, refused]) await a.shared.claim(run, TEN);
    const first = await follow(b, accepted.run);
    const second = await follow(b, refused.run);
    expect(first.replica.accepted).toBe(false);
    a.shared.publish(accepted.run, accepted);
    a.shared.release(refused.run);
    await pass(600);
    expect(first.heard).toEqual(['accepted']);
    expect(second.heard).toEqual(['lost']);
  });

  it('begins with its claim and what it says first, in one step', async () => {
    const restored = vi.spyOn(a.store, 'restore');
    const source = new Source(a);
    expect(await a.shared.claim(source.run, TEN)).toBe('claimed');
    a.shared.publish(source.run, source);
    source.say('Light ');
    await pass(50);
    expect(memory.logs.get('epoch-1')?.batches).toEqual([{ seq: 1, payload: '\x1eLight ' }]);
    expect(restored).not.toHaveBeenCalled();
  });

  it('is restored where its claim was lost before it began', async () => {
    const source = new Source(a);
    await a.shared.claim(source.run, TEN);
    memory.flush();
    a.shared.publish(source.run, source);
    source.say('Light ');
    await pass(200);
    expect(memory.logs.get('epoch-1')?.batches).toEqual([{ seq: 1, payload: '\x1eLight ' }]);
    expect(await b.shared.find('user', 'stream-1')).toEqual(source.run);
  });

  it('waits for its turn at most 200 ms, whenever it speaks', async () => {
    const sources = [1, 2, 3, 4, 5].map((each) => new Source(a, `stream-${each}`, `epoch-${each}`));
    for (const source of sources) {
      a.shared.publish(source.run, source);
      await pass(50);
    }
    await pass(200);
    for (const source of sources) source.say('late');
    await pass(200);
    expect(sources.map(({ run }) => memory.logs.get(run.epoch)?.batches.length)).toEqual([1, 1, 1, 1, 1]);
  });

  it('has its ending told to a follower whom deltas before it did not reach', async () => {
    const source = new Source(a);
    const publication = a.shared.publish(source.run, source);
    source.say('Light ');
    await pass(200);
    const { replica } = await follow(b, source.run);
    await pass(50);
    const mailbox = memory.mailboxes.get('b');
    memory.mailboxes.delete('b');
    source.say('is ');
    publication.wake();
    await pass(50);
    if (mailbox !== undefined) memory.mailboxes.set('b', mailbox);
    source.ending = source.done;
    publication.wake();
    await pass(50);
    expect(textOf(replica)).toBe('Light is ');
    expect(replica.ending).toEqual(JSON.parse(source.done));
    expect(b.said).toEqual(['up']);
  });

  it('has its ending read by a follower who comes while it is on its way', async () => {
    const source = new Source(a);
    const publication = a.shared.publish(source.run, source);
    await pass(200);
    const { promise: onItsWay, resolve: arrives } = Promise.withResolvers<void>();
    const add = a.store.add.bind(a.store);
    vi.spyOn(a.store, 'add').mockImplementation(async (...additions) => {
      await onItsWay;
      return add(...additions);
    });
    source.ending = source.done;
    publication.wake();
    await pass(50);
    const { replica } = await follow(b, source.run);
    await pass(50);
    expect(replica.ending).toBeUndefined();
    arrives();
    await pass(50);
    expect(replica.ending).toEqual(JSON.parse(source.done));
  });

  describe('that thinks', () => {
    async function thinking() {
      const source = new Source(a);
      const publication = a.shared.publish(source.run, source);
      source.say('First. ');
      await pass(200);
      const think = (said?: string): void => {
        if (source.interlude?.after !== source.log.head) source.interlude = new Interlude(source.log.head);
        source.interlude.add({ kind: 'thinking', json: said === undefined ? said : toWire(said) });
        publication.meanwhile();
      };
      return { source, publication, think };
    }

    /** What a reader of the replica could be told of the thought now. */
    const thoughtOf = ({ interlude, log }: Replica) => {
      const moment = interlude?.read(1, 1 << 20)?.moment;
      const said = moment?.kind === 'thinking' ? moment.json : undefined;
      return interlude && { isOver: interlude.after < log.head, said };
    };

    it('is known there, and what it thinks piece by piece', async () => {
      const { source, publication, think } = await thinking();
      const { replica, heard } = await follow(b, source.run);
      await pass(50);
      think();
      think('Hm, ');
      think('é\\"');
      await pass(50);
      expect(thoughtOf(replica)).toEqual({ isOver: false, said: toWire('Hm, é\\"') });
      expect(heard.filter((what) => what === 'meanwhile')).toHaveLength(3);
      source.say('Second.');
      publication.wake();
      await pass(50);
      expect(thoughtOf(replica)?.isOver).toBe(true);
      expect(textOf(replica)).toBe('First. Second.');
      expect(b.said).toEqual(['up']);
    });

    it('is known to who follows it from then on, without what was thought before', async () => {
      const { source, think } = await thinking();
      think();
      think('Hm, ');
      const { replica } = await follow(b, source.run);
      await pass(50);
      expect(thoughtOf(replica)).toEqual({ isOver: false, said: undefined });
      think('yes.');
      await pass(50);
      expect(thoughtOf(replica)).toEqual({ isOver: false, said: 'yes.' });
    });

    it('waits there for the text that came before, and is not told late', async () => {
      const { source, publication, think } = await thinking();
      const { replica } = await follow(b, source.run);
      await pass(50);
      source.say('Second. ');
      think(); // overtakes the text on its way
      expect(replica.log.head).toBe(1);
      publication.wake();
      await pass(50);
      expect(replica.interlude?.after).toBe(2);
      source.say('Third.');
      publication.wake();
      await pass(50);
      memory.mailboxes.get('b')?.({
        type: 'interlude',
        epoch: 'epoch-1',
        after: 1,
        moment: { kind: 'thinking', json: toWire('late') },
      });
      expect(thoughtOf(replica)).toEqual({ isOver: true, said: undefined });
    });
  });

  it('is cancelled from there', async () => {
    const source = new Source(a);
    a.shared.publish(source.run, source);
    await pass(100);
    await b.shared.cancel(source.run);
    await pass(50);
    expect(source.heard).toContain('cancelled');
  });

  it('ends as interrupted, once and with what was published, when its owner is gone', async () => {
    const source = new Source(a);
    a.shared.publish(source.run, source);
    source.say('half');
    await pass(200);
    const c = await machine('c');
    const followers = [await follow(b, source.run), await follow(c, source.run)];
    memory.leases.delete('a');
    memory.mailboxes.delete('a');
    await a.shared.close();
    await pass(5000);
    for (const { replica } of followers) {
      expect(replica.ending).toMatchObject({ code: 'interrupted', seq: 1, id: 'stream-1' });
      expect(textOf(replica)).toBe('half');
    }
    expect(followers[0]?.replica.ending).toEqual(followers[1]?.replica.ending);
  });

  it('ends at once where its owner is known to have ended, for who follows it and who will', async () => {
    const source = new Source(a);
    expect(await a.shared.claim(source.run, TEN)).toBe('claimed');
    a.shared.publish(source.run, source);
    source.say('half');
    await pass(200);
    const { replica } = await follow(b, source.run);
    memory.mailboxes.delete('a'); // killed: its lease would last four seconds more
    b.shared.ended('a');
    await pass(200);
    expect(replica.ending).toMatchObject({ code: 'interrupted', seq: 1 });
    expect(textOf(replica)).toBe('half');
    const other = new Source(a, 'stream-2', 'epoch-2');
    memory.logs.set('epoch-2', { base: 0, batches: [], ending: undefined, isEnding: false });
    const late = await follow(b, other.run);
    await pass(50);
    expect(late.replica.ending).toMatchObject({ code: 'interrupted', seq: 0 });
    expect(await b.shared.claim({ ...source.run, id: 'next', epoch: 'epoch-3', owner: 'b' }, ONE)).toBe(
      'claimed',
    );
  });

  it('has what its owner wrote at last, where it is on its way as the owner ends', async () => {
    const source = new Source(a);
    const publication = a.shared.publish(source.run, source);
    source.say('all');
    await pass(200);
    const { replica } = await follow(b, source.run);
    b.shared.ended('a');
    source.ending = source.done;
    publication.wake();
    await pass(500);
    expect(replica.ending).toEqual(JSON.parse(source.done));
  });

  describe('of which only the ending is followed', () => {
    async function endingOf(source: Source) {
      const publication = a.shared.publish(source.run, source);
      source.say('Light ', 'is ');
      await pass(200);
      expect(await b.shared.cancelHeld('user', 'stream-1')).toEqual(source.run);
      return { publication, ...(await follow(b, source.run, 'ending')) };
    }

    it('brings nothing but that, also beside another reader who has all of it', async () => {
      const source = new Source(a);
      const { publication, replica, heard } = await endingOf(source);
      const beside = await follow(b, source.run);
      source.say('scattered');
      publication.wake();
      await pass(200);
      expect(heard).toEqual([]);
      source.ending = source.done;
      publication.wake();
      await pass(200);
      expect(replica.ending).toEqual(JSON.parse(source.done));
      expect(replica.log.head).toBe(0);
      expect(textOf(beside.replica)).toBe('Light is scattered');
      expect(beside.replica.ending).toEqual(replica.ending);
      expect(b.shared.counts.followed).toBe(0);
    });

    it('is there at once where the run has ended', async () => {
      const source = new Source(a);
      const publication = a.shared.publish(source.run, source);
      source.say('Light');
      source.ending = source.done;
      publication.wake();
      await pass(200);
      expect((await follow(b, source.run, 'ending')).replica.ending).toEqual(JSON.parse(source.done));
    });

    it('is interrupted after all that was published when its owner is gone', async () => {
      const source = new Source(a);
      const { replica } = await endingOf(source);
      memory.leases.delete('a');
      memory.mailboxes.delete('a');
      await a.shared.close();
      await pass(5000);
      expect(replica.ending).toMatchObject({ type: 'error', code: 'interrupted', seq: 2 });
    });

    it('is told to its owner no longer when nobody follows it', async () => {
      const source = new Source(a);
      const { replica } = await endingOf(source);
      const beside = await follow(b, source.run);
      await pass(50);
      replica.release();
      await pass(50);
      expect(source.heard).toEqual(['followed', 'cancelled']);
      beside.replica.release();
      await pass(50);
      expect(source.heard).toEqual(['followed', 'cancelled', 'not followed']);
    });
  });

  it('is a gap, and no ending, where an owner is alive that does not know it any more', async () => {
    const source = new Source(a);
    a.shared.publish(source.run, source);
    await pass(100);
    const successor = { ...source.run, owner: b.shared.machine };
    const c = await machine('c');
    const { replica, heard } = await follow(c, successor);
    await pass(100);
    expect(replica.ending).toBeUndefined();
    expect(heard).toEqual(['lost']);
    expect(memory.logs.get('epoch-1')?.ending).toBeUndefined();
    await pass(1000);
    expect(source.heard).toEqual([]);
  });
});

describe('an owner that is late, or cut off', () => {
  /** Nothing that it asks of the store is carried out. */
  function cutOff({ store }: Machine): () => void {
    const methods = ['beat', 'restore', 'add', 'release', 'alive', 'neighbours'] as const;
    const cut = methods.map((method) => vi.spyOn(store, method).mockRejectedValue(new Error('cut off')));
    return () => void cut.forEach((each) => void each.mockRestore());
  }

  async function followed() {
    const source = new Source(a);
    const publication = a.shared.publish(source.run, source);
    source.say('half');
    await pass(200);
    const { replica, heard } = await follow(b, source.run);
    await pass(50);
    return { source, publication, replica, heard };
  }

  it('is given up by a write that it finds: it is told, whatever it has said meanwhile', async () => {
    const { source, replica } = await followed();
    const heal = cutOff(a);
    await pass(6000);
    expect(replica.ending).toMatchObject({ code: 'interrupted', seq: 1 });
    heal();
    await pass(1000);
    expect(source.heard).toEqual(['followed', 'given up', 'not followed']);
  });

  it('finds it for as long as its run may take, and where its id has gone to another run', async () => {
    const { source } = await followed();
    const heal = cutOff(a);
    await pass(ENDED_MS + 8000);
    const next = new Source(b, 'stream-1', 'epoch-2');
    expect(await b.shared.claim(next.run, TEN)).toBe('claimed');
    heal();
    await pass(1000);
    expect(source.heard).toContain('given up');
  });

  it('is not given up where it has renewed its lease meanwhile', async () => {
    const { source, replica } = await followed();
    vi.spyOn(b.store, 'alive').mockResolvedValue(new Set());
    await pass(6000);
    expect(replica.ending).toBeUndefined();
    expect(memory.logs.get('epoch-1')?.ending).toBeUndefined();
    expect(source.heard).toEqual(['followed']);
  });

  it('is not given up where the store has lost the log: it cannot be written that it is', async () => {
    const { source, replica, heard } = await followed();
    const heal = cutOff(a);
    memory.flush();
    await pass(6000);
    expect(replica.ending).toBeUndefined();
    expect(heard.at(-1)).toBe('lost');
    heal();
    await pass(1000);
    expect(source.heard).not.toContain('given up');
  });

  describe('asks before the ending of a run', () => {
    it('nothing while its lease holds and nobody follows', async () => {
      const source = new Source(a);
      const publication = a.shared.publish(source.run, source);
      await pass(200);
      expect(publication.confirmed()).toBeUndefined();
      cutOff(a);
      await pass(600);
      expect(publication.confirmed()).toBeUndefined();
    });

    it('whether it was ended, where it was late', async () => {
      const source = new Source(a);
      const publication = a.shared.publish(source.run, source);
      await pass(200);
      memory.leases.delete('a');
      await new MemorySharedStore(memory, 'z', { leaseMs: 1, liveMs: 9000, endedMs: 1000 }).end(
        source.run,
        0,
        '{}',
      );
      clock.advance(5000); // in one turn: no answer of the store is heard
      await publication.confirmed();
      expect(source.heard).toEqual(['given up']);
    });

    it('each time, where others follow; and goes on once the store has answered', async () => {
      const { source, publication } = await followed();
      const restored = vi.spyOn(a.store, 'restore');
      await publication.confirmed();
      expect(restored).toHaveBeenCalledOnce();
      expect(source.heard).toEqual(['followed']);
    });

    it('a store that is away for ten seconds, where others follow: then it counts as given up', async () => {
      const { source, publication } = await followed();
      memory.reachable = false;
      await pass(600);
      let isConfirmed = false;
      void publication.confirmed()?.then(() => {
        isConfirmed = true;
      });
      await pass(9900);
      expect([isConfirmed, source.heard.includes('given up')]).toEqual([false, false]);
      await pass(200);
      expect([isConfirmed, source.heard.includes('given up')]).toEqual([true, true]);
    });

    it('a store that comes back in time: its run is its own', async () => {
      const { source, publication, replica } = await followed();
      memory.reachable = false;
      await pass(6000);
      const confirmed = publication.confirmed();
      await pass(5000);
      memory.reachable = true;
      await pass(600);
      await confirmed;
      source.ending = source.done;
      publication.wake();
      await pass(100);
      expect(replica.ending).toEqual(JSON.parse(source.done));
      expect(source.heard).toEqual(['followed', 'not followed']);
    });
  });
});

describe('a failover of the store, which loses what it was told last', () => {
  /** No command is under way meanwhile, so that none fails. */
  function failOver(copy: MemoryCopy): void {
    memory.become(copy);
    for (const { store } of [a, b]) store.reconnect();
  }

  it('deltas are told anew', async () => {
    const source = new Source(a);
    a.shared.publish(source.run, source);
    source.say('Light ');
    await pass(200);
    const copy = memory.copy();
    source.say('is ');
    await pass(200);
    failOver(copy);
    source.say('scattered');
    await pass(300);
    expect(textOf((await follow(b, source.run)).replica)).toBe('Light is scattered');
  });

  it('an ending is told anew', async () => {
    const source = new Source(a);
    const publication = a.shared.publish(source.run, source);
    source.say('Light ');
    await pass(200);
    const copy = memory.copy();
    source.ending = source.done;
    publication.wake();
    await pass(200);
    failOver(copy);
    const { replica } = await follow(b, source.run); // before its owner has looked
    await pass(300);
    expect(replica.ending).toEqual(JSON.parse(source.done));
    expect(memory.logs.get('epoch-1')?.ending).toBe(source.done);
  });

  it('an ending is looked after for ten seconds, and then forgotten', async () => {
    const source = new Source(a);
    const publication = a.shared.publish(source.run, source);
    source.ending = source.done;
    publication.wake();
    await pass(200);
    const restored = vi.spyOn(a.store, 'restore');
    a.store.reconnect();
    await pass(200);
    expect(restored).toHaveBeenCalledOnce();
    await pass(10_100);
    a.store.reconnect();
    await pass(200);
    expect(restored).toHaveBeenCalledOnce();
  });

  it('who holds more of a dead machine’s run than it left is told that it is interrupted, and so are the others', async () => {
    const source = new Source(a);
    const publication = a.shared.publish(source.run, source);
    source.say('Light ');
    await pass(200);
    const { replica } = await follow(b, source.run);
    await pass(50);
    const copy = memory.copy();
    source.say('is ');
    publication.wake();
    await pass(50);
    expect(textOf(replica)).toBe('Light is ');
    await a.shared.close();
    memory.become(copy);
    memory.leases.delete('a');
    await pass(5000);
    expect(replica.ending).toMatchObject({ code: 'interrupted', seq: 2 });
    const { replica: later } = await follow(b, source.run);
    expect(later.ending).toMatchObject({ code: 'interrupted', seq: 1 });
    expect(textOf(later)).toBe('Light ');
  });

  it('who holds more of it than another machine, which ended it, is told the same after what it holds', async () => {
    const source = new Source(a);
    const publication = a.shared.publish(source.run, source);
    source.say('Light ');
    await pass(200);
    const { replica } = await follow(b, source.run);
    await pass(50);
    const copy = memory.copy();
    source.say('is ');
    publication.wake();
    await pass(50);
    await a.shared.close();
    memory.become(copy);
    memory.leases.delete('a');
    const c = await machine('c');
    const ending = {
      type: 'error',
      id: 'stream-1',
      seq: 1,
      code: 'interrupted',
      message: 'm',
      retryable: true,
    };
    expect(await c.store.end(source.run, 1, JSON.stringify(ending))).toBe('ended');
    await pass(2000);
    expect(replica.ending).toEqual({ ...ending, seq: 2 });
    expect(b.said).toEqual(['up']);
  });
});

describe('while the store is away', () => {
  it('claims count at once, questions are refused, and all is published afterwards', async () => {
    const source = new Source(a);
    a.shared.publish(source.run, source);
    source.say('before ');
    await pass(200);
    const { replica, heard } = await follow(b, source.run);
    memory.reachable = false;
    await pass(600);
    expect([a.shared.up, b.shared.up]).toEqual([false, false]);
    source.say('meanwhile ');
    const other = new Source(a, 'stream-2', 'epoch-2');
    expect(await a.shared.claim(other.run, { ...TEN, streams: 0 })).toBe('uncounted');
    await expect(b.shared.find('user', 'stream-1')).rejects.toThrow('cannot be asked');
    await pass(10_000);
    memory.reachable = true;
    source.say('after');
    await pass(1200);
    expect(textOf(replica)).toBe('before meanwhile after');
    expect(replica.ending).toBeUndefined();
    expect(heard).not.toContain('lost');
    expect(a.said).toEqual(['up', 'down', 'up']);
  });

  it('what it lost is written to it again', async () => {
    const source = new Source(a);
    a.shared.publish(source.run, source);
    source.say('all ');
    await pass(200);
    memory.flush();
    source.say('of it');
    await pass(1500);
    const { replica } = await follow(b, source.run);
    expect(textOf(replica)).toBe('all of it');
  });

  it('an id that went to another run stays with it', async () => {
    const [early, late] = [new Source(a), new Source(b, 'stream-1', 'epoch-2')];
    memory.reachable = false;
    await pass(600);
    a.shared.publish(early.run, early);
    memory.reachable = true;
    await b.shared.beat();
    expect(await b.shared.claim(late.run, TEN)).toBe('claimed');
    b.shared.publish(late.run, late);
    await pass(1000);
    expect(await a.shared.find('user', 'stream-1')).toEqual(late.run);
    expect(early.heard).toEqual([]);
  });

  it('an owner that was given up meanwhile hears of it', async () => {
    const source = new Source(a);
    a.shared.publish(source.run, source);
    await pass(200);
    memory.leases.delete('a');
    await new MemorySharedStore(memory, 'z', { leaseMs: 1, liveMs: 1000, endedMs: 1000 }).end(
      source.run,
      0,
      '{}',
    );
    source.say('too late');
    await pass(300);
    expect(source.heard).toEqual(['given up']);
  });
});

it('what the owner trimmed before it was published is a gap to those who needed it', async () => {
  const small = await machine('small', { maxBytes: 8192, totalBytes: 1 << 20 });
  const source = new Source(small);
  small.shared.publish(source.run, source);
  source.say('first');
  await pass(200);
  const { heard } = await follow(b, source.run);
  memory.reachable = false;
  await pass(600);
  source.say(...Array.from({ length: 2000 }, () => '0123456789'));
  memory.reachable = true;
  await pass(2000);
  expect(heard).toContain('lost');
  const late = await follow(b, source.run);
  expect(late.replica.log.first).toBeGreaterThan(1);
  expect(late.replica.log.head).toBe(2001);
});

it('closing publishes what is left and leaves no timer behind', async () => {
  const source = new Source(a);
  const publication = a.shared.publish(source.run, source);
  source.say('last words');
  source.ending = source.done;
  publication.wake();
  await a.shared.close();
  await b.shared.close();
  expect(
    (await new MemorySharedStore(memory, 'z', { leaseMs: 1, liveMs: 1, endedMs: 1 }).read('epoch-1')).ending,
  ).toBe(source.done);
  clock.advance(ENDED_MS);
  expect(clock.pending).toBe(0);
});

it('machines that ended leave no timer behind', async () => {
  const { pending } = clock;
  for (const name of ['one', 'two', 'three']) b.shared.ended(name);
  await pass(1000);
  expect(clock.pending).toBe(pending);
});

it('what ended or was refused while the store was away no longer counts against its user', async () => {
  const ended = new Source(a);
  const refused = new Source(a, 'stream-2', 'epoch-2');
  for (const { run } of [ended, refused])
    expect(await a.shared.claim(run, { ...TEN, streams: 2 })).toBe('claimed');
  a.shared.publish(ended.run, ended);
  await pass(200);
  memory.reachable = false;
  await pass(1000);
  a.shared.release(refused.run);
  ended.ending = ended.done;
  await pass(ENDED_MS + 1000);
  memory.reachable = true;
  await pass(1000);
  const later = [new Source(a, 'stream-3', 'epoch-3'), new Source(a, 'stream-4', 'epoch-4')];
  for (const { run } of later) expect(await a.shared.claim(run, { ...TEN, streams: 2 })).toBe('claimed');
});

it('a cancel from elsewhere that comes before the run begins holds', async () => {
  const source = new Source(a);
  await a.shared.claim(source.run, TEN);
  await b.shared.cancel(source.run);
  await pass(1000);
  expect(source.heard).toEqual([]);
  a.shared.publish(source.run, source);
  expect(source.heard).toEqual(['cancelled']);
});

it('a run that was refused before anyone could follow it is not followed', async () => {
  const source = new Source(a);
  await a.shared.claim(source.run, TEN);
  a.shared.release(source.run);
  await pass(50);
  expect(
    await b.shared.follow(source.run, 'whole', { nowAccepted() {}, grown() {}, meanwhile() {}, lost() {} }),
  ).toBe('refused');
  expect(b.shared.counts.followed).toBe(0);
  // A refusal is no outage: who else asks is answered.
  expect(b.shared.up).toBe(true);
  expect(b.said).toEqual(['up']);
});

describe('what another machine, or nobody of ours, wrote wrong', () => {
  /** A run whose log and mailbox a stranger can write into, and one beside it. */
  async function followed() {
    const [source, beside] = [new Source(a), new Source(a, 'stream-2', 'epoch-2')];
    const publications = [source, beside].map((each) => a.shared.publish(each.run, each));
    for (const each of [source, beside]) each.say('Light ');
    await pass(200);
    const { heard } = await follow(b, source.run);
    const other = await follow(b, beside.run);
    const goOn = async () => {
      beside.say('goes on');
      for (const publication of publications) publication.wake();
      await pass(1200);
      expect(textOf(other.replica)).toBe('Light goes on');
    };
    return { source, heard, goOn };
  }

  const done = (fields: object) =>
    JSON.stringify({
      type: 'done',
      id: 'stream-1',
      seq: 1,
      stopReason: null,
      model: 'm',
      textLength: 6,
      usage: USAGE,
      timing: TIMING,
      ...fields,
    });

  it.each([
    ['null', 'null'],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['nested deeply', '['.repeat(20_000) + ']'.repeat(20_000)],
    ['huge', `"${'x'.repeat(1 << 20)}"`],
    ['of another type', done({ type: 'chunk' })],
    ['of another stream', done({ id: 'stream-2' })],
    ['of another place', done({ seq: 7 })],
    ['without usage', done({ usage: null })],
    ['with text for a number', done({ textLength: '6' })],
    ['of no code', '{"type":"error","id":"stream-1","seq":1,"code":"x","message":"","retryable":false}'],
    [
      'an answer to a frame',
      done({ type: 'error', of: 'ack', code: 'internal', message: '', retryable: true }),
    ],
  ])('an ending that is %s: that stream is lost, and no other', async (_what, ending) => {
    const { heard, goOn } = await followed();
    const log = memory.logs.get('epoch-1');
    if (log !== undefined) log.ending = ending;
    await pass(1200);
    expect(heard).toContain('lost');
    expect(b.said).toEqual(['up', 'the ending of a run']);
    await goOn();
  });

  it.each([
    ['without a mark', { seq: 2, payload: 'words' }],
    ['past all numbers', { seq: 2 ** 60, payload: '\x1ea' }],
    ['that close their string', { seq: 2, payload: '\x1ea","seq":9,"x":"' }],
    ['that hold a line feed', { seq: 2, payload: '\x1f{\n"data":1}' }],
    ['that are no JSON', { seq: 2, payload: '\x1f{' }],
    ['that are nothing', { seq: 2, payload: '\x1f' }],
  ])('deltas %s: that stream is lost, and no other', async (_what, batch) => {
    const { heard, goOn } = await followed();
    memory.logs.get('epoch-1')?.batches.push(batch);
    await pass(1200);
    expect(heard).toContain('lost');
    expect(b.said).toEqual(['up', 'deltas of a run']);
    await goOn();
  });

  it.each([
    ['without a mark', { seq: 2, payload: 'words' }],
    ['before the first', { seq: 0, payload: '\x1ea' }],
    ['at no number', { seq: Number.NaN, payload: '\x1ea' }],
  ])('deltas %s in a message: the log is read instead', async (_what, batch) => {
    const { source, heard, goOn } = await followed();
    const addition = { batches: [batch], ending: undefined };
    memory.mailboxes.get('b')?.({ type: 'added', epoch: source.run.epoch, addition });
    await goOn();
    expect(heard).not.toContain('lost');
    expect(b.said).toEqual(['up', 'deltas of a run']);
  });

  it('a log that says more than its owner did is published no more', async () => {
    const { source, goOn } = await followed();
    memory.logs.get('epoch-1')?.batches.push({ seq: 100, payload: '\x1ea' });
    source.say('more');
    await goOn();
    expect(a.said).toEqual(['up', 'the log of a run of ours']);
  });
});

it('nobody is sent elsewhere while relays that cannot read its streams are beside it', async () => {
  expect(a.shared.elsewhere).toBe(true);
  memory.otherFormats = [3, 1];
  await pass(2100);
  expect(a.shared.elsewhere).toBe(false);
  memory.otherFormats = [];
  await pass(2100);
  expect(a.shared.elsewhere).toBe(true);
  expect(a.said).toEqual(['up', 'formats 1,3', 'formats ']);
});
