/**
 * Publishes the runs of this machine: all that are due leave in one command, one at a time. Readers here never wait
 * for it, and it waits for nobody.
 */
import type { Clock, Timer } from '../time/clock.ts';
import type { Publication, PublishedSource, RunRecord } from './port.ts';
import { RunPublication } from './run-publication.ts';
import type { SharedStore } from './store/port.ts';

/** How long deltas gather for readers elsewhere; with the way there 20 ms at most. */
const FOLLOWED_MS = 15;

export interface PublisherParts {
  readonly store: SharedStore;
  readonly clock: Clock;
  /** How long an ending is kept that cannot be published (RESUME_WINDOW_MS). */
  readonly endedMs: number;
  readonly isUp: () => boolean;
  readonly onFailed: (cause: unknown) => void;
  /** Its ending could not be published in time: the store may still hold the run as a live one. */
  readonly onUnpublished: (record: RunRecord) => void;
  /** What is stored of that run is not what this machine wrote: it is published no more. */
  readonly onMalformed: (what: string, epoch?: string) => void;
}

export class Publisher {
  readonly #parts: PublisherParts;
  readonly #publications = new Map<string, RunPublication>();
  /** Claimed, and not yet published or released. */
  readonly #claimed = new Set<string>();
  /** Of those, what others have cancelled meanwhile. */
  readonly #cancelled = new Set<string>();
  #soon: Timer | undefined;
  #soonMs = 0;
  #flushing: Promise<void> | undefined;
  #again = false;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /** Runs that are not wholly published. */
  get size(): number {
    return this.#publications.size;
  }

  claimed(epoch: string): void {
    this.#claimed.add(epoch);
  }

  released(epoch: string): void {
    this.#claimed.delete(epoch);
    this.#cancelled.delete(epoch);
  }

  publish(record: RunRecord, source: PublishedSource): Publication {
    const { store } = this.#parts;
    const publication = new RunPublication(
      record,
      source,
      (woken) => this.#flushSoon(woken.urgent ? 0 : FOLLOWED_MS),
      (...message) => store.send(...message),
    );
    this.#claimed.delete(record.epoch);
    this.#publications.set(record.epoch, publication);
    publication.wake();
    if (this.#cancelled.delete(record.epoch)) publication.cancel();
    return publication;
  }

  /** Whether this machine has that run; tells it of its follower. */
  follow(epoch: string, machine: string): boolean {
    this.#publications.get(epoch)?.follow(machine, this.#parts.clock.elapsed());
    return this.#publications.has(epoch) || this.#claimed.has(epoch);
  }

  unfollow(epoch: string, machine: string): void {
    this.#publications.get(epoch)?.unfollow(machine);
  }

  cancel(epoch: string): void {
    if (this.#claimed.has(epoch)) this.#cancelled.add(epoch);
    else this.#publications.get(epoch)?.cancel();
  }

  /** The store was away: what it holds has to be looked at again. */
  recheck(): void {
    for (const publication of this.#publications.values()) publication.recheck();
  }

  /** To be called every 50 ms. */
  tick(): void {
    const { clock, endedMs } = this.#parts;
    const now = clock.elapsed();
    for (const publication of this.#publications.values())
      if (publication.expire(now, endedMs)) this.#parts.onUnpublished(publication.record);
    this.#forgetOver();
    void this.flush();
  }

  /** Publishes what is due; resolves when it is with the store, or cannot be. */
  flush(): Promise<void> {
    this.#again = true;
    this.#flushing ??= this.#flushAll().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  close(): void {
    this.#soon?.cancel();
  }

  #flushSoon(ms: number): void {
    if (this.#soon !== undefined && this.#soonMs <= ms) return;
    this.#soon?.cancel();
    this.#soonMs = ms;
    this.#soon = this.#parts.clock.after(ms, () => {
      this.#soon = undefined;
      void this.flush();
    });
  }

  async #flushAll(): Promise<void> {
    try {
      while (this.#again && this.#parts.isUp()) {
        this.#again = false;
        await this.#flushDue();
        this.#forgetOver();
      }
    } catch (cause) {
      this.recheck();
      this.#parts.onFailed(cause);
    }
  }

  async #flushDue(): Promise<void> {
    const { store, clock } = this.#parts;
    const now = clock.elapsed();
    const due = [...this.#publications.values()].filter((publication) => publication.isDue(now));
    const unsure = due.filter(({ state }) => state === 'unsure');
    await Promise.all(
      unsure.map(async (publication) => {
        const { record, base } = publication;
        const isBelieved = publication.restored(await store.restore(record, base));
        if (!isBelieved) this.#parts.onMalformed('the log of a run of ours', record.epoch);
      }),
    );
    const taken = due.flatMap((publication) => {
      const addition = publication.take(now);
      return addition === undefined ? [] : [{ publication, addition }];
    });
    if (taken.length === 0) return;
    const outcomes = await store.add(taken.map(({ addition }) => addition));
    for (const [index, { publication, addition }] of taken.entries()) {
      const wasAdded = outcomes[index] === true;
      publication.added(addition, wasAdded);
      // The ending came while the last deltas were on their way.
      if (wasAdded && publication.urgent) this.#again = true;
    }
  }

  #forgetOver(): void {
    for (const [epoch, { state }] of this.#publications)
      if (state === 'over') this.#publications.delete(epoch);
  }
}
