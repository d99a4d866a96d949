/**
 * The statements on `answers` and `answer_pieces`. Owns the mapping of a kept answer to its rows, whose words are always sealed
 * (`answers/seal.ts`). Does not own when they run: that is `ledger.ts` and `ledger-answers.ts`.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { type Deltas, decodePiece, joinDeltas, wireTexts } from '../answers/piece.ts';
import type { KeptPosition, KeptText } from '../answers/port.ts';
import { AnswerKeys, type AnswerSeal, NO_SECRET, newSecret, PLACES } from '../answers/seal.ts';
import type { EndingFrame } from '../protocol/frames.ts';
import { interruptedEnding } from '../protocol/interrupted.ts';
import { AnswerSecrets, eraseSecrets } from './answer-secrets.ts';
import type { AnswerToKeep, UsageIntent } from './port.ts';

/** Pieces of one run: their numbers follow each other, so that they lie together. */
const PIECES_OF_RUN = 1_000_000;

const INSERT = `
  INSERT INTO answers (run, epoch, stream_id, user_id, action, model, slot, request_hash, started_at, keep_until)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const GROW = 'UPDATE answers SET head = ?, text_length = ? WHERE run = ? AND ended_at IS NULL';
const INSERT_PIECE = 'INSERT INTO answer_pieces (piece, after, sealed) VALUES (?, ?, ?)';
/** It is kept for so long after its end as it was to be after its start. */
const END = `
  UPDATE answers SET ended_at = $at, keep_until = keep_until + $at - started_at, ending = $ending
  WHERE run = $run AND ended_at IS NULL`;
const COLUMNS = `run, epoch, stream_id AS streamId, user_id AS userId, action, model, slot, request_hash AS requestHash,
  (SELECT secret FROM answer_secrets WHERE slot = answers.slot) AS secret,
  started_at AS startedAt, ended_at AS endedAt, keep_until AS keepUntil, head, text_length AS textLength, ending`;
const OF_USER = 'user_id = $userId AND ($streamId IS NULL OR stream_id = $streamId)';
/** Its time is not over: what is over may be there for a while. */
const isKept = (now: string) => `(ended_at IS NULL OR keep_until > ${now})`;
const NEWEST_FIRST = 'ORDER BY started_at DESC, epoch DESC';
const RUNS = '(SELECT value FROM json_each(?))';

/** One that is live or has ended, as the file has it. */
export interface AnswerRow extends Omit<KeptText, 'isDead' | 'deltas'> {
  readonly run: number;
  readonly slot: number;
  readonly keepUntil: number;
  readonly seal: AnswerSeal;
}

export interface DeletedAnswers {
  readonly slots: readonly number[];
  readonly ended: number;
  readonly refused: number;
}

/** What is written of an answer at once. */
export interface NewPiece {
  /** From 0, of its run. */
  readonly number: number;
  /** Seq before its first delta. */
  readonly after: number;
  /** Of its last. */
  readonly head: number;
  /** Of all text until then, UTF-16 units. */
  readonly textLength: number;
  readonly deltas: Deltas;
  /** The same, as it is written. */
  readonly sealed: Buffer;
}

export class AnswerTable {
  readonly #keys: AnswerKeys;
  readonly #secrets: AnswerSecrets;
  readonly #insert: StatementSync;
  readonly #grow: StatementSync;
  readonly #insertPiece: StatementSync;
  readonly #end: StatementSync;
  readonly #latest: StatementSync;
  readonly #page: StatementSync;
  readonly #ended: StatementSync;
  readonly #row: StatementSync;
  readonly #pieces: StatementSync;
  readonly #runsOf: StatementSync;
  readonly #runsByEpoch: StatementSync;
  readonly #expired: StatementSync;
  readonly #eraseSecrets: StatementSync;
  readonly #of: StatementSync;
  readonly #delete: StatementSync;
  readonly #deletePieces: StatementSync;
  readonly #refuse: StatementSync;
  readonly #counts: StatementSync;
  readonly #oldest: StatementSync;

  /** @param keys what opens answers: who only erases them needs none */
  constructor(database: DatabaseSync, keys = new AnswerKeys()) {
    this.#keys = keys;
    this.#secrets = new AnswerSecrets(database);
    this.#insert = database.prepare(INSERT);
    this.#grow = database.prepare(GROW);
    this.#insertPiece = database.prepare(INSERT_PIECE);
    this.#end = database.prepare(END);
    const select = (rest: string) => database.prepare(`SELECT ${COLUMNS} FROM answers ${rest}`);
    this.#latest = select(`WHERE user_id = ? AND stream_id = ? AND ${isKept('?')} ${NEWEST_FIRST} LIMIT 1`);
    this.#page = select(
      `WHERE user_id = $userId AND (started_at, epoch) < ($startedAt, $epoch) AND ${isKept('$now')} ${NEWEST_FIRST} LIMIT $limit`,
    );
    this.#ended = select(
      'WHERE ended_at IS NOT NULL AND (refused IS NOT NULL) = ? ORDER BY keep_until LIMIT ?',
    );
    this.#row = select('WHERE run = ?');
    this.#pieces = database.prepare(
      'SELECT after, sealed FROM answer_pieces WHERE piece BETWEEN ? AND ? AND after >= ? ORDER BY piece',
    );
    const runsOf = (rest: string) => database.prepare(`SELECT run FROM answers WHERE ${rest}`);
    this.#runsOf = runsOf(OF_USER);
    this.#runsByEpoch = runsOf('epoch IN (SELECT value FROM json_each(?))');
    this.#expired = runsOf('ended_at IS NOT NULL AND keep_until < ? ORDER BY keep_until LIMIT ?');
    this.#eraseSecrets = eraseSecrets(database);
    this.#of = database.prepare(
      `SELECT slot, ended_at IS NOT NULL AS ended, refused IS NOT NULL AS refused FROM answers WHERE run IN ${RUNS}`,
    );
    this.#delete = database.prepare(`DELETE FROM answers WHERE run IN ${RUNS}`);
    this.#deletePieces = database.prepare('DELETE FROM answer_pieces WHERE piece BETWEEN ? AND ?');
    this.#refuse = database.prepare('UPDATE answers SET refused = ? WHERE run = ? AND refused IS NULL');
    this.#counts = database.prepare(
      `SELECT (SELECT count(*) FROM answers WHERE ended_at IS NOT NULL) AS ended,
        (SELECT count(*) FROM answers WHERE refused IS NOT NULL) AS refused`,
    );
    this.#oldest = database.prepare(
      'SELECT ended_at AS at FROM answers WHERE ended_at IS NOT NULL ORDER BY keep_until LIMIT 1',
    );
  }

  /** To be called before `takeSlot`. */
  findSlots(): void {
    this.#secrets.find();
  }

  /** For `begin`; to be given back where it is never called. */
  takeSlot(): number {
    return this.#secrets.take();
  }

  giveSlots(slots: readonly number[]): void {
    this.#secrets.give(slots);
  }

  begin(run: number, slot: number, intent: UsageIntent, { requestHash, keepMs }: AnswerToKeep): AnswerSeal {
    const { epoch, streamId, userId, action, model, startedAt } = intent;
    const secret = newSecret();
    const seal = this.#keys.of(intent, secret);
    const hash = seal.seal(PLACES.request, Buffer.from(requestHash));
    this.#secrets.put(slot, secret);
    this.#insert.run(run, epoch, streamId, userId, action, model, slot, hash, startedAt, startedAt + keepMs);
    return seal;
  }

  /** False where it is not there any more: somebody erased it. */
  append(run: number, { number, after, head, textLength, sealed }: NewPiece): boolean {
    if (this.#grow.run(head, textLength, run).changes === 0) return false;
    this.#insertPiece.run(run * PIECES_OF_RUN + number, after, sealed);
    return true;
  }

  /** False likewise. */
  end(run: number, ending: EndingFrame, at: number): boolean {
    return this.#end.run({ $run: run, $at: at, $ending: JSON.stringify(ending) }).changes > 0;
  }

  /** With what was last saved of it. Nothing where it is not kept. @param at Unix ms */
  interrupt(run: number, at: number): void {
    const row = this.row(run);
    if (row !== undefined) this.end(run, interruptedEnding(row.streamId, row.head), at);
  }

  row(run: number): AnswerRow | undefined {
    return this.#rowOf(this.#row.get(run));
  }

  /** @param now Unix ms */
  latest(userId: string, streamId: string, now: number): AnswerRow | undefined {
    return this.#rowOf(this.#latest.get(userId, streamId, now));
  }

  /** Newest first. */
  page(userId: string, before: KeptPosition | undefined, limit: number, now: number): AnswerRow[] {
    const { startedAt, epoch } = before ?? { startedAt: Number.MAX_SAFE_INTEGER, epoch: '' };
    return this.#rowsOf(
      this.#page.all({ $userId: userId, $startedAt: startedAt, $epoch: epoch, $limit: limit, $now: now }),
    );
  }

  /** Those that may go soonest first. */
  ended(limit: number, refused: boolean): AnswerRow[] {
    return this.#rowsOf(this.#ended.all(Number(refused), limit));
  }

  /** All deltas after that one; undefined where they cannot be opened any more. */
  deltas({ run, seal }: Pick<AnswerRow, 'run' | 'seal'>, from = 0): Deltas | undefined {
    const first = run * PIECES_OF_RUN;
    const parts: Deltas[] = [];
    for (const { after, sealed } of this.#pieces.all(first, first + PIECES_OF_RUN - 1, from)) {
      const plain = seal.open(PLACES.piece(Number(after)), sealed as Uint8Array);
      if (plain === undefined) return undefined;
      parts.push(decodePiece(plain));
    }
    return joinDeltas(parts);
  }

  /** Of a user, or of one stream of theirs. */
  runsOf(userId: string, streamId: string | undefined): number[] {
    return numbers(this.#runsOf.all({ $userId: userId, $streamId: streamId ?? null }));
  }

  runsByEpoch(epochs: readonly string[]): number[] {
    return numbers(this.#runsByEpoch.all(JSON.stringify(epochs)));
  }

  /** Ended ones whose time was over before `now`. */
  expired(now: number, limit: number): number[] {
    return numbers(this.#expired.all(now, limit));
  }

  /** Whose slots are to be given back once it is on disk. */
  delete(runs: readonly number[]): DeletedAnswers {
    const list = JSON.stringify(runs);
    const deleted = this.#of.all(list) as unknown as { slot: number; ended: number; refused: number }[];
    this.#eraseSecrets.run(list);
    for (const run of runs) {
      const first = run * PIECES_OF_RUN;
      this.#deletePieces.run(first, first + PIECES_OF_RUN - 1);
    }
    this.#delete.run(list);
    return {
      slots: deleted.map(({ slot }) => slot),
      ended: deleted.filter(({ ended }) => ended === 1).length,
      refused: deleted.filter(({ refused }) => refused === 1).length,
    };
  }

  /** Whether it was not before. */
  refuse(run: number, reason: string): boolean {
    return this.#refuse.run(reason, run).changes > 0;
  }

  /** Of ended ones: read once, and counted from then on. */
  counts(): { readonly ended: number; readonly refused: number } {
    const { ended, refused } = this.#counts.get() ?? {};
    return { ended: Number(ended), refused: Number(refused) };
  }

  /** When the one ended that may go soonest, Unix ms; null without one. */
  oldest(): number | null {
    const at = this.#oldest.get()?.['at'];
    return typeof at === 'number' ? at : null;
  }

  #rowsOf(rows: readonly Record<string, unknown>[]): AnswerRow[] {
    return rows.map((row) => this.#rowOf(row)).filter((row) => row !== undefined);
  }

  #rowOf(columns: Record<string, unknown> | undefined): AnswerRow | undefined {
    if (columns === undefined) return undefined;
    const { secret, requestHash, ending, ...rest } = columns as unknown as StoredColumns;
    const seal = this.#keys.of(rest, secret ?? NO_SECRET);
    const hash = seal.open(PLACES.request, requestHash);
    return {
      ...rest,
      seal,
      // A key that is gone: no start can be the same then.
      requestHash: hash?.toString() ?? '',
      ending: ending === null ? undefined : (JSON.parse(ending) as EndingFrame),
    };
  }
}

type StoredColumns = Omit<AnswerRow, 'seal' | 'requestHash' | 'ending'> & {
  readonly secret: Uint8Array | null;
  readonly requestHash: Uint8Array;
  readonly ending: string | null;
};

/** As readers have it: undefined where it cannot be opened. */
export function keptText(row: AnswerRow, deltas: Deltas | undefined): KeptText | undefined {
  return deltas && { ...keptAnswer(row), deltas: wireTexts(deltas) };
}

/** What this process writes is alive while it has no ending. */
export function keptAnswer({ run: _, slot: __, keepUntil: ___, seal: ____, ...answer }: AnswerRow) {
  return { ...answer, isDead: false };
}

function numbers(rows: readonly Record<string, SQLInputValue>[]): number[] {
  return rows.map(({ run }) => Number(run));
}
