/**
 * Moves reports of answers from the disk to Postgres, each exactly once: one leaves the file only after Postgres has committed it,
 * and what is sent twice is dropped there by its key. Reports are few: each is a statement of its own, so that one which Postgres
 * refuses holds up no other; that one is tried again each hour.
 */
import { failureKind, failureReason } from '../postgres/failure.ts';
import type { PostgresPool } from '../postgres/pool.ts';
import type { Clock, Timer } from '../time/clock.ts';
import { GrowingPause } from '../time/growing-pause.ts';
import type { AnswerReports, StoredReport } from './answer-reports.ts';

export interface ReportShipperParts {
  readonly reports: AnswerReports;
  readonly pool: Pick<PostgresPool, 'queryInBackground'>;
  readonly clock: Clock;
  /** Postgres refuses one: never a word of it. */
  readonly onRefused: (event: { readonly reason: string }) => void;
  /** Once, until it is over. */
  readonly onOutage: (event: { readonly cause: unknown }) => void;
}

const INSERT = `
  INSERT INTO dash_relay.reports
    (user_id, organization_id, id, stream_id, epoch, category, answer, note, reported_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9::double precision / 1000)) ON CONFLICT DO NOTHING`;

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;
const REFUSED_AGAIN_MS = 3_600_000;
const AT_ONCE = 20;
/** What a closing relay still waits for. */
const CLOSE_WITHIN_MS = 2000;

export class ReportShipper {
  readonly #parts: ReportShipperParts;
  readonly #hourly: Timer;
  #pause: Timer | undefined;
  readonly #pauses = new GrowingPause(FIRST_RETRY_MS, LAST_RETRY_MS);
  #shipping: Promise<void> | undefined;
  #isRefusedDue = true;
  #isOut = false;
  #more = false;
  #closed = false;

  constructor(parts: ReportShipperParts) {
    this.#parts = parts;
    parts.reports.onAdded = () => this.#wake();
    this.#hourly = parts.clock.every(REFUSED_AGAIN_MS, () => {
      this.#isRefusedDue = true;
      this.#wake();
    });
    this.#wake();
  }

  /** Sends what there is, for two seconds at most; the next start finds the rest. To be called once. */
  async close(): Promise<void> {
    const { clock, reports } = this.#parts;
    reports.onAdded = () => {};
    this.#hourly.cancel();
    this.#pause?.cancel();
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const deadline = clock.after(CLOSE_WITHIN_MS, giveUp);
    await Promise.race([this.#shipping ?? this.#round(), late]);
    this.#closed = true;
    this.#pause?.cancel();
    deadline.cancel();
  }

  #wake(): void {
    this.#more = true;
    if (this.#shipping !== undefined || this.#pause !== undefined) return;
    this.#shipping = this.#round();
  }

  /** Never rejects. */
  async #round(): Promise<void> {
    const { clock, onOutage } = this.#parts;
    this.#pause = undefined;
    this.#more = false;
    try {
      await this.#send(false);
      if (this.#isRefusedDue) await this.#send(true);
      this.#isRefusedDue = false;
      this.#isOut = false;
      this.#pauses.reset();
    } catch (cause) {
      if (!this.#isOut && !this.#closed) onOutage({ cause });
      this.#isOut = true;
    }
    this.#shipping = undefined;
    if (this.#closed) return;
    if (this.#isOut) {
      this.#pause = clock.after(this.#pauses.next(), () => {
        this.#shipping = this.#round();
      });
    } else if (this.#more) this.#wake();
  }

  /** All that wait, page by page; of those that were refused one page an hour. @throws what stopped it */
  async #send(refused: boolean): Promise<void> {
    for (;;) {
      const page = this.#parts.reports.next(AT_ONCE, refused);
      for (const report of page) {
        if (this.#closed) return;
        await this.#deliver(report, refused);
      }
      if (refused || page.length < AT_ONCE) return;
    }
  }

  async #deliver(report: StoredReport, wasRefused: boolean): Promise<void> {
    const { reports, pool, onRefused } = this.#parts;
    const { userId, organizationId, id, streamId, epoch, category, answer, note, reportedAt } = report;
    const values = [userId, organizationId, id, streamId, epoch, category, answer, note, reportedAt];
    try {
      await pool.queryInBackground(INSERT, values);
    } catch (cause) {
      if (failureKind(cause) !== 'row') throw cause;
      const reason = failureReason(cause);
      if (!wasRefused) onRefused({ reason });
      await reports.refuse(report, reason);
      return;
    }
    if (!this.#closed) await reports.left(report);
  }
}
