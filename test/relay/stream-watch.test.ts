/** Which streams a user has, told to who watches: a list, then each start, ending and erasure, and nothing for a delta. */
import { describe, expect, it } from 'vitest';
import type { ListedStream } from '../../src/protocol/frames.ts';
import { toWire } from '../../src/protocol/wire-text.ts';
import { ALICE, BOB, createCore, start } from '../support/core.ts';
import type { FakeSocket } from '../support/fake-socket.ts';
import { createMemoryAnswers, keptText } from '../support/memory-answers.ts';
import { settled } from '../support/quiet.ts';

const WATCH = { type: 'watch' };
const told = (socket: FakeSocket) => socket.of('stream').map(({ id, state }) => [id, state]);
const lists = (socket: FakeSocket) =>
  socket.of('streams').map(({ streams }) => streams.map(({ id, state }) => [id, state]));

/** A core whose user has a live stream, one that ended, and one that is kept. */
async function startedCore() {
  const answers = createMemoryAnswers();
  const core = createCore({ answers });
  const kept = { userId: ALICE, streamId: 'kept', startedAt: core.clock.now() - 60_000 };
  answers.put(keptText([toWire('old ')], { ...kept, isDead: true }));
  const asking = core.connect();
  asking.send(start('over'));
  (await core.upstream.call(0)).text('one ', 'two ');
  core.upstream.last.end('end_turn');
  await settled();
  core.clock.advance(1000);
  asking.send(start('live'));
  (await core.upstream.call(1)).text('three ');
  await settled();
  return { ...core, answers, asking };
}

describe('who watches', () => {
  it('gets what is live, held and kept, newest first, then each start and ending, and nothing for a delta', async () => {
    const { connect, upstream, asking, clock } = await startedCore();
    const [first, second, bobs] = [connect(), connect(), connect(BOB)];
    for (const socket of [first, second, bobs]) socket.send(WATCH);
    await settled();
    const [{ streams } = { streams: [] }] = first.of('streams');
    const known = { epoch: expect.any(String), action: 'chat' };
    expect(streams).toEqual([
      {
        ...known,
        id: 'live',
        model: 'claude-test',
        state: 'live',
        head: 1,
        startedAt: clock.now(),
        textLength: 6,
      },
      {
        ...known,
        id: 'over',
        model: 'claude-test',
        state: 'ended',
        head: 2,
        startedAt: clock.now() - 1000,
        endedAt: clock.now() - 1000,
        textLength: 8,
        ending: 'done',
      },
      {
        ...known,
        id: 'kept',
        model: 'claude-haiku-4-5',
        state: 'ended',
        head: 1,
        startedAt: clock.now() - 61_000,
        textLength: 4,
        ending: 'error',
        code: 'interrupted',
      },
    ]);
    const frames = first.frames.length;
    for (let delta = 0; delta < 50; delta += 1) upstream.last.text('more ');
    await settled();
    expect(first.frames).toHaveLength(frames);
    upstream.last.fail();
    asking.send(start('next'));
    await settled();
    expect(told(first)).toEqual([
      ['live', 'ended'],
      ['next', 'live'],
    ]);
    expect(first.of('stream')[0]).toMatchObject({ head: 51, textLength: 256, ending: 'error' });
    expect(second.of('stream')).toEqual(first.of('stream'));
    expect(lists(bobs)).toEqual([[]]);
    expect(bobs.of('stream')).toEqual([]);
    expect(asking.of('stream')).toEqual([]);
  });

  it('is told of an erasure, of all by the list anew, and of nothing once it is gone', async () => {
    const { relay, connect, answers, upstream } = await startedCore();
    const [stays, goes] = [connect(), connect()];
    for (const socket of [stays, goes]) socket.send(WATCH);
    await settled();
    expect(relay.watchers.users).toBe(1);
    goes.drop();
    await answers.forget(ALICE, 'kept');
    await relay.watchers.erased(ALICE, 'kept', 'epoch-of-kept');
    await relay.watchers.erased(BOB, 'of-bob', 'epoch-of-bob');
    await settled();
    expect(stays.of('stream')).toEqual([
      { type: 'stream', id: 'kept', epoch: 'epoch-of-kept', state: 'erased' },
    ]);
    await relay.watchers.allErased(ALICE);
    await settled();
    expect(lists(stays)[1]).toEqual([
      ['live', 'live'],
      ['over', 'ended'],
    ]);
    expect(goes.of('stream')).toEqual([]);
    stays.drop();
    expect(relay.watchers.users).toBe(0);
    upstream.last.end('end_turn');
    await settled();
  });

  it('misses nothing that happens while the list is read, which is read once for all who wait', async () => {
    const { promise: reading, resolve: read } = Promise.withResolvers<void>();
    let readings = 0;
    const answers = createMemoryAnswers();
    const core = createCore({
      answers: {
        ...answers,
        async list() {
          readings += 1;
          await reading;
          return [];
        },
      },
    });
    const [first, second, asking] = [core.connect(), core.connect(), core.connect()];
    first.send(WATCH);
    asking.send(start('s1'));
    await core.upstream.call(0);
    second.send(WATCH);
    core.upstream.last.end('end_turn');
    await settled();
    expect(first.frames.map(({ type }) => type)).toEqual(['hello']);
    read();
    await settled();
    expect(readings).toBe(1);
    for (const socket of [first, second]) {
      expect(socket.frames.map(({ type }) => type)).toEqual(['hello', 'streams', 'stream', 'stream']);
      expect(told(socket)).toEqual([
        ['s1', 'live'],
        ['s1', 'ended'],
      ]);
    }
  });

  it('is told what is known where kept answers cannot be read, and that it is not all', async () => {
    const { connect, answers } = await startedCore();
    answers.refuse(true);
    const socket = connect();
    socket.send(WATCH);
    await settled();
    expect(lists(socket)).toEqual([
      [
        ['live', 'live'],
        ['over', 'ended'],
      ],
    ]);
    expect(socket.of('streams')[0]?.incomplete).toBe(true);
  });

  it('gets the newest fifty and all that are live, however old', async () => {
    const { connect, answers, clock } = await startedCore();
    for (let each = 1; each <= 60; each += 1) {
      const when = { startedAt: clock.now() + each, endedAt: clock.now() + each };
      const ending = { type: 'cancelled', id: `k${each}`, seq: 0 } as never;
      answers.put(keptText([], { userId: ALICE, streamId: `k${each}`, ...when, ending }));
    }
    const socket = connect();
    socket.send(WATCH);
    await settled();
    const [list = []] = lists(socket);
    expect(list).toHaveLength(51);
    expect([list[0], list[49], list[50]]).toEqual([
      ['k60', 'ended'],
      ['k11', 'ended'],
      ['live', 'live'],
    ]);
    expect(socket.of('streams')[0]?.next).toBe(`${clock.now() + 11}.epoch-of-k11`);
  });
});

describe('pages', () => {
  it('follow each other through what is held and what is kept, each stream once', async () => {
    const { relay, answers, clock } = await startedCore();
    for (let each = 0; each < 5; each += 1)
      answers.put(keptText([], { userId: ALICE, streamId: `k${each}`, startedAt: clock.now() - 1000 }));
    const all: ListedStream[] = [];
    let before: string | undefined;
    do {
      const { streams, next } = await relay.streamsOf(ALICE, { before, limit: 3 });
      all.push(...streams);
      before = next ?? undefined;
    } while (before !== undefined);
    expect(all.map(({ id }) => id).toSorted()).toEqual([
      'k0',
      'k1',
      'k2',
      'k3',
      'k4',
      'kept',
      'live',
      'over',
    ]);
    const order = all.map(({ startedAt, epoch }) => `${startedAt}.${epoch}`);
    expect(order).toEqual(order.toSorted().reverse());
  });
});
