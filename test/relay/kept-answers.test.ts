/** Answers that are read back after their run has left memory, by the twin of the place that keeps them. */
import { describe, expect, it } from 'vitest';
import type { KeptAnswers, KeptText } from '../../src/answers/port.ts';
import type { EndingFrame } from '../../src/protocol/frames.ts';
import { toWire, type WireText } from '../../src/protocol/wire-text.ts';
import type { RelayOptions } from '../../src/relay/relay.ts';
import { hashOfRequest } from '../../src/run/request.ts';
import { ALICE, BOB, createCore, NO_QUOTA, start } from '../support/core.ts';
import { createMemoryAnswers, keptText } from '../support/memory-answers.ts';
import { settled } from '../support/quiet.ts';

const WORDS = ['Light ', 'is ', 'é ', 'bent.'];
const TEXT = WORDS.join('');
const EPOCH = 'epoch-of-s1';
const REQUEST = hashOfRequest({ action: 'chat', messages: [{ role: 'user', content: 'hi' }] });
const USAGE = { inputTokens: 1, outputTokens: 4, cacheReadTokens: 0, cacheWriteTokens: 0, source: 'final' };
const ENDING = {
  type: 'done',
  id: 's1',
  seq: 4,
  stopReason: 'end_turn',
  model: 'claude-test',
  textLength: TEXT.length,
  usage: USAGE,
  timing: { firstTokenMs: 1, totalMs: 2, chunks: 4, bytes: TEXT.length + 1 },
} as EndingFrame;
const CALLER = { door: 'sse', requestId: null, connectionId: null } as const;

function wired(words: readonly string[]): WireText[] {
  return words.map((word) => toWire(JSON.stringify(word).slice(1, -1)));
}

/** Ended, unless something else is said. */
function answer(fields: Partial<KeptText> = {}, words = WORDS): KeptText {
  const ended = { endedAt: 1, ending: ENDING, requestHash: REQUEST, model: 'claude-test' };
  return keptText(wired(words), { userId: ALICE, streamId: 's1', epoch: EPOCH, ...ended, ...fields });
}

const OPEN = { endedAt: null, ending: undefined } as const;

/** Where the test says when it answers. */
function held(answers: KeptAnswers) {
  let open = Promise.withResolvers<void>();
  let asked = 0;
  return {
    ...answers,
    async find(...of: Parameters<KeptAnswers['find']>) {
      asked += 1;
      await open.promise;
      return await answers.find(...of);
    },
    get asked() {
      return asked;
    },
    go: () => open.resolve(),
    hold() {
      open = Promise.withResolvers();
    },
  };
}

function keepingCore(options: Partial<RelayOptions> = {}, kept: readonly KeptText[] = [answer()]) {
  const memory = createMemoryAnswers();
  for (const one of kept) memory.put(one);
  const answers = held(memory);
  const core = createCore({ answers, ...options });
  return { ...core, memory, answers };
}

describe('a kept answer', () => {
  it.each([
    ['from its beginning', { epoch: EPOCH, after: 0 }],
    ['after what is held', { epoch: EPOCH, after: 2 }],
    ['to its ending alone', { epoch: EPOCH, after: 4 }],
    ['without an epoch', { after: 0 }],
  ])('is resumed %s', async (_name, position) => {
    const { connect, answers, relay, clock } = keepingCore();
    answers.go();
    const socket = connect();
    socket.send({ type: 'resume', id: 's1', ...position });
    await settled();
    const { after } = position;
    expect(socket.of('resumed')).toEqual([
      { type: 'resumed', id: 's1', epoch: EPOCH, after, head: 4, model: 'claude-test', state: 'ended' },
    ]);
    expect(socket.text('s1', after)).toBe(WORDS.slice(after).join(''));
    expect(socket.endings('s1')).toEqual([ENDING]);
    expect(socket.of('chunk').length).toBeLessThan(2); // merged
    expect(relay.registry.size).toBe(1);
    clock.advance(11_000);
    expect(relay.registry.size).toBe(0);
  });

  it.each([
    ['past its end', { epoch: EPOCH, after: 5 }, 'resume_gap'],
    ['of another epoch', { epoch: 'AAAAAAAAAAAA', after: 0 }, 'resume_gap'],
    ['behind something without an epoch', { after: 2 }, 'bad_request'],
    ['of an absent stream', { id: 's2', after: 0 }, 'unknown_stream'],
  ])('is refused %s', async (_name, fields, code) => {
    const { connect, answers } = keepingCore();
    answers.go();
    const socket = connect();
    socket.send({ type: 'resume', id: 's1', ...fields });
    await settled();
    expect(socket.of('error')).toMatchObject([{ of: 'resume', code }]);
    expect(socket.of('chunk')).toEqual([]);
  });

  it("is nobody else's, in the words used for an absent one", async () => {
    const { connect, answers, relay, memory } = keepingCore();
    memory.put(answer({ userId: BOB, epoch: 'of-bob-of-bob' }, ["Bob's canary"]));
    answers.go();
    const bob = connect(BOB);
    bob.send({ type: 'resume', id: 's1', epoch: EPOCH, after: 0 });
    bob.send({ type: 'resume', id: 's1', after: 0 });
    const alice = connect();
    alice.send({ type: 'resume', id: 's1', after: 0 });
    await settled();
    expect(bob.of('error')).toMatchObject([{ of: 'resume', code: 'resume_gap' }]);
    expect(bob.text('s1')).toBe("Bob's canary");
    expect(alice.text('s1')).toBe(TEXT);
    await expect(relay.stateOf('33333333-3333-4333-8333-333333333333', 's1')).rejects.toMatchObject({
      code: 'unknown_stream',
    });
  });

  it('is read once for all who ask at the same time, and told over HTTP as well', async () => {
    const { connect, answers, relay } = keepingCore();
    const sockets = [connect(), connect(), connect()];
    for (const socket of sockets) socket.send({ type: 'resume', id: 's1', epoch: EPOCH, after: 0 });
    const state = relay.stateOf(ALICE, 's1');
    const ending = relay.cancel(ALICE, 's1', CALLER);
    answers.go();
    await settled();
    expect(answers.asked).toBe(1);
    for (const socket of sockets) expect(socket.text('s1')).toBe(TEXT);
    expect(await state).toEqual({ id: 's1', epoch: EPOCH, head: 4, state: 'ended' });
    expect(await ending).toEqual(ENDING);
  });

  it('whose machine died is told as far as it was saved, and is interrupted there', async () => {
    const { connect, answers } = keepingCore({}, [answer({ ...OPEN, isDead: true }, ['Light '])]);
    answers.go();
    const [socket, further] = [connect(), connect()];
    socket.send({ type: 'resume', id: 's1', epoch: EPOCH, after: 0 });
    further.send({ type: 'resume', id: 's1', epoch: EPOCH, after: 3 });
    await settled();
    expect(socket.text('s1')).toBe('Light ');
    const interrupted = { type: 'error', code: 'interrupted', retryable: true };
    expect(socket.endings('s1')).toMatchObject([{ ...interrupted, seq: 1 }]);
    expect(further.endings('s1')).toMatchObject([{ ...interrupted, seq: 3 }]); // it holds what was lost
  });

  it('that goes on where nobody can be asked is followed as it is saved', async () => {
    const { connect, answers, clock, memory, relay } = keepingCore({}, [answer(OPEN, ['Light '])]);
    answers.go();
    const [socket, further, stopping] = [connect(), connect(), connect()];
    socket.send({ type: 'resume', id: 's1', epoch: EPOCH, after: 0 });
    further.send({ type: 'resume', id: 's1', epoch: EPOCH, after: 3 });
    await settled();
    expect(socket.of('resumed')).toMatchObject([{ state: 'live', head: 1 }]);
    memory.put(answer(OPEN, WORDS.slice(0, 3)));
    await later(clock, 1000);
    expect(socket.text('s1')).toBe('Light is é ');
    expect(further.of('resumed')).toMatchObject([{ after: 3, head: 3 }]);
    memory.refuse(true);
    await later(clock, 2000);
    memory.refuse(false);
    memory.put(answer());
    await later(clock, 1000);
    expect(socket.text('s1')).toBe(TEXT);
    expect(further.text('s1', 3)).toBe('bent.');
    expect([...socket.endings('s1'), ...further.endings('s1')]).toEqual([ENDING, ENDING]);
    stopping.send({ type: 'cancel', id: 's1' });
    await settled();
    expect(stopping.endings('s1')).toEqual([ENDING]);
    clock.advance(11_000);
    expect(relay.registry.size).toBe(0);
    const before = answers.asked;
    await later(clock, 3000);
    expect(answers.asked).toBe(before);
  });

  it('that goes on elsewhere is stopped by nobody here, nor followed from where it is not saved', async () => {
    const { connect, answers, clock } = keepingCore({}, [answer(OPEN, ['Light '])]);
    answers.go();
    const socket = connect();
    socket.send({ type: 'cancel', id: 's1' });
    socket.send({ type: 'resume', id: 's1', epoch: EPOCH, after: 3 });
    await later(clock, 6000);
    expect(socket.of('error')).toMatchObject([
      { of: 'cancel', code: 'unavailable', retryable: true },
      { of: 'resume', code: 'unavailable', retryable: true },
    ]);
  });

  it('that nobody can ask for is neither there nor unknown', async () => {
    const { connect, answers, memory } = keepingCore();
    answers.go();
    memory.refuse(true);
    const socket = connect();
    socket.send({ type: 'resume', id: 's1', epoch: EPOCH, after: 0 });
    await settled();
    expect(socket.of('error')).toMatchObject([{ of: 'resume', code: 'unavailable', retryable: true }]);
    memory.refuse(false);
    socket.send({ type: 'resume', id: 's1', epoch: EPOCH, after: 0 });
    await settled();
    expect(socket.text('s1')).toBe(TEXT);
  });
});

describe('a start whose answer may be kept', () => {
  it('attaches to it: nothing is called, recorded or left reserved', async () => {
    const reserved = new Set<string>();
    const quota = { ...NO_QUOTA, ...reserving(reserved) };
    const { connect, answers, upstream, rows, relay, memory } = keepingCore({ quota });
    const [socket, other] = [connect(), connect()];
    socket.send(start('s1'));
    other.send(start('s1', { maxTokens: 7 }));
    await settled();
    expect(reserved.size).toBe(1); // beside
    answers.go();
    await settled();
    expect(socket.of('resumed')).toMatchObject([{ epoch: EPOCH, after: 0, state: 'ended' }]);
    expect(socket.text('s1')).toBe(TEXT);
    expect(socket.endings('s1')).toEqual([ENDING]);
    expect(other.of('error')).toMatchObject([{ of: 'start', code: 'conflict' }]);
    expect(memory.kept).toHaveLength(1);
    expect({ calls: upstream.calls.length, rows: rows().length, live: relay.registry.live }).toEqual({
      calls: 0,
      rows: 0,
      live: 0,
    });
    expect(reserved.size).toBe(0);
  });

  it('attaches also where nothing new may begin', async () => {
    const { connect, answers, relay } = keepingCore({ isEnabled: () => false });
    answers.go();
    void relay.drain(1_000_000);
    const socket = connect();
    socket.send(start('s1'));
    socket.send(start('s2'));
    await settled();
    expect(socket.text('s1')).toBe(TEXT);
    expect(socket.of('error')).toMatchObject([{ id: 's2', of: 'start', code: 'unavailable' }]);
  });

  it('begins once, however often it comes while that is asked', async () => {
    const { connect, answers, upstream, rows } = keepingCore({}, []);
    const [socket, other, third] = [connect(), connect(), connect()];
    for (const each of [socket, other]) each.send(start('s1'));
    third.send({ type: 'resume', id: 's1', after: 0 });
    await settled();
    expect(upstream.calls).toEqual([]);
    answers.go();
    await settled();
    upstream.last.text('once');
    upstream.last.end();
    await settled();
    expect(rows()).toHaveLength(1);
    expect([socket, other].map((each) => each.text('s1'))).toEqual(['once', 'once']);
    expect(third.of('error')).toMatchObject([{ of: 'resume', code: 'unknown_stream' }]); // not accepted yet
    expect([socket, other].map((each) => each.endings('s1').length)).toEqual([1, 1]);
  });

  it('waits no longer than a quarter of a second for a place that is slow, nor for one that is away', async () => {
    const { connect, answers, memory, upstream, clock, relay } = keepingCore({}, []);
    const socket = connect();
    socket.send(start('s1'));
    await later(clock, 200);
    expect(upstream.calls).toHaveLength(0);
    await later(clock, 50);
    expect(upstream.calls).toHaveLength(1);
    const { epoch } = socket.of('accepted')[0] ?? {};
    memory.put(answer());
    answers.go();
    await settled();
    expect(relay.registry.find(ALICE, 's1')?.epoch).toBe(epoch); // what came late took nobody's place
    memory.refuse(true);
    socket.send(start('s2'));
    await settled();
    expect(upstream.calls).toHaveLength(2);
  });

  it('that says it is fresh waits for nobody, and again attaches to what is live', async () => {
    const { connect, answers, upstream, rows } = keepingCore();
    const socket = connect();
    socket.send({ ...start('s2'), fresh: true });
    await settled();
    expect(socket.of('hello')).toMatchObject([{ keepsAnswers: true }]);
    expect({ asked: answers.asked, calls: upstream.calls.length }).toEqual({ asked: 0, calls: 1 });
    socket.send(start('s2')); // its answer was lost: the same start, not called fresh any more
    socket.send({ ...start('s2'), fresh: true }); // said of what is not: the same run all the same
    upstream.last.text('once');
    upstream.last.end();
    await settled();
    expect({ calls: upstream.calls.length, rows: rows().length }).toEqual({ calls: 1, rows: 1 });
    expect(socket.of('resumed')).toMatchObject([{ id: 's2' }, { id: 's2' }]);
    socket.send({ ...start('s1'), fresh: false });
    await settled();
    expect(socket.of('error')).toMatchObject([{ id: 's1', of: 'start', code: 'bad_request' }]);
  });

  it('is refused as ever, with nothing left reserved', async () => {
    const reserved = new Set<string>();
    const quota = { ...NO_QUOTA, ...reserving(reserved) };
    const startLimit = { take: async () => 1000 };
    const { connect, answers, relay } = keepingCore({ quota, startLimit }, []);
    answers.go();
    const socket = connect();
    socket.send(start('s1'));
    socket.send(start('s2', { action: 'none_of_ours' }));
    await settled();
    expect(socket.of('error')).toMatchObject([
      { id: 's1', of: 'start', code: 'rate_limited' },
      { id: 's2', of: 'start', code: 'unknown_action' },
    ]);
    expect({ reserved: reserved.size, live: relay.registry.live }).toEqual({ reserved: 0, live: 0 });
  });

  it('is stopped by a cancel that comes while that is asked', async () => {
    const { connect, answers, upstream, rows } = keepingCore({}, []);
    const [socket, other] = [connect(), connect()];
    socket.send(start('s1'));
    other.send({ type: 'cancel', id: 's1' });
    answers.go();
    await settled();
    expect(other.endings('s1')).toMatchObject([{ type: 'cancelled' }]);
    expect(socket.endings('s1')).toEqual(other.endings('s1'));
    expect(upstream.calls.every(({ signal }) => signal.aborted)).toBe(true);
    expect(rows()).toMatchObject([{ status: 'cancelled' }]);
  });

  it('is stopped likewise by its own connection, which is gone by then', async () => {
    const { connect, answers, rows } = keepingCore({}, []);
    const socket = connect();
    socket.send(start('s1'));
    socket.send({ type: 'cancel', id: 's1' });
    socket.drop();
    answers.go();
    await settled();
    expect(rows()).toMatchObject([{ status: 'cancelled' }]);
  });
});

/** As the quota is asked: what is reserved and not given back. */
function reserving(reserved: Set<string>): Pick<RelayOptions['quota'], 'reserve' | 'release' | 'settle'> {
  return {
    async reserve({ epoch }) {
      reserved.add(epoch);
      return { promptTokens: 0 };
    },
    release: (epoch) => void reserved.delete(epoch),
    settle: ({ epoch }) => void reserved.delete(epoch),
  };
}

async function later(clock: { advance(ms: number): void }, ms: number): Promise<void> {
  await settled();
  for (let left = ms; left > 0; left -= 50) {
    clock.advance(50);
    await settled();
  }
}
