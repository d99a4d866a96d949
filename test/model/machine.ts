/** A machine with a disk, and the process of the relay on it: the core with everything around it in memory. */
import type { PublishedSource } from '../../src/cluster/port.ts';
import { LEASE_MS, StoreSharedRuns } from '../../src/cluster/shared-runs.ts';
import { MemoryStreamLogs } from '../../src/stream-log/memory.ts';
import type { Clock } from '../../src/time/clock.ts';
import { type Core, createCore } from '../support/core.ts';
import type { FakeSocket } from '../support/fake-socket.ts';
import type { SharedMemory } from '../support/memory-shared-store.ts';
import { Disk, type DiskLedger } from './disk.ts';
import { MachineClock } from './machine-clock.ts';
import { StoreLink } from './store-link.ts';

/** Short, so that a history can see them pass, ms. */
export const ABANDON_MS = 10_000;
export const WINDOW_MS = 20_000;
/** A connection whose client is silent is given up after this and ten seconds, ms. */
export const HEARTBEAT_MS = 2000;
/** The longest a record of a run that never ends is kept, ms. */
export const LIVE_MS = 300_000;
/** Four pages: a long answer loses its beginning. */
export const LOG_BYTES = 16_384;

const TOTAL_BYTES = 1 << 24;
const MANY = 1_000_000;

export interface Surroundings {
  readonly clock: Clock;
  /** What machines share; without it there is one. */
  readonly memory: SharedMemory | undefined;
}

export class Machine {
  readonly name: string;
  readonly disk = new Disk();
  readonly #surroundings: Surroundings;
  #process: Process | undefined;
  #boots = 0;

  constructor(name: string, surroundings: Surroundings) {
    this.name = name;
    this.#surroundings = surroundings;
  }

  /** Undefined while it is down. */
  get process(): Process | undefined {
    return this.#process?.isGone ? undefined : this.#process;
  }

  /** Also if it is gone. @throws where there was none yet */
  get latest(): Process {
    if (this.#process === undefined) throw new Error('it never ran');
    return this.#process;
  }

  boot(): void {
    this.#boots += 1;
    this.#process = new Process(`${this.name}${this.#boots}`, this.disk, this.#surroundings);
  }
}

export class Process {
  readonly name: string;
  readonly disk: Disk;
  readonly core: Core;
  readonly link: StoreLink | undefined;
  /** Epochs of its runs that it knows to be followed elsewhere. */
  readonly followed = new Set<string>();
  readonly logs = new MemoryStreamLogs({ maxBytes: LOG_BYTES, totalBytes: TOTAL_BYTES });
  readonly #clock: MachineClock;
  readonly #ledger: DiskLedger;
  readonly #shared: StoreSharedRuns | undefined;
  #state: 'serves' | 'drains' | 'stopped' | 'killed' = 'serves';
  readonly #complaints: unknown[] = [];
  /** Of what the core has told of itself. */
  #heard = 0;
  /** Elapsed ms. */
  killedAt: number | undefined;

  constructor(name: string, disk: Disk, { clock, memory }: Surroundings) {
    this.name = name;
    this.disk = disk;
    this.#clock = new MachineClock(clock);
    this.#ledger = disk.open(this.#clock);
    this.link = memory && new StoreLink(memory, name, TIMES, this.#clock);
    this.#shared = this.link && this.#share(this.link);
    this.core = createCore({
      clock: this.#clock,
      ledger: this.#ledger,
      logs: this.logs,
      shared: this.#shared,
      heartbeatMs: HEARTBEAT_MS,
      abandonAfterMs: ABANDON_MS,
      resumeWindowMs: WINDOW_MS,
      limits: { streams: 16, frameBytes: 262_144, framesPerMinute: MANY },
      limitsOf: () => ({ streams: MANY, startsPerMinute: MANY }),
    });
  }

  get isGone(): boolean {
    return this.#state === 'stopped' || this.#state === 'killed';
  }

  /** It ended without a farewell. */
  get wasKilled(): boolean {
    return this.#state === 'killed';
  }

  get isDraining(): boolean {
    return this.#state === 'drains';
  }

  /** What it holds that should be given back in time. */
  get remains() {
    const { registry, connections } = this.core.relay;
    const { published, followed } = this.#shared?.counts ?? { published: 0, followed: 0 };
    const { openRequests } = this.core.upstream;
    return {
      runs: registry.size,
      connections,
      bytes: this.logs.heldBytes,
      published,
      followed,
      openRequests,
    };
  }

  /** What it, or its disk, complains of: nothing is right. */
  get complaints(): readonly unknown[] {
    const { observed } = this.core;
    for (; this.#heard < observed.length; this.#heard += 1)
      if (observed[this.#heard]?.kind === 'failed') this.#complaints.push(observed[this.#heard]);
    return [...this.#complaints, ...this.disk.faults];
  }

  /** Its timers that are not for as long as it lives. */
  get timers(): number {
    return this.#clock.pending - (this.#shared === undefined ? 2 : 6);
  }

  connect(userId: string): FakeSocket {
    return this.core.connect(userId);
  }

  kill(): void {
    this.#state = 'killed';
    this.killedAt = this.#clock.elapsed();
    this.#clock.stop();
    this.#ledger.kill();
    this.link?.kill();
  }

  /** What SIGTERM does. */
  drain(deadlineMs: number): void {
    if (this.#state !== 'serves') return;
    this.#state = 'drains';
    void this.#drain(deadlineMs);
  }

  async #drain(deadlineMs: number): Promise<void> {
    await this.core.relay.drain(deadlineMs);
    await this.#shared?.close();
    if (this.wasKilled) return;
    this.core.relay.close();
    await this.#ledger.close();
    this.#clock.stop();
    this.#state = 'stopped';
  }

  #share(store: StoreLink): StoreSharedRuns {
    const shared = new StoreSharedRuns({
      store,
      logs: this.logs,
      clock: this.#clock,
      endedMs: WINDOW_MS,
      onDown() {},
      onUp() {},
      onMalformed: (what) => void this.#complaints.push(what),
      onFormats() {},
    });
    const publish = shared.publish.bind(shared);
    shared.publish = (record, source) => publish(record, this.#watched(source, record.epoch));
    void shared.beat();
    return shared;
  }

  /** The same source: what it is told of followers is noted. */
  #watched(source: PublishedSource, epoch: string): PublishedSource {
    const followed = source.followed.bind(source);
    source.followed = (isFollowed) => {
      if (isFollowed) this.followed.add(epoch);
      else this.followed.delete(epoch);
      followed(isFollowed);
    };
    return source;
  }
}

const TIMES = { leaseMs: LEASE_MS, liveMs: LIVE_MS, endedMs: WINDOW_MS };
