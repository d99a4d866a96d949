/**
 * Publishes the runs of this machine: all that are due leave in one command, one at a time. Readers here never wait
 * for it, and it waits for nobody.
 */
import type { Clock, Timer } from '../time/clock.ts';
import { BatchBytes } from './delta-batch.ts';
import type { Publication, PublishedSource, RunRecord } from './port.ts';
import { RunPublication } from './run-publication.ts';
import type { Addition, SharedStore } from './store/port.ts';

/** How long deltas gather for readers elsewhere; with the way there 20 ms at most. */
const FOLLOWED_MS = 15;
/** A run that nobody follows elsewhere is looked at in each fourth tick: its deltas gather for 200 ms at most. */
const TURNS = 4;
/** A store that fails over may lose what it was told last: endings are looked after for so long, ms. */
const OVER_KEPT_MS = 10_000;
/** Of all runs together, in one command, about: after an outage there may be more. */
const COMMAND_BYTES = 4 * 1024 * 1024;

export interface PublisherParts {
  readonly store: SharedStore;
  readonly clock: Clock;
  /** How long an ending is kept that cannot be published (RESUME_WINDOW_MS). */
  readonly endedMs: number;
  readonly isUp: () => boolean;
  /** Whether this machine's lease has certainly not lapsed: nobody can have ended its runs since they were looked at. */
  readonly isLeased: () => boolean;
  /** Renews the lease; resolves when that is done, or cannot be. */
  readonly renew: () => Promise<void>;
  readonly onFailed: (cause: unknown) => void;
  /** Its ending could not be published in time: the store may still hold the run as a live one. */
  readonly onUnpublished: (record: RunRecord) => void;
  /** What is stored of that run is not what this machine wrote: it is published no more. */
  readonly onMalformed: (what: string, epoch?: string) => void;
}

/** Claimed, and not yet published or released. */
interface Claimed {
  /** The store has it, as far as is known. */
  isRecorded: boolean;
  /** Others have cancelled it meanwhile. */
  isCancelled: boolean;
}

export class Publisher {
  readonly #parts: PublisherParts;
  /** That are not over. */
  readonly #publications = new Map<string, RunPublication>();
  /** The same, dealt to ticks; what is over leaves in its turn. */
  readonly #turns: RunPublication[][] = Array.from({ length: TURNS }, () => []);
  #turn = 0;
  /** Whose endings were published lately, in this order; `at`: when, elapsed ms. */
  readonly #over = new Map<string, { readonly publication: RunPublication; readonly at: number }>();
  readonly #claimed = new Map<string, Claimed>();
  #due: RunPublication[] = [];
  /** Due in the next tick: what the store refused might be refused again at once. */
  #refused: RunPublication[] = [];
  readonly #payloads = new BatchBytes();
  /** Whose endings wait until it is known whether others ended them. */
  readonly #asking = new Set<RunPublication>();
  #soon: Timer | undefined;
  #atOnce: NodeJS.Immediate | undefined;
  #flushing: Promise<void> | undefined;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /** Runs that are not wholly published. */
  get size(): number {
    return this.#publications.size;
  }

  claimed(epoch: string): void {
    this.#claimed.set(epoch, { isRecorded: false, isCancelled: false });
  }

  /** The store has granted the claim. */
  recorded(epoch: string): void {
    const claimed = this.#claimed.get(epoch);
    if (claimed !== undefined) claimed.isRecorded = true;
  }

  released(epoch: string): void {
    this.#claimed.delete(epoch);
  }

  publish(record: RunRecord, source: PublishedSource): Publication {
    const { store } = this.#parts;
    const claimed = this.#claimed.get(record.epoch);
    const publication = new RunPublication(
      record,
      source,
      claimed?.isRecorded ? 'claimed' : 'unsure',
      (woken) => this.#woken(woken),
      (...message) => store.send(...message),
      (asking) => this.#confirmed(asking),
    );
    this.#claimed.delete(record.epoch);
    this.#publications.set(record.epoch, publication);
    // It begins with the next tick, unless somebody elsewhere waits for it.
    this.#turns[(this.#turn + 1) % TURNS]?.push(publication);
    if (claimed?.isCancelled) publication.cancel();
    return publication;
  }

  /** Whether this machine has that run; tells it of its follower. */
  follow(epoch: string, machine: string): boolean {
    this.#reopen(epoch);
    this.#publications.get(epoch)?.follow(machine, this.#parts.clock.elapsed());
    return this.#publications.has(epoch) || this.#claimed.has(epoch);
  }

  unfollow(epoch: string, machine: string): void {
    this.#publications.get(epoch)?.unfollow(machine);
  }

  cancel(epoch: string): void {
    const claimed = this.#claimed.get(epoch);
    if (claimed !== undefined) claimed.isCancelled = true;
    else this.#publications.get(epoch)?.cancel();
  }

  /** The store was away: what it holds has to be looked at again. */
  recheck(): void {
    for (const claimed of this.#claimed.values()) claimed.isRecorded = false;
    for (const epoch of [...this.#over.keys()]) this.#reopen(epoch);
    const now = this.#parts.clock.elapsed();
    for (const publication of this.#publications.values()) {
      publication.recheck(now);
      this.#makeDue(publication);
    }
  }

  /** To be called every 50 ms. */
  tick(): void {
    const now = this.#parts.clock.elapsed();
    if (!this.#parts.isUp()) for (const publication of this.#asking) publication.despair(now);
    this.#forgetLongOver(now);
    this.#turn = (this.#turn + 1) % TURNS;
    const turn = this.#turns[this.#turn] ?? [];
    this.#turns[this.#turn] = turn.filter((publication) => this.#check(publication, now));
    for (const publication of this.#refused.splice(0)) this.#makeDue(publication);
    void this.flush();
  }

  /** Publishes what is due; resolves when it is with the store, or cannot be. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flushAll().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /** Publishes the endings of that stream, which its followers wait for; then looks after it no more. Resolves likewise. */
  async finish(userId: string, id: string): Promise<void> {
    const isOfIt = ({ record }: RunPublication) => record.userId === userId && record.id === id;
    const ended = [...this.#publications.values()].filter((each) => isOfIt(each) && each.urgent);
    for (const publication of ended) this.#makeDue(publication);
    if (ended.length > 0) await this.flush();
    for (const [epoch, { publication }] of this.#over) if (isOfIt(publication)) this.#over.delete(epoch);
  }

  /** Publishes all there is; resolves likewise. What the store refuses once is restored and written once more. */
  async close(): Promise<void> {
    this.#soon?.cancel();
    clearImmediate(this.#atOnce);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      for (const publication of this.#publications.values())
        if (publication.hasNews) this.#makeDue(publication);
      await this.flush();
    }
  }

  /**
   * A lease that holds keeps everybody from ending a run; with those who follow it, it has to be sure beyond that that the
   * ending will arrive in time.
   */
  #confirmed(publication: RunPublication): Promise<void> | undefined {
    const { isUp, isLeased } = this.#parts;
    const { state, isFollowed } = publication;
    if (state === 'over' || (!isFollowed && !isUp())) return undefined;
    return !isFollowed && state !== 'unsure' && isLeased() ? undefined : this.#ask(publication);
  }

  async #ask(publication: RunPublication): Promise<void> {
    const { clock, isLeased, renew } = this.#parts;
    const answered = publication.ask(clock.elapsed());
    this.#asking.add(publication);
    if (!isLeased()) await renew(); // a store that was away is found to be there again
    this.#makeDue(publication);
    void this.flush();
    await answered;
    this.#asking.delete(publication);
  }

  /** False once it is over. */
  #check(publication: RunPublication, now: number): boolean {
    const { endedMs, isLeased } = this.#parts;
    if (publication.expire(now, endedMs, isLeased())) this.#parts.onUnpublished(publication.record);
    if (publication.hasNews) this.#makeDue(publication);
    return !this.#forgetOver(publication);
  }

  /** In this turn nobody waits: its own readers come first. */
  #woken(publication: RunPublication): void {
    this.#makeDue(publication);
    if (publication.urgent) {
      this.#atOnce ??= setImmediate(() => {
        this.#atOnce = undefined;
        void this.flush();
      });
    } else {
      this.#soon ??= this.#parts.clock.after(FOLLOWED_MS, () => {
        this.#soon = undefined;
        void this.flush();
      });
    }
  }

  #makeDue(publication: RunPublication): void {
    if (publication.isDue) return;
    publication.isDue = true;
    this.#due.push(publication);
  }

  async #flushAll(): Promise<void> {
    try {
      while (this.#due.length > 0) {
        const due = this.#due;
        this.#due = [];
        for (const publication of due) publication.isDue = false;
        // All are due when the store is back: what ends until then must not be kept for it.
        if (!this.#parts.isUp()) return;
        await this.#publish(due);
      }
    } catch (cause) {
      this.recheck();
      this.#parts.onFailed(cause);
    }
  }

  async #publish(due: readonly RunPublication[]): Promise<void> {
    await Promise.all(due.filter(({ state }) => state === 'unsure').map((each) => this.#restore(each)));
    const taken: RunPublication[] = [];
    const additions: Addition[] = [];
    this.#payloads.cut(0);
    for (const publication of due) {
      const isFull = this.#payloads.length >= COMMAND_BYTES;
      if (isFull) this.#makeDue(publication);
      const addition = isFull ? undefined : publication.take(this.#payloads);
      if (addition === undefined) continue;
      taken.push(publication);
      additions.push(addition);
    }
    if (additions.length === 0) return;
    const refused = await this.#parts.store.add(additions, this.#payloads.bytes);
    for (const [index, publication] of taken.entries()) {
      const wasAdded = !refused.includes(index);
      publication.added(additions[index] as Addition, wasAdded);
      if (!wasAdded) this.#refused.push(publication);
      // There was more than fits, or the ending came while the last deltas were on their way.
      else if (publication.urgent) this.#makeDue(publication);
      this.#forgetOver(publication);
    }
  }

  async #restore(publication: RunPublication): Promise<void> {
    const { record, base, isAsked } = publication;
    const isBelieved = publication.restored(await this.#parts.store.restore(record, base, isAsked));
    if (!isBelieved) this.#parts.onMalformed('the log of a run of ours', record.epoch);
    if (publication.state === 'open') this.#answer(publication, isAsked);
    this.#forgetOver(publication);
  }

  /** @param wasAsked the store knew that an ending depends on its answer; else it is asked once more */
  #answer(publication: RunPublication, wasAsked: boolean): void {
    if (wasAsked) {
      publication.answer();
    } else if (publication.isAsked) {
      publication.recheck(this.#parts.clock.elapsed());
      this.#makeDue(publication);
    }
  }

  /** Whether it is over. */
  #forgetOver(publication: RunPublication): boolean {
    const { state, isPublished, record } = publication;
    if (state !== 'over') return false;
    const wasOpen = this.#publications.delete(record.epoch);
    if (wasOpen && isPublished)
      this.#over.set(record.epoch, { publication, at: this.#parts.clock.elapsed() });
    return true;
  }

  #forgetLongOver(now: number): void {
    const keptMs = Math.min(OVER_KEPT_MS, this.#parts.endedMs);
    for (const [epoch, { at }] of this.#over) {
      if (now - at < keptMs) return;
      this.#over.delete(epoch);
    }
  }

  /** Makes sure of an ending that was published lately. */
  #reopen(epoch: string): void {
    const publication = this.#over.get(epoch)?.publication;
    this.#over.delete(epoch);
    if (publication?.reopen() !== true) return;
    this.#publications.set(epoch, publication);
    this.#turns[this.#turn]?.push(publication);
    this.#makeDue(publication);
  }
}
