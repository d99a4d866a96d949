/**
 * How far one run of this machine is published. It reads the run's own log by a cursor, as any reader does: while the
 * store is away nothing piles up here, and afterwards it goes on where the store's log ends.
 *
 *   claimed ──begun──► open ──ending added──► over
 *      │               │  ▲
 *      └── not added ──┤  │ restored                   │ what the store was told last may be lost
 *                      └► unsure ◄────────────────────────┤
 *                           └───closed, or taken by others─┘
 */

import { InterludePosition } from '../run/interlude.ts';
import { currentInterlude } from '../run/run-view.ts';
import type { LogCursor } from '../stream-log/port.ts';
import type { BatchBytes } from './delta-batch.ts';
import type { Publication, PublishedSource, RunRecord } from './port.ts';
import type { Addition, Restored, SharedStore } from './store/port.ts';

/** A follower that did not renew for so long is gone. */
const FOLLOWER_MS = 4000;
/** How long an ending waits for a store that is away, where others follow it, ms. */
const CONFIRM_MS = 10_000;
const BATCH_BYTES = 256 * 1024;
const NOBODY: readonly string[] = [];

type State = 'claimed' | 'unsure' | 'open' | 'over';

export class RunPublication implements Publication {
  readonly record: RunRecord;
  /** It is to be published with what leaves next. Its publisher's. */
  isDue = false;
  /** Its ending was with the store. */
  isPublished = false;
  readonly #source: PublishedSource;
  readonly #onWake: (publication: RunPublication) => void;
  readonly #send: SharedStore['send'];
  readonly #onQuestion: (publication: RunPublication) => Promise<void> | undefined;
  /** By machine: until when, elapsed ms. */
  readonly #followers = new Map<string, number>();
  #state: State;
  #cursor: LogCursor | undefined;
  #interlude: InterludePosition | undefined;
  #endedAt: number | undefined;
  /** The list of its user's streams has it, as far as is known. */
  #isListed = false;
  /** What the ending waits for, and since when, elapsed ms. */
  #question: (PromiseWithResolvers<void> & { readonly at: number }) | undefined;

  /** @param state `claimed` where the store has the run by its claim, `unsure` where that is not known */
  constructor(
    record: RunRecord,
    source: PublishedSource,
    state: 'claimed' | 'unsure',
    onWake: (publication: RunPublication) => void,
    send: SharedStore['send'],
    onQuestion: (publication: RunPublication) => Promise<void> | undefined,
  ) {
    this.#onQuestion = onQuestion;
    this.#state = state;
    this.record = record;
    this.#source = source;
    this.#onWake = onWake;
    this.#send = send;
  }

  get state(): State {
    return this.#state;
  }

  /** Nothing may wait: it begins, or it has ended. */
  get urgent(): boolean {
    return this.#state === 'open' ? this.#source.ending !== undefined : this.#state !== 'over';
  }

  /** There is something to publish. */
  get hasNews(): boolean {
    return this.urgent || (this.#state === 'open' && this.#source.log.head !== this.#cursor?.seq);
  }

  wake(): void {
    this.#onWake(this);
  }

  confirmed(): Promise<void> | undefined {
    return this.#onQuestion(this);
  }

  /** Whether others follow it, as far as is known. */
  get isFollowed(): boolean {
    return this.#followers.size > 0;
  }

  /** Resolves once the store has said what it holds of it, or that is not to be waited for. */
  ask(now: number): Promise<void> {
    this.recheck(now);
    this.#question ??= { ...Promise.withResolvers<void>(), at: now };
    return this.#question.promise;
  }

  /** Its ending waits for what the store says. */
  get isAsked(): boolean {
    return this.#question !== undefined;
  }

  /** Its source need wait no longer. */
  answer(): void {
    this.#question?.resolve();
    this.#question = undefined;
  }

  /**
   * The store is away. What others follow may have been ended by them: then that is what its source has to be told, since
   * nothing else will be true for all.
   */
  despair(now: number): void {
    if (this.#question === undefined) return;
    const isFollowed = this.isFollowed;
    if (isFollowed && now - this.#question.at < CONFIRM_MS) return;
    if (isFollowed) this.#source.givenUp();
    this.answer();
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

  /** What of the log can still be published at all: after this seq. */
  get base(): number {
    return this.#source.log.first - 1;
  }

  /** Takes the store's word on how far its log goes. False where it cannot be true: the run is published no more. */
  restored(seq: Restored): boolean {
    const isBelieved = typeof seq === 'string' || seq <= this.#source.log.head;
    if (!isBelieved) {
      this.#state = 'over';
    } else if (typeof seq === 'number') {
      this.#cursor = this.#source.log.cursor(seq);
      // Trimmed meanwhile: the next attempt begins after what is lost.
      this.#state = this.#cursor === undefined ? 'unsure' : 'open';
    } else {
      this.#state = 'over';
      if (seq === 'forgotten') this.#source.forgotten();
      else if (this.#source.ending !== undefined) this.#tellOver(NOBODY);
      else if (seq === 'closed') this.#source.givenUp();
    }
    if (this.#state === 'over') {
      this.#forgetFollowers();
      this.answer();
    }
    return isBelieved;
  }

  /** What to add now; its deltas go to the payloads. */
  take(payloads: BatchBytes): Addition | undefined {
    const { ending, log } = this.#source;
    const begins = this.#state === 'claimed';
    if (!begins && this.#state !== 'open') return undefined;
    if (begins) this.#cursor = log.cursor(0);
    const cursor = this.#cursor;
    const before = payloads.length;
    if (!cursor?.pour(payloads, BATCH_BYTES)) {
      payloads.cut(before);
      this.#state = 'unsure'; // trimmed before it was published: begins anew after what is lost
      return undefined;
    }
    const { seq } = cursor;
    const bytes = payloads.length - before;
    const last = seq === log.head ? ending : undefined;
    if (!begins && bytes === 0 && last === undefined && this.#isListed) return undefined;
    const followers = this.#followers.size === 0 ? NOBODY : [...this.#followers.keys()];
    const addition = { record: this.record, begins, seq, bytes, ending: last, followers };
    if (this.#isListed && last === undefined) return addition;
    this.#isListed = true;
    return { ...addition, listed: this.#source.listed };
  }

  added({ ending, followers }: Addition, wasAdded: boolean): void {
    if (!wasAdded) {
      this.#state = 'unsure';
      this.#isListed = false;
    } else if (ending !== undefined) {
      this.#state = 'over';
      this.isPublished = true;
      this.#tellOver(followers);
      this.#forgetFollowers();
    } else if (this.#state === 'claimed') {
      this.#state = 'open';
    }
  }

  /** It is not known what the store holds. Followers that could not be heard meanwhile get their time again. */
  recheck(now: number): void {
    if (this.#state !== 'over') this.#state = 'unsure';
    this.#isListed = false;
    for (const machine of this.#followers.keys()) this.#followers.set(machine, now + FOLLOWER_MS);
  }

  /** Nor whether it still has the ending. False where its log is gone by now, so that nothing can be written anew. */
  reopen(): boolean {
    const { head, heldBytes } = this.#source.log;
    if (head > 0 && heldBytes === 0) return false;
    this.#state = 'unsure';
    return true;
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

  /**
   * Lets go of followers that are silent, where they could be heard, and of an ending that could not be published in time:
   * then it says so.
   */
  expire(now: number, endedMs: number, canHear: boolean): boolean {
    if (canHear) for (const [machine, until] of this.#followers) if (until < now) this.unfollow(machine);
    if (this.#source.ending === undefined || this.#state === 'over') return false;
    this.#endedAt ??= now;
    if (now - this.#endedAt < endedMs) return false;
    this.#state = 'over';
    this.#forgetFollowers(); // they could not say that they are gone
    return true;
  }

  /** Who came while the ending was on its way was not told of it: now it reads. */
  #tellOver(told: readonly string[]): void {
    for (const machine of this.#followers.keys())
      if (!told.includes(machine)) this.#send(machine, { type: 'not_here', epoch: this.record.epoch });
  }

  #forgetFollowers(): void {
    for (const machine of [...this.#followers.keys()]) this.unfollow(machine);
  }
}
