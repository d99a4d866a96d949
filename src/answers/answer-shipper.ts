/**
 * Moves kept answers from the disk to Postgres while they grow, and lets the disk go of those that ended there. Owns when, in
 * which portions, and what follows a failure. Does not own the statements (`postgres-answers.ts`) or the file.
 *
 *   each second ─► in turns, until there is none: live ones that grew, ended ones ─► each 10 s, even if more comes than goes:
 *        │         those that go on say so ─► hourly: what is over
 *        └─ failed: again after 1, 2, 4, 8 s, and each 10 s
 *
 * What is sent twice (an answer was lost, a crash came before the mark) changes nothing there.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { failureKind, failureReason } from '../postgres/failure.ts';
import type { Clock, Timer } from '../time/clock.ts';
import { GrowingPause } from '../time/growing-pause.ts';
import type { LocalAnswers, StoredAnswer } from './local-answers.ts';
import type { PostgresAnswers } from './postgres-answers.ts';

export interface AnswerShipperParts {
  readonly answers: LocalAnswers;
  readonly postgres: Pick<PostgresAnswers, 'keep' | 'goOn' | 'purge'>;
  readonly clock: Clock;
  /** Whether anything is kept now: otherwise what is left goes, and a database without the tables is none of its business. */
  readonly isKeeping: boolean;
  /** Once, until it is over. */
  readonly onOutage: (event: { readonly waiting: number; readonly cause: unknown }) => void;
  readonly onRecovered: () => void;
  /** Postgres refuses one: never a word of it. */
  readonly onRefused: (event: { readonly epoch: string; readonly reason: string }) => void;
}

const EVERY_MS = 1000;
const LAST_RETRY_MS = 10_000;
const GOES_ON_MS = 10_000;
const HOUSEKEEPING_MS = 3_600_000;
/** Ended answers read, sealed and sent at once: a millisecond or two of the event loop, four where they come from the disk. */
const AT_ONCE = 25;
/** Of live ones what is new, which the ledger still has in memory. */
const GROWING_AT_ONCE = 100;
const PURGED_AT_ONCE = 1000;
/** Why one is refused that cannot be opened any more. */
const UNOPENED = 'sealed by a key that is not set';
/** What a closing relay still waits for. */
const CLOSE_WITHIN_MS = 3000;

export class AnswerShipper {
  readonly #parts: AnswerShipperParts;
  #pause: Timer | undefined;
  #round: Promise<void> | undefined;
  readonly #pauses = new GrowingPause(EVERY_MS, LAST_RETRY_MS);
  #isOut = false;
  #closed = false;
  /** Monotonic ms. */
  #saidAt = Number.NEGATIVE_INFINITY;
  #housekeptAt = Number.NEGATIVE_INFINITY;
  /** Postgres's clock as it said last, Unix ms. */
  #postgresNow = 0;

  constructor(parts: AnswerShipperParts) {
    this.#parts = parts;
    this.#begin();
  }

  /** Whether Postgres took what it was given last. */
  get up(): boolean {
    return !this.#isOut;
  }

  /** Sends what there is, for three seconds at most; the next start finds the rest. To be called once. */
  async close(): Promise<void> {
    this.#pause?.cancel();
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const deadline = this.#parts.clock.after(CLOSE_WITHIN_MS, giveUp);
    await Promise.race([this.#last(), late]);
    this.#closed = true;
    this.#pause?.cancel();
    deadline.cancel();
  }

  async #last(): Promise<void> {
    await this.#round;
    this.#pause?.cancel();
    if (this.#parts.answers.length > 0) this.#begin();
    await this.#round;
  }

  #begin(): void {
    this.#pause = undefined;
    this.#round = this.#send().then(
      (isMore) => this.#succeeded(isMore),
      (cause: unknown) => this.#failed(cause),
    );
  }

  #succeeded(isMore: boolean): void {
    this.#round = undefined;
    if (this.#isOut) this.#parts.onRecovered();
    this.#isOut = false;
    this.#pauses.reset();
    this.#again(isMore ? 0 : EVERY_MS);
  }

  #failed(cause: unknown): void {
    const { answers, onOutage } = this.#parts;
    this.#round = undefined;
    if (!this.#isOut && !this.#closed) onOutage({ waiting: answers.length, cause });
    this.#isOut = true;
    this.#again(this.#pauses.next());
  }

  #again(ms: number): void {
    if (!this.#closed) this.#pause = this.#parts.clock.after(ms, () => this.#begin());
  }

  /** Whether there may be more. @throws what stopped it */
  async #send(): Promise<boolean> {
    const { answers, clock } = this.#parts;
    const areDue = () => clock.elapsed() - this.#saidAt >= GOES_ON_MS;
    let isMore: boolean;
    do {
      const grew = await this.#sendPage(answers.growing(GROWING_AT_ONCE));
      isMore = (await this.#sendPage(this.#closed ? [] : answers.ended(AT_ONCE, false))) || grew;
    } while (isMore && !areDue() && !this.#closed);
    if (areDue()) await this.#goOn();
    if (clock.elapsed() - this.#housekeptAt >= HOUSEKEEPING_MS) await this.#keepHouse();
    return isMore;
  }

  /** Whether there was any. */
  async #sendPage(page: readonly StoredAnswer[]): Promise<boolean> {
    if (page.length === 0) return false;
    for (const unopened of page.filter(({ deltas }) => deltas === undefined))
      await this.#parts.answers.refuse(unopened, UNOPENED);
    await this.#deliver(page.filter(({ deltas }) => deltas !== undefined));
    await nextTurn(); // streams are served in between
    return true;
  }

  /** Sends them; halves them where one is refused, until it is alone. */
  async #deliver(page: readonly StoredAnswer[]): Promise<void> {
    const { answers, postgres, onRefused } = this.#parts;
    const [only] = page;
    if (only === undefined) return;
    try {
      const forgotten = new Set(await postgres.keep(page));
      if (this.#closed) return;
      if (forgotten.size > 0) await answers.drop([...forgotten]);
      await answers.arrived(page.filter(({ epoch }) => !forgotten.has(epoch)));
    } catch (cause) {
      if (failureKind(cause) !== 'row' || this.#closed) throw cause;
      if (page.length > 1) {
        const middle = page.length >>> 1;
        await this.#deliver(page.slice(0, middle));
        return await this.#deliver(page.slice(middle));
      }
      const reason = failureReason(cause);
      if (await answers.refuse(only, reason)) onRefused({ epoch: only.epoch, reason });
    }
  }

  async #goOn(): Promise<void> {
    const { answers, postgres, clock, isKeeping } = this.#parts;
    if (!isKeeping) return;
    this.#postgresNow = await postgres.goOn(answers.live());
    this.#saidAt = clock.elapsed();
  }

  /** What is over goes here and there; what was refused is tried again. */
  async #keepHouse(): Promise<void> {
    const { answers, postgres, clock, isKeeping } = this.#parts;
    try {
      while ((await postgres.purge(clock.now(), PURGED_AT_ONCE)) === PURGED_AT_ONCE && !this.#closed)
        await nextTurn();
    } catch (cause) {
      if (isKeeping || failureKind(cause) !== 'schema') throw cause;
    }
    // Either clock may be wrong: what did not arrive goes when it is over by both.
    await answers.purge(Math.min(clock.now(), this.#postgresNow));
    for (const refused of answers.ended(AT_ONCE, true))
      if (refused.deltas !== undefined) await this.#deliver([refused]);
    this.#housekeptAt = clock.elapsed();
  }
}
