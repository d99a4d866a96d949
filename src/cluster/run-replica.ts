/** A copy of one run of another machine: what is read of it becomes a log like any other. It asks for nothing itself. */
import type { EndingFrame } from '../protocol/frames.ts';
import { Interlude } from '../run/interlude.ts';
import type { StreamLog, StreamLogs } from '../stream-log/port.ts';
import { appendBatch, type Batch, decodeBatch } from './delta-batch.ts';
import { parseEnding } from './parse-ending.ts';
import type { Replica, ReplicaEvents, ReplicaLoss, ReplicaPart, RunRecord } from './port.ts';
import { type InterludeMessage, Malformed, type StoredLog } from './store/port.ts';

/** After every delta there can be. */
const PAST_ALL = Number.MAX_SAFE_INTEGER;

const SILENT: ReplicaEvents = { nowAccepted() {}, grown() {}, meanwhile() {}, lost() {} };

export class RunReplica implements Replica {
  readonly record: RunRecord;
  /** Told nothing until it is set. */
  events: ReplicaEvents = SILENT;
  /** When its owner was last asked and the store was last read, elapsed ms. */
  refreshedAt = Number.NEGATIVE_INFINITY;
  /** There may be more in the store than was read. */
  stale = true;
  readonly #logs: StreamLogs;
  readonly #onReleased: (replica: RunReplica) => void;
  #log: StreamLog;
  #accepted = false;
  #ending: EndingFrame | undefined;
  #interlude: Interlude | undefined;
  #released = false;
  #loss: ReplicaLoss | undefined;
  #part: ReplicaPart;

  constructor(
    record: RunRecord,
    part: ReplicaPart,
    logs: StreamLogs,
    onReleased: (replica: RunReplica) => void,
  ) {
    this.#part = part;
    this.record = record;
    this.#logs = logs;
    this.#log = logs.create();
    this.#onReleased = onReleased;
  }

  get log(): StreamLog {
    return this.#log;
  }

  get accepted(): boolean {
    return this.#accepted || this.#part === 'ending';
  }

  /** After which delta the store is to be read; undefined: from the beginning. */
  get readAfter(): number | undefined {
    if (this.#part === 'ending') return PAST_ALL;
    return this.#accepted ? this.#log.head : undefined;
  }

  get part(): ReplicaPart {
    return this.#part;
  }

  /** From now on all of it is wanted, from the beginning. */
  becomeWhole(): void {
    this.#part = 'whole';
  }

  get ending(): EndingFrame | undefined {
    return this.#ending;
  }

  get interlude(): Interlude | undefined {
    return this.#interlude;
  }

  get released(): boolean {
    return this.#released;
  }

  /** Why it cannot go on, once it cannot. */
  get loss(): ReplicaLoss | undefined {
    return this.#loss;
  }

  /**
   * Takes what follows in the store, or repeats what is known. False where something in between is missing: nothing is
   * taken.
   * @throws Malformed
   */
  take({ exists, batches, ending }: StoredLog): boolean {
    if (!this.#takeBatches(exists, batches)) return false;
    if (!this.#takeEnding(ending)) throw new Malformed('the ending of a run');
    return true;
  }

  /**
   * Takes what its owner tells: deltas, and an ending that is in the store by now. False where messages in between are
   * lost, so that the store has to be read.
   * @throws Malformed
   */
  takeMessage({ batches, ending }: Omit<StoredLog, 'exists'>): boolean {
    return this.#takeBatches(true, batches) && this.#takeEnding(ending);
  }

  /** Told again and again how things stand: its owner does not know who knows. Late, it says nothing. */
  takeMoment({ after, moment }: Pick<InterludeMessage, 'after' | 'moment'>): void {
    if (this.#released || this.#ending !== undefined || after < this.#log.head) return;
    if (this.#interlude?.after !== after) this.#interlude = new Interlude(after);
    if (this.#interlude.add(moment)) this.events.meanwhile();
  }

  #takeBatches(exists: boolean, batches: StoredLog['batches']): boolean {
    if (this.#isOver || this.#part === 'ending') return true;
    const decoded = batches.map(decodeBatch);
    if (exists && !this.#accepted) this.#accept(decoded[0]);
    for (const batch of decoded) if (!appendBatch(this.#log, batch)) return false;
    if (batches.length > 0) this.events.grown();
    return true;
  }

  /** False where it comes after another delta than the last one here. */
  #takeEnding(ending: string | undefined): boolean {
    if (this.#isOver || ending === undefined) return true;
    const frame = parseEnding(ending, this.record.id);
    const { head } = this.#log;
    if (this.#part === 'ending' || frame.seq === head) this.#ending = frame;
    // It was given up where less was left of it than is held here.
    else if (frame.seq < head && isOfOthers(frame)) this.#ending = { ...frame, seq: head };
    else return false;
    this.events.grown();
    return true;
  }

  get #isOver(): boolean {
    return this.#released || this.#ending !== undefined;
  }

  lose(loss: ReplicaLoss): void {
    if (this.#released) return;
    this.#loss = loss;
    this.release();
    this.events.lost();
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#log.release();
    this.#onReleased(this);
  }

  #accept(first: Batch | undefined): void {
    const start = first?.start ?? 0;
    if (start > 0) {
      this.#log.release();
      this.#log = this.#logs.create(start); // the owner's own log had lost its beginning
    }
    this.#accepted = true;
    this.events.nowAccepted();
  }
}

/** Others gave its owner up: they know nothing of what it cost. What the owner itself says comes after all there is. */
export function isOfOthers(ending: EndingFrame): boolean {
  return ending.type === 'error' && ending.code === 'interrupted' && ending.usage === undefined;
}
