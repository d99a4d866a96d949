/**
 * How far one run of this machine is published. It reads the run's own log by a cursor, as any reader does: while the
 * store is away nothing piles up here, and afterwards it goes on where the store's log ends.
 *
 *   unsure ──restored──► open ──ending added──► over
 *      ▲                  │
 *      └── not added ─────┘        unsure ──closed or taken by others──► over
 */

import { InterludePosition } from '../run/interlude.ts';
import { currentInterlude } from '../run/run-view.ts';
import type { LogCursor } from '../stream-log/port.ts';
import { takeBatch } from './delta-batch.ts';
import type { Publication, PublishedSource, RunRecord } from './port.ts';
import type { Addition, SharedStore } from './store/port.ts';

/** Between two additions of a run that nobody follows elsewhere; with the tick before it, 200 ms at most. */
const ALONE_MS = 150;
/** A follower that did not renew for so long is gone. */
const FOLLOWER_MS = 3500;
const BATCH_BYTES = 256 * 1024;

export class RunPublication implements Publication {
  readonly record: RunRecord;
  readonly #source: PublishedSource;
  readonly #onWake: (publication: RunPublication) => void;
  readonly #send: SharedStore['send'];
  /** By machine: until when, elapsed ms. */
  readonly #followers = new Map<string, number>();
  #state: 'unsure' | 'open' | 'over' = 'unsure';
  #cursor: LogCursor | undefined;
  #interlude: InterludePosition | undefined;
  #addedAt = Number.NEGATIVE_INFINITY;
  #addedBytes = 0;
  #endedAt: number | undefined;

  constructor(
    record: RunRecord,
    source: PublishedSource,
    onWake: (publication: RunPublication) => void,
    send: SharedStore['send'],
  ) {
    this.record = record;
    this.#source = source;
    this.#onWake = onWake;
    this.#send = send;
  }

  get state(): 'unsure' | 'open' | 'over' {
    return this.#state;
  }

  /** Nothing may wait: it begins, or it has ended. */
  get urgent(): boolean {
    return this.#state === 'unsure' || (this.#state === 'open' && this.#source.ending !== undefined);
  }

  wake(): void {
    this.#onWake(this);
  }

  meanwhile(): void {
    const { interlude } = this.#source;
    if (interlude === undefined) return;
    if (this.#interlude?.interlude !== interlude)
      this.#interlude = InterludePosition.fromBeginning(interlude);
    this.#tell(this.#interlude, [...this.#followers.keys()]);
  }

  #tell(position: InterludePosition, machines: readonly string[]): void {
    const { after } = position.interlude;
    for (let moment = position.next(BATCH_BYTES); moment !== undefined; moment = position.next(BATCH_BYTES))
      for (const machine of machines)
        this.#send(machine, { type: 'interlude', epoch: this.record.epoch, after, moment });
  }

  isDue(now: number): boolean {
    if (this.#state !== 'open' || this.urgent) return this.urgent;
    const { log } = this.#source;
    if (log.head === this.#cursor?.seq) return false;
    return this.#followers.size > 0 || now - this.#addedAt >= ALONE_MS || log.heldBytes !== this.#addedBytes;
  }

  /** What of the log can still be published at all: after this seq. */
  get base(): number {
    return this.#source.log.first - 1;
  }

  /** Takes the store's word on how far its log goes. False where it cannot be true: the run is published no more. */
  restored(seq: number | 'closed' | 'taken'): boolean {
    const isBelieved = typeof seq === 'string' || seq <= this.#source.log.head;
    if (!isBelieved) {
      this.#state = 'over';
    } else if (typeof seq === 'number') {
      this.#cursor = this.#source.log.cursor(seq);
      // Trimmed meanwhile: the next attempt begins after what is lost.
      this.#state = this.#cursor === undefined ? 'unsure' : 'open';
    } else {
      this.#state = 'over';
      if (seq === 'closed' && this.#source.ending === undefined) this.#source.givenUp();
    }
    if (this.#state === 'over') this.#forgetFollowers();
    return isBelieved;
  }

  /** What to add now. */
  take(now: number): Addition | undefined {
    const cursor = this.#cursor;
    if (this.#state !== 'open' || cursor === undefined) return undefined;
    const batch = takeBatch(cursor, BATCH_BYTES);
    if (batch === 'gap') {
      this.#state = 'unsure'; // trimmed before it was published: begins anew after what is lost
      return undefined;
    }
    const { ending, log } = this.#source;
    this.#addedAt = now;
    this.#addedBytes = log.heldBytes;
    const isWhole = cursor.seq === log.head;
    if (batch === undefined && (ending === undefined || !isWhole)) return undefined;
    return {
      record: this.record,
      batch,
      ending: isWhole ? ending : undefined,
      followers: [...this.#followers.keys()],
    };
  }

  added({ ending }: Addition, wasAdded: boolean): void {
    if (!wasAdded) {
      this.#state = 'unsure';
    } else if (ending !== undefined) {
      this.#state = 'over';
      this.#forgetFollowers();
    }
  }

  /** It is not known what the store holds. */
  recheck(): void {
    if (this.#state === 'open') this.#state = 'unsure';
  }

  follow(machine: string, now: number): void {
    const isFirst = this.#followers.size === 0;
    this.#followers.set(machine, now + FOLLOWER_MS);
    const current = currentInterlude(this.#source);
    // Each time: what was sent before may be lost, or came before there was a replica.
    if (current !== undefined) this.#tell(current, [machine]);
    if (!isFirst) return;
    this.#interlude = current;
    this.#source.followed(true);
    this.wake();
  }

  unfollow(machine: string): void {
    if (this.#followers.delete(machine) && this.#followers.size === 0) this.#source.followed(false);
  }

  cancel(): void {
    this.#source.cancelled();
  }

  /** Lets go of followers that are silent, and of an ending that could not be published in time: then it says so. */
  expire(now: number, endedMs: number): boolean {
    for (const [machine, until] of this.#followers) if (until < now) this.unfollow(machine);
    if (this.#source.ending === undefined || this.#state === 'over') return false;
    this.#endedAt ??= now;
    if (now - this.#endedAt < endedMs) return false;
    this.#state = 'over';
    return true;
  }

  #forgetFollowers(): void {
    for (const machine of [...this.#followers.keys()]) this.unfollow(machine);
  }
}
