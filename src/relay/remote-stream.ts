/** A run of another machine as readers here see it. It owns no run: what ends it is its owner's business. */
import type { EndingFrame } from '../protocol/frames.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { toWire } from '../protocol/wire-text.ts';
import type { StreamLog } from '../stream-log/port.ts';
import type { Replica, ReplicaEvents, SharedRun } from '../stream-log/shared-port.ts';
import type { StreamIdentity } from './port.ts';
import type { Ending, StopReason, StreamReader } from './stream.ts';
import type { StreamView } from './stream-view.ts';

export interface RemoteStreamEvents {
  /** Asks the owner to cancel. */
  cancel(stream: RemoteStream): void;
  /** It cannot be read on. */
  lost(stream: RemoteStream): void;
}

export class RemoteStream implements StreamView, ReplicaEvents {
  /** Its owner decides. */
  readonly onDisconnect = 'resume';
  readonly readers = new Set<StreamReader>();
  readonly #replica: Replica;
  readonly #events: RemoteStreamEvents;
  readonly #begun = Promise.withResolvers<void>();
  #ending: Ending | undefined;
  #stopped = false;

  constructor(replica: Replica, events: RemoteStreamEvents) {
    this.#replica = replica;
    this.#events = events;
    if (replica.accepted) this.#begun.resolve();
  }

  get run(): SharedRun {
    return this.#replica.run;
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

  get accepted(): boolean {
    return this.#replica.accepted;
  }

  /** Resolves when it is accepted, or will never be. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  get ending(): Ending | undefined {
    const json = this.#replica.ending;
    if (json !== undefined) this.#ending ??= { frame: JSON.parse(json) as EndingFrame, wire: toWire(json) };
    return this.#ending;
  }

  /** Only a cancel travels: whether the run is abandoned is for its owner to say, who knows all its readers. */
  stop(reason: StopReason): void {
    if (reason !== 'cancelled' || this.#stopped || this.ending !== undefined) return;
    this.#stopped = true;
    this.#events.cancel(this);
  }

  release(): void {
    this.#replica.release();
  }

  identity(): StreamIdentity {
    const { id: streamId, epoch, userId, action, model } = this.run;
    return { streamId, epoch, userId, action, model };
  }

  /** The replica says: its owner accepted it. */
  nowAccepted(): void {
    this.#begun.resolve();
    for (const reader of this.readers) reader.accepted();
  }

  /** The replica says: there is more, or the ending. */
  grown(): void {
    for (const reader of this.readers) reader.wake();
  }

  /** The replica says: it cannot go on. Readers that read already find the gap by themselves. */
  lost(): void {
    this.#begun.resolve();
    this.#events.lost(this);
    const refusal = new RelayError('unavailable', 'this run did not begin on another server; start again');
    for (const reader of [...this.readers]) {
      if (this.accepted) reader.wake();
      else reader.refused(refusal);
    }
  }
}
