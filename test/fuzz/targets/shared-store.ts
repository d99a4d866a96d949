/** What another machine, of this release or another, or anybody with access, puts into the shared store and its channels. */
import assert from 'node:assert/strict';
import { decodeBatch } from '../../../src/cluster/delta-batch.ts';
import { parseEnding } from '../../../src/cluster/parse-ending.ts';
import type { RunRecord } from '../../../src/cluster/port.ts';
import { RunReplica } from '../../../src/cluster/run-replica.ts';
import { LEASE_MS, StoreSharedRuns } from '../../../src/cluster/shared-runs.ts';
import { decodeMessage, encodeMessage, SEPARATOR } from '../../../src/cluster/store/message-text.ts';
import { type MachineMessage, Malformed } from '../../../src/cluster/store/port.ts';
import { fromWire } from '../../../src/protocol/wire-text.ts';
import { MemoryStreamLogs } from '../../../src/stream-log/memory.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemorySharedStore, SharedMemory } from '../../support/memory-shared-store.ts';
import { settled } from '../../support/quiet.ts';
import type { FuzzSubject, FuzzTarget } from '../fuzz-target.ts';

const RUN: RunRecord = {
  userId: 'user',
  id: 'stream-1',
  epoch: 'epoch-1',
  requestHash: 'hash',
  action: 'chat',
  model: 'm',
  owner: 'a',
};
const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, source: 'final' };
const timing = { firstTokenMs: 1, totalMs: 1, chunks: 2, bytes: 2 };
const done = {
  type: 'done',
  id: RUN.id,
  seq: 2,
  stopReason: 'end_turn',
  model: 'm',
  textLength: 2,
  usage,
  timing,
};
const BATCH = '\x1eWhy \x1enot “this”? \\n🍕\x1f{"type":"ping","a":[1]}';
const LIMITS = { maxBytes: 1 << 20, totalBytes: 1 << 24 };

const MESSAGES: readonly MachineMessage[] = [
  {
    type: 'added',
    epoch: RUN.epoch,
    addition: { batches: [{ seq: 3, payload: BATCH }], ending: JSON.stringify(done) },
  },
  { type: 'interlude', epoch: RUN.epoch, after: 0, moment: { kind: 'thinking' } },
  { type: 'follow', epoch: RUN.epoch, machine: 'b' },
  { type: 'unfollow', epoch: RUN.epoch, machine: 'b' },
  { type: 'cancel', epoch: RUN.epoch },
  { type: 'not_here', epoch: RUN.epoch },
];

export const sharedStore: FuzzTarget = {
  name: 'shared store',
  corpus: [
    BATCH,
    ...MESSAGES.map(encodeMessage),
    ['added', RUN.epoch, 'tool:0:{"call":1,"name":"look_up","state":"running"}', '', ''].join(SEPARATOR),
    JSON.stringify(done),
    JSON.stringify({ ...done, type: 'cancelled' }),
    JSON.stringify({ type: 'error', id: RUN.id, seq: 2, code: 'interrupted', message: 'x', retryable: true }),
    ['v3', 'added', RUN.epoch, '3'].join(SEPARATOR),
  ],
  words: [
    SEPARATOR,
    '\x1e',
    '\x1f',
    'added',
    'epoch-1',
    '\\u0000',
    '"seq":',
    '\n',
    'thinking:0:',
    'tool:0:{',
  ],
  cases: 300,
  open,
};

async function open(): Promise<FuzzSubject> {
  const memory = new SharedMemory(new ManualClock());
  const [a, b] = [machine(memory, 'a'), machine(memory, 'b')];
  await a.beat();
  await b.beat();
  return {
    async check(input) {
      checkDecoders(input);
      checkReplica(input);
      const message = decodeMessage(input);
      if (message === undefined) return;
      requireSame(message);
      for (const name of ['a', 'b']) memory.mailboxes.get(name)?.(message);
      await settled();
      assert.ok(a.up && b.up, 'what one run says wrong is no fault of the store');
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([a.close(), b.close()]);
    },
  };
}

function machine(memory: SharedMemory, name: string): StoreSharedRuns {
  const times = { leaseMs: LEASE_MS, liveMs: 900_000, endedMs: 120_000 };
  return new StoreSharedRuns({
    store: new MemorySharedStore(memory, name, times),
    logs: new MemoryStreamLogs(LIMITS),
    clock: memory.clock,
    endedMs: 120_000,
    onDown() {},
    onUp() {},
    onMalformed() {},
    onFormats() {},
  });
}

function checkDecoders(input: string): void {
  unlessMalformed(() => {
    for (const { json } of decodeBatch({ seq: 1000, payload: input }).deltas) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it becomes a line of an event stream
      assert.doesNotMatch(fromWire(json), /[\x00-\x1f]/);
    }
  });
  unlessMalformed(() => {
    const ending = parseEnding(input, RUN.id);
    assert.ok(ending.seq >= 0 && ending.id === RUN.id);
  });
}

/** A copy that reads it as deltas, then as an ending, keeps what it had. */
function checkReplica(input: string): void {
  const logs = new MemoryStreamLogs(LIMITS);
  const replica = new RunReplica(RUN, 'whole', logs, () => {});
  replica.take({ exists: true, batches: [{ seq: 1, payload: '\x1eheld' }], ending: undefined });
  for (const seq of [1, 2, 3, 2 ** 53, -1, Number.NaN])
    unlessMalformed(() =>
      replica.take({ exists: true, batches: [{ seq, payload: input }], ending: undefined }),
    );
  unlessMalformed(() => replica.takeMessage({ batches: [], ending: input }));
  assert.ok(replica.log.head >= 1);
  replica.release();
  assert.equal(logs.heldBytes, 0);
}

/** What was understood is what is sent on. */
function requireSame(message: MachineMessage): void {
  assert.deepEqual(decodeMessage(encodeMessage(message)), message);
}

function unlessMalformed(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
  }
}
