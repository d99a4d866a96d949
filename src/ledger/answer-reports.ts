/**
 * What people reported of answers, in the ledger's file: until Postgres has it, or for good where there is none. Owns the rows;
 * when they leave is `report-shipper.ts`. A report that left is gone from the file, words and all.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { IdentifiedReport, ReportCategory } from '../protocol/answer-report.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { committed, type Write } from './write-queue.ts';

export interface StoredReport {
  readonly userId: string;
  readonly organizationId: string | null;
  readonly id: string;
  readonly streamId: string;
  readonly epoch: string | null;
  readonly category: ReportCategory;
  /** Null: the person did not send it. */
  readonly answer: string | null;
  readonly note: string | null;
  /** Unix ms. */
  readonly reportedAt: number;
}

export interface ReportHolder {
  readonly userId: string;
  readonly organizationId: string | null;
}

export interface AnswerReports {
  /**
   * Resolves when it is on disk. The same id of the same user counts once.
   * @throws RelayError `unknown_stream` where the run is somebody else's or another one; `unavailable` where it cannot be written
   */
  add(report: IdentifiedReport, holder: ReportHolder, at: number): Promise<void>;
  /** The oldest that wait, or those that were refused. */
  next(limit: number, refused: boolean): readonly StoredReport[];
  /** Resolves when it is gone from the file. */
  left(report: StoredReport): Promise<void>;
  /** Sets one aside that Postgres will not take; `reason` quotes nothing of it. */
  refuse(report: StoredReport, reason: string): Promise<void>;
  /** How many are there, refused ones too. */
  readonly length: number;
  /** Called after each that was added. */
  onAdded: () => void;
}

const COLUMNS = `user_id AS userId, organization_id AS organizationId, id, stream_id AS streamId, epoch, category, answer, note,
  reported_at AS reportedAt`;
const OF = 'user_id = ? AND id = ?';

export class SqliteAnswerReports implements AnswerReports {
  onAdded: () => void = () => {};
  readonly #write: (write: Write) => void;
  readonly #holder: StatementSync;
  readonly #insert: StatementSync;
  readonly #waiting: StatementSync;
  readonly #refused: StatementSync;
  readonly #delete: StatementSync;
  readonly #refuse: StatementSync;
  readonly #count: StatementSync;

  /** @param write queues a write of the ledger's one writer */
  constructor(database: DatabaseSync, write: (write: Write) => void) {
    this.#write = write;
    this.#holder = database.prepare(
      'SELECT user_id AS userId, stream_id AS streamId FROM runs WHERE epoch = ?',
    );
    this.#insert = database.prepare(
      `INSERT INTO answer_reports (user_id, organization_id, id, stream_id, epoch, category, answer, note, reported_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
    const select = (which: string) =>
      database.prepare(`SELECT ${COLUMNS} FROM answer_reports WHERE ${which} ORDER BY reported_at LIMIT ?`);
    this.#waiting = select('refused IS NULL');
    this.#refused = select('refused IS NOT NULL');
    this.#delete = database.prepare(`DELETE FROM answer_reports WHERE ${OF}`);
    this.#refuse = database.prepare(`UPDATE answer_reports SET refused = ? WHERE ${OF}`);
    this.#count = database.prepare('SELECT count(*) AS reports FROM answer_reports');
  }

  get length(): number {
    return Number(this.#count.get()?.['reports']);
  }

  async add(report: IdentifiedReport, holder: ReportHolder, at: number): Promise<void> {
    const { id, streamId, epoch = null, category, answer, note } = report;
    if (epoch !== null && !this.#mayBeOf(epoch, streamId, holder.userId))
      throw new RelayError('unknown_stream', 'no such stream');
    const row = [holder.userId, holder.organizationId, id, streamId, epoch, category];
    await committed(
      this.#write,
      () => this.#insert.run(...row, answer ?? null, note ?? null, at),
      (cause) => new RelayError('unavailable', 'the report cannot be kept now; try again', { cause }),
    );
    this.onAdded();
  }

  next(limit: number, refused: boolean): readonly StoredReport[] {
    return (refused ? this.#refused : this.#waiting).all(limit) as unknown as StoredReport[];
  }

  async left({ userId, id }: StoredReport): Promise<void> {
    await committed(this.#write, () => this.#delete.run(userId, id));
  }

  async refuse({ userId, id }: StoredReport, reason: string): Promise<void> {
    await committed(this.#write, () => this.#refuse.run(reason, userId, id));
  }

  /** A run of another machine is not known here, nor one whose row has left. */
  #mayBeOf(epoch: string, streamId: string, userId: string): boolean {
    const run = this.#holder.get(epoch);
    return run === undefined || (run['userId'] === userId && run['streamId'] === streamId);
  }
}
