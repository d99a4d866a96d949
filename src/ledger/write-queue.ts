/**
 * Gathers the writes of one turn of the event loop into one transaction, and keeps trying while the store refuses.
 * Owns batches, retries and `degraded`. Does not own what a write says: that is `ledger.ts`.
 *
 *   push ─► queue ─► one transaction a turn ─┬─ committed → each write hears `committed`
 *                                            ├─ busy      → the same batch again 20 ms later, for half a second
 *                                            └─ refused   → each write hears `refused`; those that must not be lost
 *                                                           stay at the head and are tried after 0.1, 0.2 … 5 s
 */
import type { Clock, Timer } from '../time/clock.ts';
import { GrowingPause } from '../time/growing-pause.ts';

export interface Write {
  /** Runs its statement, within a transaction. May be called again after a refusal. */
  apply(): void;
  /** It is on disk. */
  committed(): void;
  /** It could not be written. Returns whether it is to be tried again (never asked of a row that no disk would take). */
  refused(cause: unknown): boolean;
}

/**
 * Queues statements; resolves with what they gave, once that is on disk.
 * @param write queues a write
 * @param failed of what somebody waits for, who is told at once, and why as it says; without it a store that refuses is waited for
 */
export function committed<Result>(
  write: (write: Write) => void,
  statements: () => Result,
  failed?: (cause: unknown) => unknown,
): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  let result: Result;
  write({
    apply: () => {
      result = statements();
    },
    committed: () => resolve(result),
    refused: (cause) => {
      if (failed === undefined && isOfTheStore(cause)) return true;
      reject(failed === undefined ? cause : failed(cause));
      return false;
    },
  });
  return promise;
}

export interface WriteQueueOptions {
  readonly clock: Clock;
  /** Commits all that `work` writes, or throws and commits nothing. */
  readonly transaction: (work: () => void) => void;
  /** Writes something that changes nothing: whether the store takes writes again. */
  readonly probe: () => void;
  /** Whether writing must wait; `resume()` follows. */
  readonly held: () => boolean;
  readonly onCommit: (writes: number) => void;
  readonly onError: (what: string, cause: unknown) => void;
}

/** Writes per transaction, about 1 ms. A longer queue takes several turns, with streams served in between. */
const MAX_BATCH = 200;
/** How long a write that nobody waits for may wait for company: a transaction costs more than what is in it. */
const COMPANY_MS = 20;
/** And one that somebody waits for who does not see so little: the ending of an answer. */
const SHORT_COMPANY_MS = 3;
const BUSY_RETRY_MS = 20;
const BUSY_TRIES = 25;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;

export class WriteQueue {
  readonly #options: WriteQueueOptions;
  #queue: Write[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  #waiting: Timer | undefined;
  #waitingShortly: NodeJS.Timeout | undefined;
  #retry: Timer | undefined;
  readonly #pauses = new GrowingPause(FIRST_RETRY_MS, LAST_RETRY_MS);
  #busyTries = 0;
  #degraded = false;
  /** Why the store refused last. */
  #cause: unknown;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /** Whether the store refused the last batch. */
  get degraded(): boolean {
    return this.#degraded;
  }

  get length(): number {
    return this.#queue.length;
  }

  push(write: Write): void {
    if (this.#enqueue(write)) this.resume();
  }

  /** As `push`, but within 20 ms, with the next write if one comes before that. */
  pushSoon(write: Write): void {
    if (!this.#enqueue(write)) return;
    this.#waiting ??= this.#options.clock.after(COMPANY_MS, () => {
      this.#waiting = undefined;
      this.resume();
    });
  }

  /** As `push`, but within 3 ms. */
  pushShortly(write: Write): void {
    if (!this.#enqueue(write)) return;
    // Not of the clock: it decides nothing but which writes share a transaction.
    this.#waitingShortly ??= setTimeout(() => {
      this.#waitingShortly = undefined;
      this.resume();
    }, SHORT_COMPANY_MS);
  }

  /** Writes on where it had to wait. */
  resume(): void {
    if (this.#scheduled !== undefined || this.#retry !== undefined || this.#queue.length === 0) return;
    if (!this.#options.held()) this.#scheduled = setImmediate(() => this.#flush());
  }

  /** Writes all that waits, at once, as long as the store takes it, and stops trying. */
  finish(): void {
    this.#stopWaiting();
    while (this.#queue.length > 0 && this.#retry === undefined) this.#flush();
    this.#stopWaiting();
  }

  #enqueue(write: Write): boolean {
    // Nobody is left waiting for the next try.
    if (this.#degraded && !write.refused(this.#cause)) return false;
    this.#queue.push(write);
    return true;
  }

  #stopWaiting(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    this.#waiting?.cancel();
    this.#waiting = undefined;
    clearTimeout(this.#waitingShortly);
    this.#waitingShortly = undefined;
    this.#retry?.cancel();
    this.#retry = undefined;
  }

  #flush(): void {
    this.#scheduled = undefined;
    if (this.#options.held()) return;
    const batch = this.#queue.slice(0, MAX_BATCH);
    const failures = new Map<Write, unknown>();
    try {
      this.#options.transaction(() => {
        for (const write of batch) this.#apply(write, failures);
        if (batch.length === 0) this.#options.probe();
      });
    } catch (cause) {
      this.#refused(batch, cause);
      return;
    }
    this.#queue = this.#queue.slice(batch.length);
    this.#recovered(batch.length);
    for (const write of batch) {
      if (failures.has(write)) write.refused(failures.get(write));
      else write.committed();
    }
    this.resume();
  }

  /** One row that no disk would take must not hold up the others. */
  #apply(write: Write, failures: Map<Write, unknown>): void {
    try {
      write.apply();
    } catch (cause) {
      if (isOfTheStore(cause)) throw cause;
      this.#options.onError('a usage row was refused', cause);
      failures.set(write, cause);
    }
  }

  #refused(batch: readonly Write[], cause: unknown): void {
    if (isBusy(cause) && this.#busyTries < BUSY_TRIES) {
      this.#busyTries++;
      this.#retryIn(BUSY_RETRY_MS);
      return;
    }
    if (!this.#degraded) this.#options.onError('the usage ledger cannot be written', cause);
    this.#degraded = true;
    this.#cause = cause;
    const rest = this.#queue.slice(batch.length);
    this.#queue = [...batch, ...rest].filter((write) => write.refused(cause));
    this.#retryIn(this.#pauses.next());
  }

  #retryIn(ms: number): void {
    this.#retry = this.#options.clock.after(ms, () => {
      this.#retry = undefined;
      this.#flush();
    });
  }

  #recovered(writes: number): void {
    this.#degraded = false;
    this.#pauses.reset();
    this.#busyTries = 0;
    this.#options.onCommit(writes);
  }
}

const BUSY = 5;
const LOCKED = 6;
/** TOOBIG, CONSTRAINT, MISMATCH, RANGE: this row cannot be written on any disk. */
const OF_THE_ROW: ReadonlySet<number> = new Set([18, 19, 20, 25]);

/** Somebody else holds the write lock at this instant. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED;
}

/** The store refuses (full, locked, damaged), whatever is written; anything else is about the one row. */
export function isOfTheStore(error: unknown): boolean {
  const code = primaryCode(error);
  return code !== undefined && !OF_THE_ROW.has(code);
}

function primaryCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  // The low byte is the primary code, the rest says more about it.
  return typeof code === 'number' ? code & 0xff : undefined;
}
