/**
 * Follows runs of other machines. Their owners are asked to send what they add; what did not arrive is read from the
 * store, so that a lost message costs a moment and never a delta. Where an owner has no lease any more, the run ends
 * as interrupted with what was published: by whoever notices first, and once. That it ended so is said only once it is
 * written, where its owner finds it; whoever cannot write it says that the run cannot be read on.
 */
import { interruptedEnding } from '../protocol/interrupted.ts';
import { encodeFrame, fromWire } from '../protocol/wire-text.ts';
import type { StreamLogs } from '../stream-log/port.ts';
import type { Clock } from '../time/clock.ts';
import type { Replica, ReplicaEvents, ReplicaLoss, ReplicaPart, RunRecord } from './port.ts';
import { RunReplica } from './run-replica.ts';
import type { InterludeMessage, MachineMessage, SharedStore, StoredLog } from './store/port.ts';
import { Malformed } from './store/port.ts';

/** Between two requests to an owner and two readings of a silent log. */
const REFRESH_MS = 1000;
/** An absent lease counts when it is still absent so much later: longer than an owner's beat. */
const CONFIRM_MS = 800;
/** After the store was away owners get so long to renew their leases: as long as one. */
const GRACE_MS = 4000;
/** Machines that are remembered to have ended: the leases of others lapse. */
const MOST_ENDED = 100;

export interface ReplicasParts {
  readonly store: SharedStore;
  readonly logs: StreamLogs;
  readonly clock: Clock;
  readonly isUp: () => boolean;
  readonly onFailed: (cause: unknown) => void;
  /** What is stored of that run, or was told of it, is not what a machine writes. */
  readonly onMalformed: (what: string, epoch?: string) => void;
}

export class Replicas {
  readonly #parts: ReplicasParts;
  /** Those that have not ended. */
  readonly #open = new Map<string, readonly RunReplica[]>();
  readonly #reading = new Map<RunReplica, Promise<void>>();
  readonly #givingUp = new Set<RunReplica>();
  /** Since when a machine has no lease, elapsed ms. */
  readonly #absentSince = new Map<string, number>();
  /** Machines that are known to have ended. */
  readonly #ended = new Set<string>();
  #trustFrom = 0;
  #checking = false;

  constructor(parts: ReplicasParts) {
    this.#parts = parts;
  }

  get size(): number {
    return [...this.#replicas()].length;
  }

  async follow(record: RunRecord, part: ReplicaPart, events: ReplicaEvents): Promise<Replica | ReplicaLoss> {
    const { logs } = this.#parts;
    const replica = new RunReplica(record, part, logs, (released) => this.#released(released));
    this.#open.set(record.epoch, [...this.#of(record.epoch), replica]);
    if (part === 'whole') this.#refresh(replica);
    else replica.refreshedAt = this.#parts.clock.elapsed(); // its owner was told with the cancel
    try {
      await this.#read(replica);
    } catch (cause) {
      replica.release();
      throw cause;
    }
    if (replica.loss !== undefined) return replica.loss;
    replica.events = events;
    if (this.#ended.has(record.owner)) this.#attempt(this.#giveUp(replica));
    return replica;
  }

  /** That machine has ended for certain: nothing is to be waited for. */
  machineEnded(machine: string): void {
    this.#ended.add(machine);
    const [oldest] = this.#ended;
    if (oldest !== undefined && this.#ended.size > MOST_ENDED) this.#ended.delete(oldest);
    for (const replica of [...this.#replicas()])
      if (replica.record.owner === machine) this.#attempt(this.#giveUp(replica));
  }

  /** Another machine added to its run. */
  added({ epoch, addition }: Extract<MachineMessage, { type: 'added' }>): void {
    for (const replica of this.#of(epoch)) {
      if (!replica.accepted || !this.#takeMessage(replica, addition)) this.#readOn(replica);
      else if (replica.ending !== undefined) this.#close(replica);
    }
  }

  /** A run of another machine thinks, or waits for tools. */
  interlude(message: InterludeMessage): void {
    for (const replica of this.#of(message.epoch)) replica.takeMoment(message);
  }

  /** What a message says wrong may be right in the log. */
  #takeMessage(replica: RunReplica, addition: Omit<StoredLog, 'exists'>): boolean {
    try {
      return replica.takeMessage(addition);
    } catch (error) {
      this.#reportMalformed(error, replica);
      return false;
    }
  }

  /** Goes on only where nothing but this run is lost. */
  #reportMalformed(error: unknown, { record: run }: RunReplica): void {
    if (!(error instanceof Malformed)) throw error;
    this.#parts.onMalformed(error.message, run.epoch);
  }

  /** The owner lives, and does not have this run any more: an ending that is not in the log is not to be had. */
  notHere(epoch: string): void {
    for (const replica of this.#of(epoch)) this.#attempt(this.#readLast(replica));
  }

  /** The store was away: leases may have lapsed although their machines live. */
  recheck(): void {
    this.#trustFrom = this.#parts.clock.elapsed() + GRACE_MS;
    this.#absentSince.clear();
    for (const replica of this.#replicas()) replica.refreshedAt = Number.NEGATIVE_INFINITY;
  }

  /** To be called every 250 ms. */
  check(): void {
    if (this.#checking || this.#open.size === 0 || !this.#parts.isUp()) return;
    this.#checking = true;
    const done = () => {
      this.#checking = false;
    };
    this.#check().catch(this.#parts.onFailed).finally(done);
  }

  async #check(): Promise<void> {
    const { store, clock } = this.#parts;
    const owners = new Set([...this.#replicas()].map(({ record: run }) => run.owner));
    const alive = await store.alive([...owners]);
    const now = clock.elapsed();
    for (const owner of owners) {
      if (alive.has(owner)) this.#absentSince.delete(owner);
      else this.#absentSince.set(owner, this.#absentSince.get(owner) ?? now);
    }
    for (const replica of this.#replicas()) {
      const absentSince = this.#absentSince.get(replica.record.owner) ?? now;
      if (now - absentSince >= CONFIRM_MS && now >= this.#trustFrom) this.#attempt(this.#giveUp(replica));
      else if (now - replica.refreshedAt >= REFRESH_MS || !replica.accepted) {
        this.#refresh(replica);
        // One that is under way says as much: over a slow store it would never end.
        if (!this.#reading.has(replica)) this.#readOn(replica);
      }
    }
  }

  #refresh(replica: RunReplica): void {
    const { store, clock } = this.#parts;
    const { owner, epoch } = replica.record;
    replica.refreshedAt = clock.elapsed();
    store.send(owner, { type: 'follow', epoch, machine: store.machine });
  }

  #readOn(replica: RunReplica): void {
    this.#attempt(this.#read(replica));
  }

  #attempt(work: Promise<void>): void {
    work.catch(this.#parts.onFailed);
  }

  /** One reading at a time; it goes on until it began after the last call. */
  #read(replica: RunReplica): Promise<void> {
    replica.stale = true;
    const underWay = this.#reading.get(replica);
    if (underWay !== undefined) return underWay;
    const reading = this.#readWhileStale(replica).finally(() => this.#reading.delete(replica));
    this.#reading.set(replica, reading);
    return reading;
  }

  async #readWhileStale(replica: RunReplica): Promise<void> {
    while (replica.stale && !replica.released) {
      replica.stale = false;
      try {
        await this.#readOnce(replica);
      } catch (error) {
        this.#reportMalformed(error, replica);
        replica.lose('gap');
      }
    }
  }

  async #readOnce(replica: RunReplica): Promise<void> {
    const { store } = this.#parts;
    const { epoch, userId, id } = replica.record;
    const { part } = replica;
    const stored = await store.read(epoch, replica.readAfter);
    if (part !== replica.part) {
      replica.stale = true; // more is wanted by now than was asked for
      return;
    }
    if (!replica.take(stored)) replica.lose('gap');
    replica.stale ||= stored.more;
    if (replica.ending !== undefined) this.#close(replica);
    if (replica.accepted || replica.released) return;
    const held = await store.find(userId, id);
    if (held?.epoch !== epoch) replica.lose('refused');
  }

  /** Whether there is an ending still to be waited for, after all of the log was read. */
  async #readToEnd(replica: RunReplica): Promise<boolean> {
    await this.#read(replica);
    if (replica.released || replica.ending !== undefined) return false;
    if (!replica.accepted) replica.lose('refused');
    return !replica.released;
  }

  async #readLast(replica: RunReplica): Promise<void> {
    if (await this.#readToEnd(replica)) replica.lose('gap');
  }

  /** There is more in the store; where that does not follow what is held, its log was begun anew after it. */
  async #readMore(replica: RunReplica): Promise<void> {
    const { head } = replica.log;
    await this.#read(replica);
    if (replica.log.head === head && replica.ending === undefined) replica.lose('gap');
  }

  /** Once at a time, for the same reason. */
  async #giveUp(replica: RunReplica): Promise<void> {
    if (this.#givingUp.has(replica)) return;
    this.#givingUp.add(replica);
    await this.#endFor(replica).finally(() => this.#givingUp.delete(replica));
  }

  async #endFor(replica: RunReplica): Promise<void> {
    const { store } = this.#parts;
    replica.becomeWhole(); // who ends a run for its owner has to know where
    if (!(await this.#readToEnd(replica))) return;
    const { record: run, log } = replica;
    const ending = interruptedAt(log.head, run);
    let outcome = await store.end(run, log.head, ending);
    // A failover lost what is held here: for the others it ends before.
    if (typeof outcome === 'number') outcome = await store.end(run, outcome, interruptedAt(outcome, run));
    if (outcome === 'owned') return; // it was only late
    // What its owner would not find must not be told, nor another ending than it may have told.
    if (outcome === 'absent' || outcome === 'ending') return replica.lose('gap');
    if (outcome === 'moved') return this.#readMore(replica);
    if (outcome !== 'ended') return;
    replica.take({ exists: true, batches: [], ending });
    this.#close(replica);
  }

  #of(epoch: string): readonly RunReplica[] {
    return this.#open.get(epoch) ?? [];
  }

  *#replicas(): Iterable<RunReplica> {
    for (const replicas of this.#open.values()) yield* replicas;
  }

  /** Whether it was open. */
  #close(replica: RunReplica): boolean {
    const { epoch } = replica.record;
    const others = this.#of(epoch).filter((each) => each !== replica);
    if (others.length === this.#of(epoch).length) return false;
    if (others.length === 0) this.#open.delete(epoch);
    else this.#open.set(epoch, others);
    return true;
  }

  #released(replica: RunReplica): void {
    const { store } = this.#parts;
    const { owner, epoch } = replica.record;
    if (!this.#close(replica) || this.#open.has(epoch)) return;
    store.send(owner, { type: 'unfollow', epoch, machine: store.machine });
  }
}

function interruptedAt(seq: number, { id }: RunRecord): string {
  return fromWire(encodeFrame(interruptedEnding(id, seq)));
}
