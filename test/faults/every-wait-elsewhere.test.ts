/**
 * F28 beside other machines: each operation of the store that two machines share fails once for one of them, while it
 * starts, attaches, reads, cancels, or ends a run for an owner that is gone. Nothing but time is lost by that.
 */
import { expect, it } from 'vitest';
import { LEASE_MS, StoreSharedRuns } from '../../src/cluster/shared-runs.ts';
import type { SubscriptionSink } from '../../src/relay/subscription.ts';
import { MemoryStreamLogs } from '../../src/stream-log/memory.ts';
import { ALICE, createCore, start } from '../support/core.ts';
import type { FakeSocket } from '../support/fake-socket.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemorySharedStore, SharedMemory } from '../support/memory-shared-store.ts';
import { report } from '../support/test-run.ts';
import { type Failure, Injector, isAbout } from './injector.ts';

const ID = 's1';
const ENDED_MS = 20_000;
/** How long the log of a run is kept that was ended for its owner. */
const LIVE_MS = 900_000;
const STEP_MS = 50;
/** Longer than a dead owner, a store that was away and its owners' grace take together. */
const AT_MOST_MS = 30_000;
const CALLER = { door: 'sse', requestId: null, connectionId: null } as const;
/** Those of the store are async functions: none throws. */
const FAILING: readonly Failure[] = ['rejects', 'loses the answer'];
const ALL = {
  beat: true,
  alive: true,
  claim: true,
  release: true,
  find: true,
  restore: true,
  add: true,
  read: true,
  end: true,
  cancel: true,
  cancelHeld: true,
  neighbours: true,
  listed: false,
  unlist: false,
  watch: false,
  endLease: false,
  // A scene of its own has these: test/relay/forgetting.test.ts.
  forget: false,
  tellAll: false,
  close: false,
} as const;

class Scene {
  readonly clock = new ManualClock();
  readonly memory = new SharedMemory(this.clock);
  readonly injector: Injector;
  /** What machine B said of the store. */
  readonly told: unknown[] = [];
  readonly a = this.#machine('a', (store) => this.#untilDead(store));
  readonly b;
  readonly sockets: FakeSocket[] = [];
  /** Machine A reaches the store no more. */
  isCutOff = false;

  constructor(injector: Injector) {
    this.injector = injector;
    this.b = this.#machine('b', (store) => injector.wrap('store', store, ALL));
  }

  #machine(name: string, link: (store: MemorySharedStore) => MemorySharedStore) {
    const { clock, memory } = this;
    const times = { leaseMs: LEASE_MS, liveMs: LIVE_MS, endedMs: ENDED_MS };
    const logs = new MemoryStreamLogs({ maxBytes: 1 << 20, totalBytes: 1 << 24 });
    const tell = (event: unknown) => {
      if (name === 'b') this.told.push(event);
    };
    const shared = new StoreSharedRuns({
      store: link(new MemorySharedStore(memory, name, times)),
      logs,
      clock,
      endedMs: ENDED_MS,
      onDown: (cause) => tell({ cause }),
      onUp() {},
      onMalformed: (what) => tell({ what }),
      onFormats() {},
    });
    return { shared, ...createCore({ clock, logs, shared, resumeWindowMs: ENDED_MS }) };
  }

  /** A machine on a network that splits: what it asks fails, and what it tells is lost. */
  #untilDead(store: MemorySharedStore): MemorySharedStore {
    return new Proxy(store, {
      get: (_, name) => {
        const value: unknown = Reflect.get(store, name, store);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) => {
          if (this.isCutOff && name !== 'send') return Promise.reject(new Error('the network is split'));
          return this.isCutOff ? undefined : (Reflect.apply(value, store, given) as unknown);
        };
      },
    });
  }

  connect(machine: Scene['a']): FakeSocket {
    const socket = machine.connect();
    this.sockets.push(socket);
    return socket;
  }

  /** Time goes on in steps that leave every promise its turn. */
  async pass(ms: number, stepMs = STEP_MS): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.clock.advance(Math.min(stepMs, left));
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async until(what: string, holds: () => unknown): Promise<void> {
    for (let waited = 0; !holds(); waited += STEP_MS) {
      if (waited > AT_MOST_MS) throw new Error(`not within ${AT_MOST_MS} ms: ${what}`);
      await this.pass(STEP_MS);
    }
  }

  /** A run of machine A that talks, and is known to both. */
  async talking() {
    const socket = this.connect(this.a);
    socket.send(start(ID));
    const call = await this.a.upstream.call(0);
    call.text('one ', 'two ');
    await this.pass(500);
    const [accepted] = socket.of('accepted');
    return { socket, call, epoch: accepted?.epoch ?? '' };
  }
}

/** How a frame was answered, in the end: by an ending or by an error. */
const answered = (socket: FakeSocket) => socket.endings(ID).length + socket.of('error').length > 0;

interface Story {
  readonly name: string;
  readonly play: (scene: Scene) => Promise<void>;
  /** Whose run it is. */
  readonly owner: 'a' | 'b';
}

const STORIES: readonly Story[] = [
  {
    name: 'a start here, read there',
    owner: 'b',
    async play(scene) {
      const { a, b } = scene;
      const here = scene.connect(b);
      const there = scene.connect(a);
      here.send(start(ID));
      await scene.until('it is judged', () => b.upstream.calls.length > 0 || answered(here));
      b.upstream.calls[0]?.text('one ', 'two ');
      await scene.pass(300);
      const [accepted] = here.of('accepted');
      there.send({ type: 'resume', id: ID, epoch: accepted?.epoch, after: 0 });
      await scene.pass(300);
      b.upstream.calls[0]?.text('three');
      b.upstream.calls[0]?.end();
      await scene.until('it ends here', () => answered(here));
      await scene.until('it ends there', () => answered(there));
    },
  },
  {
    name: 'a start of what runs there',
    owner: 'a',
    async play(scene) {
      const { call } = await scene.talking();
      await scene.injector.during(async () => {
        const here = scene.connect(scene.b);
        here.send(start(ID));
        await scene.pass(300);
        call.text('three');
        call.end();
        // Where the others cannot be asked no start waits for them: then this machine runs one of its own.
        scene.b.upstream.calls[0]?.end();
        await scene.until('it ends here', () => answered(here));
      });
    },
  },
  {
    name: 'a resume of what runs there',
    owner: 'a',
    async play(scene) {
      const { call, epoch } = await scene.talking();
      await scene.injector.during(async () => {
        const here = scene.connect(scene.b);
        here.send({ type: 'resume', id: ID, epoch, after: 1 });
        await scene.pass(300);
        call.text('three');
        call.end();
        await scene.until('it ends here', () => answered(here));
      });
    },
  },
  {
    name: 'a cancel of what runs there',
    owner: 'a',
    async play(scene) {
      await scene.talking();
      await scene.injector.during(async () => {
        const here = scene.connect(scene.b);
        here.send({ type: 'cancel', id: ID });
        await scene.until('it is answered', () => answered(here));
      });
    },
  },
  {
    name: 'a request that reads, asks after, and cancels what runs there',
    owner: 'a',
    async play(scene) {
      const { epoch } = await scene.talking();
      const { relay } = scene.b;
      await scene.injector.during(async () => {
        const read: string[] = [];
        const subscribed = relay
          .resume({ userId: ALICE, id: ID, epoch, after: 0, caller: CALLER }, sinkOf(read))
          .catch((error: { code: string }) => void read.push(error.code));
        const asked = relay.stateOf(ALICE, ID).catch((error: { code: string }) => error.code);
        await scene.pass(300);
        const cancelled = relay.cancel(ALICE, ID, CALLER).catch((error: { code: string }) => error.code);
        let answers = 0;
        for (const answer of [subscribed, asked, cancelled])
          void answer.then(() => {
            answers += 1;
          });
        await scene.until('all are answered', () => answers === 3 && read.length > 0);
        (await subscribed)?.close();
      });
    },
  },
  {
    name: 'the run of a machine that is cut off, and comes back',
    owner: 'a',
    async play(scene) {
      const { epoch, socket } = await scene.talking();
      const here = scene.connect(scene.b);
      here.send({ type: 'resume', id: ID, epoch, after: 0 });
      await scene.until('it is read here', () => here.text(ID) === 'one two ');
      await scene.injector.during(async () => {
        scene.isCutOff = true;
        socket.drop();
        await scene.until('it ends here', () => answered(here));
        expect(here.endings(ID)).toMatchObject([{ code: 'interrupted', seq: 2 }]);
        scene.isCutOff = false;
        await scene.until('it ends there', () => scene.a.relay.registry.live === 0);
      });
      expect(scene.a.rows()).toMatchObject([{ status: 'error', code: 'interrupted' }]);
    },
  },
];

/** Keeps what an ending or a failure is called. */
function sinkOf(read: string[]): SubscriptionSink {
  return {
    opened() {},
    frame() {},
    ended: ({ type }) => void read.push(type),
    failed: (reason) => void read.push(String(reason)),
    flush() {},
    bufferedBytes: 0,
  };
}

/** @returns what the handler waited for */
async function play(story: Story, at: number, failure: Failure): Promise<readonly string[]> {
  const injector = new Injector(at, failure);
  const scene = new Scene(injector);
  const { a, b } = scene;
  await Promise.all([a.shared.beat(), b.shared.beat()]);
  const timers = scene.clock.pending;
  await (story.owner === 'b' ? injector.during(() => story.play(scene)) : story.play(scene));
  const { failed } = injector;
  // Whether the store is away is the beat's to say.
  if (failed !== undefined && failed.wait !== 'store.neighbours')
    expect(scene.told.some((event) => isAbout(event, failed.error))).toBe(true);

  await scene.pass(3000); // the store is there again, for whoever was told that it is not
  for (const call of [...a.upstream.calls, ...b.upstream.calls]) call.end();
  await scene.until('all has ended', () => a.relay.registry.live + b.relay.registry.live === 0);
  await scene.pass(1000);
  await readAgain(scene, story);
  checkBooks(scene, story);
  await checkNothingIsLeft(scene, timers);
  return injector.waits;
}

/** I1, I2: on the machine that did not run it there are the same text and the same ending, once for each who read it. */
async function readAgain(scene: Scene, { owner }: Story): Promise<void> {
  if (ranTwice(scene)) {
    expect(scene.sockets.map((socket) => socket.endings(ID))).toMatchObject([
      [{ type: 'done', textLength: 'one two three'.length }],
      [{ type: 'done', textLength: 0 }],
    ]);
    return;
  }
  const run = scene[owner].relay.registry.find(ALICE, ID);
  expect(run?.ending).toBeDefined();
  const reader = scene.connect(owner === 'a' ? scene.b : scene.a);
  reader.send({ type: 'resume', id: ID, epoch: run?.epoch, after: 0 });
  await scene.until('it is read again', () => answered(reader));
  expect(reader.of('error').filter(({ of }) => of !== undefined)).toEqual([]);
  for (const socket of scene.sockets) {
    const endings = socket.endings(ID);
    const from = firstSeqOf(socket);
    expect(endings.length).toBeLessThanOrEqual(1);
    expect(reader.text(ID)).toContain(socket.text(ID, from));
    if (endings.length === 0) continue;
    expect(endings).toEqual(reader.endings(ID));
    expect(reader.text(ID).endsWith(socket.text(ID, from))).toBe(true);
  }
}

function ranTwice({ a, b }: Scene): boolean {
  return a.upstream.calls.length + b.upstream.calls.length > 1;
}

/** Where its reading began. */
function firstSeqOf(socket: FakeSocket): number {
  const [resumed] = socket.of('resumed');
  return resumed?.after ?? 0;
}

/** I3, I5. */
function checkBooks(scene: Scene, { owner }: Story): void {
  const { a, b } = scene;
  const rows = { a: a.rows(), b: b.rows() };
  expect(rows[owner]).toHaveLength(1);
  expect(rows[owner === 'a' ? 'b' : 'a']).toHaveLength(ranTwice(scene) ? 1 : 0);
  expect([...rows.a, ...rows.b].filter(({ status }) => status === 'running')).toEqual([]);
  expect(a.upstream.openRequests + b.upstream.openRequests).toBe(0);
}

/** I7, also of what both share. */
async function checkNothingIsLeft(scene: Scene, timers: number): Promise<void> {
  for (const socket of scene.sockets) socket.drop();
  await scene.pass(3 * ENDED_MS, 1000);
  scene.clock.advance(LIVE_MS);
  await scene.pass(STEP_MS);
  const { runs, logs, live, cancels } = scene.memory;
  expect([runs.size, logs.size, live.size, cancels.size]).toEqual([0, 0, 0, 0]);
  for (const { shared, relay } of [scene.a, scene.b]) {
    expect(shared.counts).toEqual({ published: 0, followed: 0 });
    expect(relay.registry.size).toBe(0);
  }
  expect(scene.clock.pending).toBe(timers);
}

it.each(STORIES)('$name: whichever operation fails', async (story) => {
  const expected = await play(story, 0, 'rejects');
  expect(expected).not.toEqual([]);
  let played = 0;
  for (const failure of FAILING)
    for (let at = 1, waits: readonly string[] = expected; at <= waits.length; at += 1) {
      try {
        waits = await play(story, at, failure);
      } catch (cause) {
        throw new Error(`the ${at}. of ${waits.join(', ')} ${failure}`, { cause });
      }
      played += 1;
    }
  report(`${story.name}: ${played} failures`);
});
