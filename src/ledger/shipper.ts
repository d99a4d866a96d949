/**
 * Moves settled runs from the ledger on disk to Postgres, each exactly once. Owns when, in which batches, and what
 * follows a failure. Does not own the rows (`outbox.ts`) or the statement (`usage-sink.ts`).
 *
 *           settled, or each minute        all sent
 *   resting ──────► gathering ──250 ms──► shipping ──► resting
 *                                          │    ▲
 *                                   failed ▼    │ 1 s, 2 s … 60 s
 *                                         backing off
 *
 * A row leaves the outbox only after Postgres has committed it. What is sent twice (an answer was lost, a crash came
 * before the mark) is dropped by the key of the epoch. A row that Postgres refuses is found by halving its batch and
 * set aside; each hour, and at the start, it is tried again.
 */

import { type FailureKind, failureKind, failureReason } from '../postgres/failure.ts';
import type { Clock, Timer } from '../time/clock.ts';
import { GrowingPause } from '../time/growing-pause.ts';
import type { Outbox, OutboxRow } from './outbox.ts';
import type { UsageSink } from './usage-sink.ts';

/** What the operator hears. No word of a row. */
export interface ShipperEvents {
  /** Once, until it is over. */
  readonly onOutage: (event: {
    readonly kind: Exclude<FailureKind, 'row'>;
    readonly unshipped: number;
    readonly cause: unknown;
  }) => void;
  readonly onRecovered: (event: { readonly shipped: number; readonly outageMs: number }) => void;
  /** Rows that Postgres will not take were set aside. `reason`: the SQLSTATE and what it is about. */
  readonly onQuarantined: (event: { readonly rows: number; readonly reason: string }) => void;
}

export interface ShipperParts extends ShipperEvents {
  readonly outbox: Outbox;
  readonly sink: UsageSink;
  readonly clock: Clock;
  /** Batches under way at once: one for each connection. */
  readonly parallel: number;
}

const GATHER_MS = 250;
const SWEEP_MS = 60_000;
const HOUSEKEEPING_MS = 3_600_000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;
/** Rows read at once: well below a millisecond and a half of the event loop. */
const PAGE = 200;
/** Rows a statement: more would not be faster, and cost more to send again. */
const BATCH = 1000;
const KEEP_SHIPPED_MS = 7 * 86_400_000;
/** About 100 MB. */
const KEEP_RUNS = 250_000;
/** What a closing relay still waits for. */
const CLOSE_WITHIN_MS = 3000;

type ReadPage = (after: number, limit: number) => readonly OutboxRow[];

export class UsageShipper {
  readonly #parts: ShipperParts;
  readonly #timers: Timer[];
  /** Gathering, or backing off. */
  #pause: Timer | undefined;
  readonly #pauses = new GrowingPause(FIRST_RETRY_MS, LAST_RETRY_MS);
  #shipping: Promise<void> | undefined;
  /** Settled since the present round began. */
  #more = false;
  #houseDue = true;
  #up = false;
  /** Monotonic ms. */
  #outageSince: number | undefined;
  #shippedInRound = 0;
  /** Postgres's clock as it said last, Unix ms. */
  #postgresNow = 0;
  #closed = false;

  constructor(parts: ShipperParts) {
    this.#parts = parts;
    const { clock, outbox } = parts;
    outbox.onSettled = () => this.#wake();
    this.#timers = [
      // Also the probe that keeps `up` true.
      clock.every(SWEEP_MS, () => this.#wake()),
      clock.every(HOUSEKEEPING_MS, () => {
        this.#houseDue = true;
      }),
    ];
    this.#ship();
  }

  /** Whether Postgres took what it was given last. */
  get up(): boolean {
    return this.#up;
  }

  /** Sends what there is, for a few seconds at most; the next start finds the rest. To be called once. */
  async close(): Promise<void> {
    const { clock, outbox, sink } = this.#parts;
    outbox.onSettled = () => {};
    for (const timer of this.#timers) timer.cancel();
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const deadline = clock.after(CLOSE_WITHIN_MS, giveUp);
    await Promise.race([this.#shipLast(), late]);
    this.#closed = true;
    this.#pause?.cancel();
    await Promise.race([sink.close(), late]);
    deadline.cancel();
  }

  async #shipLast(): Promise<void> {
    await this.#shipping;
    if (this.#parts.outbox.length === 0) return;
    this.#ship();
    await this.#shipping;
  }

  #wake(): void {
    this.#more = true;
    if (this.#shipping !== undefined || this.#pause !== undefined) return;
    this.#pause = this.#parts.clock.after(GATHER_MS, () => this.#ship());
  }

  #ship(): void {
    this.#pause?.cancel();
    this.#pause = undefined;
    this.#more = false;
    this.#shipping = this.#round().then(
      () => this.#succeeded(),
      (cause: unknown) => this.#failed(cause),
    );
  }

  #succeeded(): void {
    const { clock, outbox, onRecovered } = this.#parts;
    this.#shipping = undefined;
    this.#up = true;
    this.#pauses.reset();
    if (this.#outageSince !== undefined) {
      onRecovered({ shipped: this.#shippedInRound, outageMs: clock.elapsed() - this.#outageSince });
      this.#outageSince = undefined;
    }
    if (this.#more && outbox.length > 0 && !this.#closed) this.#wake();
  }

  #failed(cause: unknown): void {
    const { clock, outbox, onOutage } = this.#parts;
    this.#shipping = undefined;
    this.#up = false;
    if (this.#closed) return;
    if (this.#outageSince === undefined) {
      this.#outageSince = clock.elapsed();
      onOutage({
        kind: failureKind(cause) === 'schema' ? 'schema' : 'outage',
        unshipped: outbox.length,
        cause,
      });
    }
    this.#pause = clock.after(this.#pauses.next(), () => this.#ship());
  }

  /** Sends all that waits. @throws what stopped it */
  async #round(): Promise<void> {
    const { outbox, clock } = this.#parts;
    this.#shippedInRound = 0;
    if (outbox.length === 0) await this.#insert([]);
    await this.#shipPages((after, limit) => outbox.waiting(after, limit));
    if (!this.#houseDue) return;
    await this.#shipPages((after, limit) => outbox.quarantined(after, limit));
    // Either clock may be wrong: a row goes when it is old by both.
    await outbox.prune(Math.min(clock.now(), this.#postgresNow) - KEEP_SHIPPED_MS, KEEP_RUNS);
    this.#houseDue = false;
  }

  async #shipPages(read: ReadPage): Promise<void> {
    let after = 0;
    const readNext: ReadPage = (_, limit) => {
      const rows = read(after, limit);
      after = rows.at(-1)?.run ?? after;
      return rows;
    };
    const parallel = Array.from({ length: this.#parts.parallel }, () => this.#sendPages(readNext));
    const outcomes = await Promise.allSettled(parallel);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #sendPages(read: ReadPage): Promise<void> {
    for (;;) {
      const batch: OutboxRow[] = [];
      let page: readonly OutboxRow[];
      do {
        if (this.#closed) return;
        page = read(0, PAGE);
        batch.push(...page);
        // Streams are served in between.
        await nextTurn();
      } while (page.length === PAGE && batch.length < BATCH);
      if (batch.length === 0) return;
      await this.#deliver(batch);
    }
  }

  /** Sends rows; halves them where one is refused, until it is alone. */
  async #deliver(rows: readonly OutboxRow[]): Promise<void> {
    const { outbox, clock } = this.#parts;
    try {
      await this.#insert(rows);
    } catch (cause) {
      if (failureKind(cause) !== 'row' || this.#closed) throw cause;
      if (rows.length === 1) return this.#setAside(rows, failureReason(cause));
      const middle = rows.length >>> 1;
      await this.#deliver(rows.slice(0, middle));
      return this.#deliver(rows.slice(middle));
    }
    if (this.#closed) return;
    await outbox.markShipped(rows, Math.max(clock.now(), this.#postgresNow));
    this.#shippedInRound += rows.length;
  }

  async #insert(rows: readonly OutboxRow[]): Promise<void> {
    this.#postgresNow = await this.#parts.sink.insert(rows);
  }

  async #setAside(rows: readonly OutboxRow[], reason: string): Promise<void> {
    const { outbox, clock, onQuarantined } = this.#parts;
    const entered = await outbox.quarantine(rows, reason, clock.now());
    if (entered > 0) onQuarantined({ rows: entered, reason });
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
