/**
 * Kept answers, wherever they lie: in the ledger's file of this process, in those beside it, and in Postgres where there is one.
 * Owns how they are brought together, and how long Postgres is waited for. Does not own the places.
 */
import { RelayError } from '../protocol/relay-error.ts';
import type { Clock } from '../time/clock.ts';
import { within } from '../time/outage.ts';
import { type KeptAnswer, type KeptAnswers, type KeptText, newestFirst } from './port.ts';

/** A place where answers lie. @throws whatever its store does */
export interface AnswerPlace {
  find(userId: string, streamId: string): KeptText | undefined | Promise<KeptText | undefined>;
  list(userId: string, page: Page): readonly KeptAnswer[] | Promise<readonly KeptAnswer[]>;
  forget(userId: string, streamId?: string): Promise<void>;
}

type Page = Parameters<KeptAnswers['list']>[1];

export interface StoredAnswersParts {
  /** On this machine. An erasure begins here: what is written is stopped before what has arrived is deleted. */
  readonly local: readonly AnswerPlace[];
  /** Undefined without Postgres. */
  readonly remote: AnswerPlace | undefined;
  readonly clock: Clock;
  /** One of them could not be asked. */
  readonly onFailed: (what: 'find' | 'list' | 'forget', cause: unknown) => void;
}

/** What a reader waits for Postgres. */
const WITHIN_MS = 2000;
/** What an erasure does: it has more to do. */
const FORGET_WITHIN_MS = 10_000;

export class StoredAnswers implements KeptAnswers {
  readonly #parts: StoredAnswersParts;

  constructor(parts: StoredAnswersParts) {
    this.#parts = parts;
  }

  /** What has its ending here is all there is of it: a stream that is kept has no other run. Postgres is not waited for then. */
  async find(userId: string, streamId: string): Promise<KeptText | undefined> {
    const { local, remote } = this.#parts;
    const find = (place: AnswerPlace) => place.find(userId, streamId);
    const here = latest(await this.#ask('find', WITHIN_MS, find, local));
    if (remote === undefined || (here !== undefined && here.endedAt !== null)) return here;
    return latest([here, ...(await this.#ask('find', WITHIN_MS, find, [remote]))]);
  }

  async list(userId: string, page: Page): Promise<readonly KeptAnswer[]> {
    const { local, remote } = this.#parts;
    const places = remote === undefined ? local : [...local, remote];
    const pages = await this.#ask('list', WITHIN_MS, (place) => place.list(userId, page), places);
    const byEpoch = new Map<string, KeptAnswer>();
    for (const answer of pages.flat()) {
      const known = byEpoch.get(answer.epoch);
      if (known === undefined || isFurther(answer, known)) byEpoch.set(answer.epoch, answer);
    }
    return [...byEpoch.values()].sort(newestFirst).slice(0, page.limit);
  }

  async forget(userId: string, streamId?: string): Promise<void> {
    const { local, remote } = this.#parts;
    for (const place of [...local, ...(remote === undefined ? [] : [remote])])
      await this.#tried('forget', FORGET_WITHIN_MS, () => place.forget(userId, streamId));
  }

  async #ask<Answer>(
    what: 'find' | 'list',
    withinMs: number,
    ask: (place: AnswerPlace) => Answer | Promise<Answer>,
    places: readonly AnswerPlace[],
  ): Promise<Answer[]> {
    return await Promise.all(places.map((place) => this.#tried(what, withinMs, async () => ask(place))));
  }

  async #tried<Answer>(
    what: 'find' | 'list' | 'forget',
    withinMs: number,
    work: () => Promise<Answer>,
  ): Promise<Answer> {
    const { clock, onFailed } = this.#parts;
    try {
      return await within(clock, withinMs, work());
    } catch (cause) {
      onFailed(what, cause);
      throw new RelayError('unavailable', 'kept answers cannot be reached now; try again', { cause });
    }
  }
}

function latest(found: readonly (KeptText | undefined)[]): KeptText | undefined {
  return found.filter((one) => one !== undefined).reduce<KeptText | undefined>(later, undefined);
}

/** The later run; of one run the copy that knows more. */
function later(best: KeptText | undefined, one: KeptText): KeptText {
  if (best === undefined) return one;
  if (best.epoch === one.epoch) return isFurther(one, best) ? one : best;
  return newestFirst(one, best) < 0 ? one : best;
}

function isFurther(one: KeptAnswer, other: KeptAnswer): boolean {
  if ((one.endedAt === null) !== (other.endedAt === null)) return one.endedAt !== null;
  return one.head > other.head || (one.head === other.head && other.isDead && !one.isDead);
}
