/** A run of another machine as readers here see it. It owns no run: what ends it is its owner's business. */

import type { AbortReason, RunIdentity } from '../observability/port.ts';
import type { AcceptedFrame } from '../protocol/frames.ts';
import { Ending } from '../run/ending.ts';
import type { Interlude } from '../run/interlude.ts';
import { Readers } from '../run/readers.ts';
import { didNotBegin } from '../run/refusals.ts';
import type { RunView } from '../run/run-view.ts';
import type { StreamLog } from '../stream-log/port.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';
import type { Replica, ReplicaEvents, RunRecord } from './port.ts';
import { isOfOthers } from './run-replica.ts';

/** How long a run may take to be accepted where a reader asks for it already, ms. */
const BEGIN_MS = 1000;
/** How long a log may take to reach what a reader holds: until a dead owner is given up. */
const REACH_MS = 7000;

export interface RemoteRunEvents {
  /** Asks the owner to cancel. */
  cancel(run: RemoteRun): void;
  /** It cannot be read on. */
  lost(run: RemoteRun): void;
  /** Whether owners may want to know who holds an ending. */
  readonly awaitsReaders: boolean;
  /** Tells the owner that a reader here holds its ending. */
  endingRead(run: RemoteRun): void;
}

export class RemoteRun implements RunView, ReplicaEvents {
  /** Its owner decides. */
  readonly onDisconnect = 'resume';
  readonly isRemote = true;
  readonly isSettling = false;
  /** Its owner knows, and ends it. */
  readonly principal = undefined;
  readonly readers = new Readers();
  readonly #replica: Replica;
  readonly #events: RemoteRunEvents;
  readonly #wheel: TimerWheel;
  readonly #waiting = new Set<() => void>();
  #ending: Ending | undefined;
  #stopped = false;
  isLost = false;

  constructor(replica: Replica, events: RemoteRunEvents, wheel: TimerWheel) {
    this.#replica = replica;
    this.#events = events;
    this.#wheel = wheel;
  }

  get run(): RunRecord {
    return this.#replica.record;
  }

  get id(): string {
    return this.run.id;
  }

  get epoch(): string {
    return this.run.epoch;
  }

  get userId(): string {
    return this.run.userId;
  }

  get model(): string {
    return this.run.model;
  }

  get requestHash(): string {
    return this.run.requestHash;
  }

  get log(): StreamLog {
    return this.#replica.log;
  }

  get interlude(): Interlude | undefined {
    return this.#replica.interlude;
  }

  get accepted(): boolean {
    return this.#replica.accepted;
  }

  get acceptedFrame(): AcceptedFrame {
    const { id, epoch, model } = this;
    return { type: 'accepted', id, epoch, model };
  }

  begun(): Promise<void> | undefined {
    return this.accepted ? undefined : this.#until(() => this.accepted, BEGIN_MS);
  }

  /** The owner delivers before it publishes, so its readers may come here with more than is published. */
  reach(seq: number): Promise<void> | undefined {
    const reached = () => this.log.head >= seq || this.ending !== undefined;
    return reached() ? undefined : this.#until(reached, REACH_MS);
  }

  endingBeyond(seq: number): Ending | undefined {
    const frame = this.ending?.frame;
    if (frame === undefined || !isOfOthers(frame) || seq <= this.log.head) return undefined;
    const beyond = { ...frame, seq };
    return new Ending(beyond);
  }

  get ending(): Ending | undefined {
    const frame = this.#replica.ending;
    if (frame !== undefined) this.#ending ??= new Ending(frame);
    return this.#ending;
  }

  /** Its owner was asked to cancel it already. */
  cancelling(): void {
    this.#stopped = true;
  }

  /** Only a cancel travels: whether the run is abandoned is for its owner to say, who knows all its readers. */
  abort(reason: AbortReason): void {
    if (reason !== 'cancelled' || this.#stopped || this.ending !== undefined) return;
    this.#stopped = true;
    this.#events.cancel(this);
  }

  get awaitsReader(): boolean {
    return this.#events.awaitsReaders;
  }

  endingRead(): void {
    if (this.awaitsReader) this.#events.endingRead(this);
  }

  release(): void {
    this.#replica.release();
  }

  identity(): RunIdentity {
    const { id: streamId, epoch, userId, action, model } = this.run;
    return { streamId, epoch, userId, action, model };
  }

  /** Its owner tells all of it. */
  listed(): undefined {
    return undefined;
  }

  /** The replica says: its owner accepted it. */
  nowAccepted(): void {
    this.#check();
    this.readers.accepted();
  }

  /** The replica says: there is more, or the ending. */
  grown(): void {
    this.#check();
    this.readers.wake();
  }

  /** The replica says: it thinks, or waits for tools. */
  meanwhile(): void {
    this.readers.meanwhile();
  }

  /** The replica says: it cannot go on. Readers that read already find the gap by themselves. */
  lost(): void {
    this.isLost = true;
    this.#check();
    this.#events.lost(this);
    if (this.accepted) this.readers.wake();
    else this.readers.refuse(didNotBegin());
  }

  /** Resolves once the condition holds, it is lost, or the time is over. */
  #until(holds: () => boolean, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#wheel.after(ms, resolve);
    const check = (): void => {
      if (holds() || this.isLost) resolve();
    };
    this.#waiting.add(check);
    check();
    return promise.finally(() => {
      timer.cancel();
      this.#waiting.delete(check);
    });
  }

  #check(): void {
    for (const check of this.#waiting) check();
  }
}
