import { afterEach, describe, expect, it, vi } from 'vitest';
import { Publisher } from '../../src/cluster/publisher.ts';
import { RemoteRun } from '../../src/cluster/remote-run.ts';
import { Replicas } from '../../src/cluster/replicas.ts';
import { RunClaim } from '../../src/cluster/run-claim.ts';
import { RunPublication } from '../../src/cluster/run-publication.ts';
import { Delivery } from '../../src/connection/delivery.ts';
import { EndingWaiter } from '../../src/run/readers.ts';
import { RunRegistry } from '../../src/run/registry.ts';
import { Run } from '../../src/run/run.ts';
import { MemoryStreamLogs } from '../../src/stream-log/memory.ts';
import { ALICE, BOB } from '../support/core.ts';
import { LONG, report } from '../support/test-run.ts';
import { DiskLedger } from './disk.ts';
import { ALONE, AT_FAULT, type Kind, playHistories, TOGETHER } from './histories.ts';
import { StoreLink } from './store-link.ts';

/** More than any of these takes. */
const MOST_HISTORIES = 2000;
const SEED = 7;

/** A fault that is put into the relay, or into what it relies on, and has to be found. */
interface Mutant {
  readonly what: string;
  readonly kind: Kind;
  /** Played in the short run too. */
  readonly isQuick?: boolean;
  plant(): void;
}

const MUTANTS: readonly Mutant[] = [
  {
    what: 'a cancel stops nothing',
    kind: ALONE,
    isQuick: true,
    plant: () => vi.spyOn(Run.prototype, 'abort').mockReturnValue(),
  },
  {
    what: 'a run goes on without a reader',
    kind: ALONE,
    plant: () =>
      vi.spyOn(RunRegistry.prototype, 'leave').mockImplementation((run, reader) => {
        run.readers.delete(reader);
      }),
  },
  {
    what: 'an ended run is never let go',
    kind: ALONE,
    plant: () => vi.spyOn(RunRegistry.prototype, 'ended').mockReturnValue(),
  },
  {
    what: 'a reader that has caught up is not told the ending',
    kind: ALONE,
    plant() {
      const { wake } = Delivery.prototype;
      vi.spyOn(Delivery.prototype, 'wake').mockImplementation(function (this: Delivery) {
        if (this.run.ending === undefined) wake.call(this);
      });
    },
  },
  {
    what: 'who cancels without reading is told the ending twice',
    kind: ALONE,
    plant() {
      const { wake } = EndingWaiter.prototype;
      vi.spyOn(EndingWaiter.prototype, 'wake').mockImplementation(function (this: EndingWaiter) {
        wake.call(this);
        wake.call(this);
      });
    },
  },
  {
    what: 'a resume begins one delta too late',
    kind: ALONE,
    plant() {
      const { create } = MemoryStreamLogs.prototype;
      vi.spyOn(MemoryStreamLogs.prototype, 'create').mockImplementation(function (
        this: MemoryStreamLogs,
        after,
      ) {
        const log = create.call(this, after);
        const cursor = log.cursor.bind(log);
        log.cursor = (from) => cursor(from > 0 && from < log.head ? from + 1 : from);
        return log;
      });
    },
  },
  {
    what: 'a stream is found by its id alone',
    kind: ALONE,
    isQuick: true,
    plant() {
      const { find } = RunRegistry.prototype;
      vi.spyOn(RunRegistry.prototype, 'find').mockImplementation(function (this: RunRegistry, userId, id) {
        return find.call(this, userId, id) ?? find.call(this, userId === ALICE ? BOB : ALICE, id);
      });
    },
  },
  {
    what: 'the ending leaves before its row is on disk',
    kind: ALONE,
    plant() {
      const { settle } = DiskLedger.prototype;
      vi.spyOn(DiskLedger.prototype, 'settle').mockImplementation(function (this: DiskLedger, settlement) {
        setImmediate(() => void settle.call(this, settlement));
        return Promise.resolve({ costUsd: null, cacheSavedUsd: null });
      });
    },
  },
  {
    what: 'a row is settled twice',
    kind: ALONE,
    plant() {
      const { settle } = DiskLedger.prototype;
      vi.spyOn(DiskLedger.prototype, 'settle').mockImplementation(function (this: DiskLedger, settlement) {
        void settle.call(this, settlement);
        return settle.call(this, settlement);
      });
    },
  },
  {
    what: 'two machines may have one id',
    kind: TOGETHER,
    isQuick: true,
    plant: () => vi.spyOn(StoreLink.prototype, 'claim').mockResolvedValue('claimed'),
  },
  {
    what: 'the id of a refused start stays taken',
    kind: TOGETHER,
    plant: () => vi.spyOn(RunClaim.prototype, 'release').mockReturnValue(),
  },
  {
    what: 'a resume elsewhere waits for nothing',
    kind: TOGETHER,
    plant: () => vi.spyOn(RemoteRun.prototype, 'reach').mockReturnValue(undefined),
  },
  {
    what: 'who holds more than a dead machine left gets no ending',
    kind: TOGETHER,
    plant: () => vi.spyOn(RemoteRun.prototype, 'endingBeyond').mockReturnValue(undefined),
  },
  {
    what: 'a cancel elsewhere is not passed on',
    kind: TOGETHER,
    plant: () => vi.spyOn(Publisher.prototype, 'cancel').mockReturnValue(),
  },
  {
    what: 'nobody looks after silent owners, nor after lost messages',
    kind: TOGETHER,
    plant: () => vi.spyOn(Replicas.prototype, 'check').mockReturnValue(),
  },
  {
    what: 'a follower that died is followed for ever',
    kind: TOGETHER,
    plant: () => vi.spyOn(RunPublication.prototype, 'expire').mockReturnValue(false),
  },
  {
    what: 'after an outage nobody looks at what the store holds',
    kind: AT_FAULT,
    plant: () => vi.spyOn(Publisher.prototype, 'recheck').mockReturnValue(),
  },
  {
    what: 'a machine that others gave up goes on for its own readers',
    kind: AT_FAULT,
    plant() {
      const { abort } = Run.prototype;
      vi.spyOn(Run.prototype, 'abort').mockImplementation(function (this: Run, reason) {
        if (reason !== 'given_up') abort.call(this, reason);
      });
    },
  },
  {
    what: 'an ending waits for nobody who may have told another',
    kind: AT_FAULT,
    plant: () => vi.spyOn(RunPublication.prototype, 'confirmed').mockReturnValue(undefined),
  },
];

afterEach(() => void vi.restoreAllMocks());

describe('the model finds it where', () => {
  it.each(MUTANTS.filter(({ isQuick = false }) => LONG || isQuick))(
    '$what',
    async ({ what, kind, plant }) => {
      plant();
      const details = await playHistories(kind, { count: MOST_HISTORIES, seed: SEED, endOnFailure: !LONG });
      expect(details.failed).toBe(true);
      const [machines, steps] = details.counterexample ?? [];
      if (LONG)
        report(
          `${what}: after ${details.numRuns}, on ${machines}: ${String(steps)}: ${firstLine(details.errorInstance)}`,
        );
    },
    600_000,
  );
});

function firstLine(error: unknown): string {
  return String(error).split('\n', 1)[0] ?? '';
}
