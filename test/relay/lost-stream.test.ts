/** A run of another machine that can be read no more while somebody waits for its ending. */
import { expect, it, vi } from 'vitest';
import type { ReplicaEvents, ReplicaLoss, RunRecord, SharedRuns } from '../../src/cluster/port.ts';
import type { EndingFrame } from '../../src/protocol/frames.ts';
import { hashOfRequest } from '../../src/run/request.ts';
import { MemoryStreamLogs } from '../../src/stream-log/memory.ts';
import { ALICE, createCore } from '../support/core.ts';
import { settled } from '../support/quiet.ts';

const RUN: RunRecord = {
  userId: ALICE,
  id: 's1',
  epoch: 'epoch-of-s1',
  requestHash: 'hash',
  action: 'chat',
  model: 'claude-test',
  owner: 'other',
};

interface Other {
  readonly ending?: EndingFrame;
  readonly accepted?: boolean;
  readonly requestHash?: string;
  /** Called as whoever follows it is about to know. */
  readonly followed?: (replica: { loss: ReplicaLoss | undefined }, events: ReplicaEvents) => void;
}

/** A core beside another machine that has one run, and loses it when the test says so; or that has lost it, with that ending. */
function createCoreBesideOther({ ending, accepted = true, requestHash = 'hash', followed }: Other = {}) {
  let events: ReplicaEvents | undefined;
  let cancels = 0;
  const log = new MemoryStreamLogs({ maxBytes: 1 << 20, totalBytes: 1 << 20 }).create();
  const shared: SharedRuns = {
    machine: 'here',
    up: true,
    elsewhere: true,
    claim: async () => ({ ...RUN, requestHash }),
    release() {},
    endingRead() {},
    listed: async () => [],
    watch: async () => {},
    unwatch() {},
    erased: async () => {},
    publish: () => ({ wake() {}, meanwhile() {}, confirmed: () => undefined }),
    find: async () => RUN,
    async follow(record, _part, told) {
      events = told;
      const loss: ReplicaLoss | undefined = undefined;
      const replica = {
        record,
        log,
        accepted,
        ending,
        interlude: undefined,
        loss,
        release: () => log.release(),
      };
      followed?.(replica, told);
      return replica;
    },
    cancel: () => Promise.reject(new Error('not asked a second time')),
    async cancelHeld() {
      cancels += 1;
      return RUN;
    },
    onForget() {},
    forgetElsewhere: async () => {},
    erase: async () => {},
    close: async () => {},
  };
  return { ...createCore({ shared }), lose: () => events?.lost(), cancels: () => cancels };
}

const NOT_TO_BE_HAD = { code: 'unknown_stream' };

it('is cancelled, and who asked over HTTP is told that its ending is not to be had', async () => {
  const { relay, lose, cancels } = createCoreBesideOther();
  const caller = { door: 'json', requestId: null, connectionId: null } as const;
  const told = expect(relay.cancel(ALICE, 's1', caller)).rejects.toMatchObject(NOT_TO_BE_HAD);
  await settled();
  expect(cancels()).toBe(1);
  lose();
  await told;
});

it('and so is who asked over a WebSocket', async () => {
  const { connect, lose, cancels } = createCoreBesideOther();
  const socket = connect();
  socket.send({ type: 'cancel', id: 's1' });
  await settled();
  expect(cancels()).toBe(1);
  lose();
  await settled();
  expect(socket.frames.at(-1)).toMatchObject({ type: 'error', of: 'cancel', id: 's1', ...NOT_TO_BE_HAD });
});

it('that ended before what a caller over HTTP holds, ends for it after that', async () => {
  const ending = {
    type: 'error',
    id: 's1',
    seq: 0,
    code: 'interrupted',
    message: 'm',
    retryable: true,
  } as const;
  const { relay } = createCoreBesideOther({ ending });
  const sink = {
    opened: vi.fn(),
    frame: vi.fn(),
    ended: vi.fn(),
    failed: vi.fn(),
    flush() {},
    bufferedBytes: 0,
  };
  const caller = { door: 'sse', requestId: null, connectionId: null } as const;
  await relay.resume({ userId: ALICE, id: 's1', epoch: RUN.epoch, after: 3, caller }, sink);
  await settled();
  expect(sink.opened).toHaveBeenCalledWith(expect.objectContaining({ epoch: RUN.epoch }), 3, true);
  expect(sink.ended).toHaveBeenCalledExactlyOnceWith({ ...ending, seq: 3 }, expect.any(String));
  expect(sink.failed).not.toHaveBeenCalled();
});

it.each(Array.from({ length: 16 }, (_, turns) => turns))(
  'whose machine is given up before it began, just as who starts it finds it there, is started anew: %i turns later',
  async (turns) => {
    const fields = { action: 'chat', messages: [{ role: 'user', content: 'hi' }] } as const;
    const request = { type: 'start', id: 's1', ...fields };
    const { connect } = createCoreBesideOther({
      accepted: false,
      requestHash: hashOfRequest(fields),
      followed(replica, events) {
        const lose = (left: number): void => {
          if (left > 0) {
            queueMicrotask(() => lose(left - 1));
            return;
          }
          replica.loss = 'refused';
          events.lost();
        };
        lose(turns);
      },
    });
    const socket = connect();
    socket.send(request);
    await settled();
    const answers = socket.frames.filter((frame) => 'id' in frame);
    expect(answers).toMatchObject([
      { type: 'error', of: 'start', id: 's1', code: 'unavailable', retryable: true },
    ]);
  },
);
