/**
 * Has the runs that arrived copied into the app's table, and tells what stands in the way. Owns when, and how many at once.
 * Does not own which, or what became of them: that is kept in the database (`migrations/*_mirror.sql`), for all relays.
 *
 *           usage rows arrived, or each minute         none is due
 *   resting ─────────────────► gathering ──250 ms──► copying ──► resting
 *                                                     │   ▲
 *                                              failed ▼   │ 1 s, 2 s … 60 s, fewer at once
 *                                                  backing off
 *
 * It has a connection of its own, so that a table that is locked, or slow to insert into, holds up neither usage rows nor
 * quotas. Without a mirror it opens none, and asks each minute on the one that all share.
 */
import type { PostgresPool, RunStatement } from '../postgres/pool.ts';
import type { Clock, Timer } from '../time/clock.ts';
import { GrowingPause } from '../time/growing-pause.ts';
import { checkInstalled } from './check-installed.ts';
import { BATCH, type Copied, copyRuns, type Refusals } from './copying.ts';
import type { MirrorDefinition } from './definition.ts';
import { installedMirror } from './install.ts';

/** What the operator hears. No word of a row. */
export interface MirrorEvents {
  /** The app's table does not fit, or the mirror is not the one that was asked for: one sentence with what to do. */
  readonly onProblem: (problem: string) => void;
  /** Runs that were refused for the first time. They are kept, and tried again. */
  readonly onRefused: (event: Refusals & { readonly table: string }) => void;
  /** None is left of those that were refused: so many, at most at once. */
  readonly onMended: (event: { readonly table: string; readonly rows: number }) => void;
  /** Nothing can be copied; once, until it can. */
  readonly onStopped: (event: { readonly waiting: number; readonly cause: unknown }) => void;
}

type OwnPool = Pick<PostgresPool, 'query' | 'close'>;

export interface MirrorParts extends MirrorEvents {
  /** A connection that others wait for. */
  readonly shared: RunStatement;
  readonly open: () => Promise<OwnPool>;
  readonly clock: Clock;
  /** Of MIRROR_FILE, if it is set. */
  readonly wanted: MirrorDefinition | undefined;
}

const GATHER_MS = 250;
const SWEEP_MS = 60_000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;
/** Of so many at once, after a statement that failed as a whole: one run may stand in the way. */
const SMALLER = 4;

export class MirrorCopier {
  readonly #parts: MirrorParts;
  readonly #sweep: Timer;
  #pause: Timer | undefined;
  #copying: Promise<void> | undefined;
  #own: OwnPool | undefined;
  #table = '';
  #limit = BATCH;
  readonly #pauses = new GrowingPause(FIRST_RETRY_MS, LAST_RETRY_MS);
  #more = false;
  #stopped = false;
  #mostFailed = 0;
  /** The table is to be compared with the mirror before the next copy. */
  #checkDue = true;
  #problems = 0;
  #waiting = 0;
  #failed = 0;
  #closed = false;

  constructor(parts: MirrorParts) {
    this.#parts = parts;
    this.#sweep = parts.clock.every(SWEEP_MS, () => this.wake());
    this.#copy();
  }

  /** Whether there is a mirror, and the last statement worked. */
  get up(): boolean {
    return this.#own !== undefined && !this.#stopped;
  }

  /** Runs not copied yet, of all relays, as the database said last: those to be tried, and those that were refused. */
  get waiting(): number {
    return this.#waiting;
  }

  get failed(): number {
    return this.#failed;
  }

  /** What was wrong with the app's table when it was last checked. */
  get problems(): number {
    return this.#problems;
  }

  /** Usage rows arrived. */
  wake(): void {
    this.#more = true;
    if (this.#closed || this.#copying !== undefined || this.#pause !== undefined) return;
    this.#pause = this.#parts.clock.after(GATHER_MS, () => this.#copy());
  }

  /** Lets the statement under way end; the rest is found by whoever copies next. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#sweep.cancel();
    this.#pause?.cancel();
    // Its own statements end with it.
    await this.#own?.close();
    await this.#copying;
  }

  #copy(): void {
    this.#pause?.cancel();
    this.#pause = undefined;
    this.#more = false;
    this.#copying = this.#round().then(
      (isHeldUp) => this.#ended(isHeldUp),
      (cause: unknown) => this.#failedWith(cause),
    );
  }

  #ended(isHeldUp: boolean): void {
    this.#copying = undefined;
    if (this.#closed) return;
    this.#stopped = false;
    if (isHeldUp) this.#backOff();
    else {
      this.#pauses.reset();
      if (this.#more) this.wake();
    }
  }

  #failedWith(cause: unknown): void {
    this.#copying = undefined;
    if (this.#closed) return;
    this.#limit = Math.max(1, Math.floor(this.#limit / SMALLER));
    this.#backOff();
    // Where no mirror is known yet, that Postgres is away is told by others.
    if (this.#stopped || this.#own === undefined) return;
    this.#stopped = true;
    this.#checkDue = true;
    this.#parts.onStopped({ waiting: this.#waiting, cause });
  }

  #backOff(): void {
    this.#pause = this.#parts.clock.after(this.#pauses.next(), () => this.#copy());
  }

  /** Copies all that is due. Whether some of it has to wait for a lock. @throws what stopped it */
  async #round(): Promise<boolean> {
    if (this.#checkDue) await this.#check();
    if (this.#own === undefined) return false;
    while (!this.#closed) {
      const answer = await copyRuns(this.#own.query, this.#limit);
      if (answer === undefined) return this.#removed();
      this.#note(answer);
      if (this.#checkDue) await this.#check();
      if (answer.taken === 0) return answer.waiting > 0 && answer.copied === 0;
      this.#limit = Math.min(this.#limit * 2, BATCH);
    }
    return false;
  }

  #note({ causes, waiting, failed }: Copied): void {
    const { onRefused, onMended } = this.#parts;
    const table = this.#table;
    for (const cause of causes) onRefused({ table, ...cause });
    // What is wrong may be told better than by a code; and whether it still is.
    if (causes.length > 0 && this.#mostFailed === 0) this.#checkDue = true;
    this.#waiting = waiting;
    this.#failed = failed;
    this.#mostFailed = Math.max(this.#mostFailed, failed);
    // Those whose cause is mended wait before they are copied.
    if (this.#mostFailed === 0 || failed > 0 || waiting > 0) return;
    onMended({ table, rows: this.#mostFailed });
    this.#mostFailed = 0;
    this.#checkDue = true;
  }

  /** Whether there is a mirror, and what is wrong with it. */
  async #check(): Promise<void> {
    const { shared, open, wanted, onProblem } = this.#parts;
    const query = this.#own?.query ?? shared;
    const installed = await installedMirror(query);
    const problems = await checkInstalled(query, installed, wanted);
    this.#problems = problems.length;
    for (const problem of problems) onProblem(problem);
    this.#checkDue = installed === undefined;
    if (installed === undefined) return;
    this.#table = installed.definition.table;
    this.#own ??= await open();
  }

  async #removed(): Promise<boolean> {
    await this.#own?.close();
    this.#own = undefined;
    this.#checkDue = true;
    this.#waiting = 0;
    this.#failed = 0;
    this.#mostFailed = 0;
    return false;
  }
}
