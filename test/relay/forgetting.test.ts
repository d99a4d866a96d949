/** Streams that are erased: on one machine, and on several over the store's twin. */
import { describe, expect, it } from 'vitest';
import type { KeptAnswers } from '../../src/answers/port.ts';
import { LEASE_MS, StoreSharedRuns } from '../../src/cluster/shared-runs.ts';
import { toWire } from '../../src/protocol/wire-text.ts';
import { hashOfRequest } from '../../src/run/request.ts';
import { MemoryStreamLogs } from '../../src/stream-log/memory.ts';
import { ALICE, BOB, createCore, start } from '../support/core.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryAnswers, keptText } from '../support/memory-answers.ts';
import { MemorySharedStore, SharedMemory } from '../support/memory-shared-store.ts';
import { settled } from '../support/quiet.ts';

const CANARY = 'canary-of-alice';
const CALLER = { door: 'json', requestId: null, connectionId: null } as const;
const REQUEST = hashOfRequest({ action: 'chat', messages: [{ role: 'user', content: 'hi' }] });
const USAGE = {
  inputTokens: 1,
  outputTokens: 1,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  source: 'final',
} as const;

function answerOf(userId: string, streamId: string, text: string) {
  const timing = { firstTokenMs: 1, totalMs: 2, chunks: 1, bytes: text.length };
  const done = { type: 'done', id: streamId, seq: 1, stopReason: 'end_turn', model: 'claude-test' } as const;
  const ending = { ...done, textLength: text.length, usage: USAGE, timing };
  const epoch = `${userId.slice(0, 8)}-of-${streamId}`;
  return keptText([toWire(text)], { userId, streamId, epoch, endedAt: 1, ending, requestHash: REQUEST });
}

/** Machines over one store, with one place that keeps answers. */
function machines(count: number, kept: readonly ReturnType<typeof answerOf>[] = []) {
  const clock = new ManualClock();
  const memory = new SharedMemory(clock);
  const answers = createMemoryAnswers();
  for (const one of kept) answers.put(one);
  const made = Array.from({ length: count }, (_, index) => {
    const logs = new MemoryStreamLogs({ maxBytes: 1 << 20, totalBytes: 1 << 24 });
    const times = { leaseMs: LEASE_MS, liveMs: 600_000, endedMs: 120_000 };
    const store = new MemorySharedStore(memory, `machine ${index}`, times);
    const said = { onDown() {}, onUp() {}, onMalformed: (what: string) => wrong.push(what), onFormats() {} };
    const shared = new StoreSharedRuns({ store, logs, clock, endedMs: 120_000, ...said });
    void shared.beat();
    return { shared, ...createCore({ clock, logs, shared, answers }) };
  });
  const wrong: string[] = [];
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      await settled();
      clock.advance(50);
    }
    await settled();
  };
  const [here, there] = made;
  if (here === undefined || there === undefined) throw new Error('two at least');
  return { clock, memory, answers, pass, here, there, all: made, wrong };
}

type Machines = ReturnType<typeof machines>;

/** What any machine tells of a stream, and what the store and the kept answers hold of its words. */
async function left({ all, memory, answers }: Machines, id: string, word = CANARY): Promise<string[]> {
  const found: string[] = [];
  for (const [index, { connect, relay }] of all.entries()) {
    const socket = connect();
    socket.send({ type: 'resume', id, after: 0 });
    socket.send({ type: 'cancel', id });
    await settled();
    for (const frame of socket.frames)
      if (frame.type !== 'hello' && !(frame.type === 'error' && frame.code === 'unknown_stream'))
        found.push(`machine ${index}: ${JSON.stringify(frame)}`);
    socket.drop();
    await relay.stateOf(ALICE, id).then(
      () => found.push(`machine ${index} has a state`),
      () => {},
    );
    const { streams } = await relay.streamsOf(ALICE, { limit: 50 });
    if (streams.some((each) => each.id === id)) found.push(`machine ${index} lists it`);
    for (const run of relay.registry.runsOf(ALICE))
      if (run.id === id) found.push(`machine ${index} holds it`);
  }
  const stored = JSON.stringify([[...memory.logs], [...memory.runs], [...memory.live], answers.kept]);
  if (stored.includes(word)) found.push(`stored: ${stored}`);
  return found;
}

describe('a stream that is forgotten', () => {
  it.each([
    ['by its machine', 0],
    ['by another one', 1],
  ])('while it is live ends for all who read it, and is gone %s', async (_name, at) => {
    const scene = machines(3);
    const { pass, here, there, all, wrong } = scene;
    await pass(50);
    const [owner, reader] = [here.connect(), there.connect()];
    owner.send(start('s1'));
    await pass(100);
    here.upstream.last.text(CANARY);
    await pass(300);
    reader.send({ type: 'resume', id: 's1', after: 0 });
    await pass(100);
    expect(reader.text('s1')).toBe(CANARY);
    const forgotten = all[at]?.relay.forget(ALICE, 's1');
    await pass(500);
    await forgotten;
    expect(here.upstream.last.signal.aborted).toBe(true);
    for (const socket of [owner, reader]) expect(socket.endings('s1')).toMatchObject([{ type: 'cancelled' }]);
    expect(await left(scene, 's1')).toEqual([]);
    expect(here.rows()).toMatchObject([{ status: 'cancelled' }]);
    expect(wrong).toEqual([]);
    await pass(15_000); // what its owner looks after for a while
    expect(await left(scene, 's1')).toEqual([]);
    owner.send(start('s1'));
    await pass(500);
    expect(owner.of('accepted')).toHaveLength(2); // the id is free
  });

  it('after its end is gone with its copies, those that are just being read too, and nobody else’s', async () => {
    const kept = [answerOf(ALICE, 's1', `${CANARY} kept`), answerOf(BOB, 's1', "Bob's words")];
    const scene = machines(2, kept);
    const { pass, here, there } = scene;
    await pass(50);
    here.connect().send(start('s2'));
    await pass(100);
    here.upstream.last.text(CANARY);
    here.upstream.last.end();
    await pass(300);
    const [reader, late] = [there.connect(), there.connect()];
    reader.send({ type: 'resume', id: 's2', after: 0 });
    reader.send({ type: 'resume', id: 's1', after: 0 });
    await pass(100);
    expect([reader.text('s1'), reader.text('s2')]).toEqual([`${CANARY} kept`, CANARY]);
    const forgotten = [here.relay.forget(ALICE, 's1'), there.relay.forget(ALICE, 's2')];
    for (const id of ['s1', 's2']) late.send({ type: 'resume', id, after: 0 });
    await pass(500);
    await Promise.all(forgotten);
    expect([...(await left(scene, 's1')), ...(await left(scene, 's2'))]).toEqual([]);
    const bob = there.connect(BOB);
    bob.send({ type: 'resume', id: 's1', after: 0 });
    await settled();
    expect(bob.text('s1')).toBe("Bob's words");
  });

  it('is all of the user’s where none is named', async () => {
    const scene = machines(2, [answerOf(ALICE, 's1', CANARY), answerOf(BOB, 's9', "Bob's words")]);
    const { pass, here, there, answers } = scene;
    await pass(50);
    here.connect().send(start('s2'));
    there.connect().send(start('s3'));
    const bob = there.connect(BOB);
    bob.send(start('s2'));
    await pass(100);
    for (const { request, text } of [...here.upstream.calls, ...there.upstream.calls])
      text(request.userHash.includes(ALICE) ? CANARY : "Bob's words");
    await pass(300);
    const forgotten = there.relay.forget(ALICE);
    await pass(500);
    await forgotten;
    for (const id of ['s1', 's2', 's3']) expect(await left(scene, id)).toEqual([]);
    expect(bob.text('s2')).toBe("Bob's words");
    expect(bob.endings('s2')).toEqual([]);
    expect(answers.kept).toHaveLength(1);
  });

  it('is told to be asked again where it may still be somewhere, and is gone from everywhere else', async () => {
    const scene = machines(2, [answerOf(ALICE, 's1', CANARY)]);
    const { pass, here, there, answers, memory } = scene;
    await pass(50);
    answers.refuse(true);
    await expect(here.relay.forget(ALICE, 's1')).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
    answers.refuse(false);
    memory.reachable = false;
    await expect(there.relay.forget(ALICE, 's1')).rejects.toMatchObject({ code: 'unavailable' });
    expect(answers.kept).toEqual([]);
    memory.reachable = true;
    await pass(1000);
    const again = here.relay.forget(ALICE, 's1');
    await pass(100);
    await again; // also where there is none
  });

  it('is gone with what a machine left behind that is dead by now', async () => {
    const scene = machines(2);
    const { pass, here, there, all, memory } = scene;
    await pass(50);
    here.connect().send(start('s1'));
    await pass(100);
    here.upstream.last.text(CANARY);
    await pass(300);
    here.clock.advance(0);
    memory.mailboxes.delete('machine 0');
    await here.shared.close();
    here.relay.close();
    all.shift();
    const watching = there.connect();
    watching.send({ type: 'watch' });
    await pass(8000);
    const forgotten = there.relay.forget(ALICE);
    await pass(1000);
    await forgotten;
    await pass(500);
    expect(await left(scene, 's1')).toEqual([]);
    expect(watching.of('streams').at(-1)).toMatchObject({ streams: [] });
  });

  it('is not brought back by a machine that could not be asked while it was forgotten', async () => {
    const scene = machines(2);
    const { pass, here, there, memory } = scene;
    await pass(50);
    const owner = here.connect();
    owner.send(start('s1'));
    await pass(100);
    here.upstream.last.text(CANARY);
    await pass(300);
    memory.mailboxes.delete('machine 0'); // it hears nothing
    const forgotten = there.relay.forget(ALICE, 's1');
    await pass(500);
    await forgotten;
    here.upstream.last.text(CANARY);
    await pass(2000);
    expect(owner.endings('s1')).toMatchObject([{ type: 'cancelled' }]);
    expect(await left(scene, 's1')).toEqual([]);
  });
});

describe('forgetting on one machine', () => {
  it('waits for a row that is being settled, and erases what was being written after it', async () => {
    const answers = createMemoryAnswers();
    const core = createCore({ answers });
    const { ledger, connect, relay, upstream } = core;
    const settling = Promise.withResolvers<void>();
    const settle = ledger.settle.bind(ledger);
    ledger.settle = async (settlement) => {
      await settling.promise;
      answers.put(answerOf(ALICE, 's1', CANARY)); // as the ledger does, in the same transaction
      return await settle(settlement);
    };
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    upstream.last.text(CANARY);
    upstream.last.end();
    await settled();
    let isOver = false;
    const forgotten = relay.forget(ALICE, 's1').then(() => {
      isOver = true;
    });
    await settled();
    expect(isOver).toBe(false);
    settling.resolve();
    await forgotten;
    await settled();
    expect(socket.endings('s1')).toMatchObject([{ type: 'done' }]); // it had ended before
    expect(answers.kept).toEqual([]);
    expect(relay.registry.size).toBe(0);
    expect(relay.registry.live).toBe(0);
  });

  it('ends what is only opening, and frees its id', async () => {
    const { connect, relay, rows, upstream } = createCore();
    const socket = connect();
    socket.send(start('s1'));
    const forgotten = relay.forget(ALICE, 's1');
    await settled();
    await forgotten;
    expect(socket.endings('s1')).toMatchObject([{ type: 'cancelled' }]);
    expect(upstream.calls).toEqual([]);
    expect(rows()).toMatchObject([{ status: 'cancelled' }]);
    expect(relay.registry.size).toBe(0);
    socket.send(start('s1'));
    await settled();
    expect(socket.of('accepted')).toHaveLength(2);
  });

  it('leaves a slow reader what it has not taken, until it has', async () => {
    const { connect, relay, upstream, logs } = createCore();
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    socket.stalled = true;
    for (let count = 0; count < 40; count += 1) {
      upstream.last.text('x'.repeat(10_000));
      await settled();
    }
    const forgotten = relay.forget(ALICE, 's1');
    await settled();
    await forgotten;
    expect(relay.registry.size).toBe(0);
    expect(logs.heldBytes).toBeGreaterThan(0);
    socket.drain();
    await settled();
    expect(socket.text('s1')).toHaveLength(400_000);
    expect(socket.endings('s1')).toMatchObject([{ type: 'cancelled' }]);
    expect(logs.heldBytes).toBe(0);
  });

  it('takes an answer back that is being read for somebody at that moment', async () => {
    const memory = createMemoryAnswers();
    memory.put(answerOf(ALICE, 's1', CANARY));
    const reading = Promise.withResolvers<void>();
    const answers: KeptAnswers = {
      ...memory,
      async find(...of) {
        const found = await memory.find(...of);
        await reading.promise;
        return found;
      },
    };
    const { connect, relay } = createCore({ answers });
    const socket = connect();
    socket.send({ type: 'resume', id: 's1', after: 0 });
    await settled();
    const forgotten = relay.forget(ALICE, 's1');
    await settled();
    reading.resolve();
    await forgotten;
    await settled();
    expect(socket.of('error')).toMatchObject([{ of: 'resume', code: 'unknown_stream' }]);
    expect(socket.of('chunk')).toEqual([]);
    expect(relay.registry.size).toBe(0);
    await expect(relay.cancel(ALICE, 's1', CALLER)).rejects.toMatchObject({ code: 'unknown_stream' });
  });
});
