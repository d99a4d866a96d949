/**
 * The kept answers of the ledger's file, for whoever reads them back, sends them on or erases them. Owns which of them are live
 * here, and that nothing is left after an erasure. Does not own the statements (`answer-table.ts`).
 */
import type { LocalAnswers, StoredAnswer } from '../answers/local-answers.ts';
import type { KeptAnswer, KeptAnswers, KeptText } from '../answers/port.ts';
import type { EndingFrame } from '../protocol/frames.ts';
import { type AnswerRow, type AnswerTable, keptAnswer, keptText, type NewPiece } from './answer-table.ts';
import { AnswerWriting } from './answer-writing.ts';
import type { AnswerToKeep, UsageIntent } from './port.ts';
import { committed, isOfTheStore, type Write } from './write-queue.ts';

export interface LedgerAnswersParts {
  readonly table: AnswerTable;
  /** Queues a write of the ledger's one writer. */
  readonly write: (write: Write) => void;
  /** Resolves once nothing is in the write-ahead log that was there before. @throws Error where a reader keeps it there */
  readonly emptyLog: () => Promise<void>;
  readonly events: AnswerEvents;
  /** Unix ms. */
  readonly now: () => number;
}

/** What the operator hears. No word of an answer. */
export interface AnswerEvents {
  /** One has its ending on disk. */
  readonly onKept: () => void;
  /** One is not kept any more: some of its text was gone before it was on disk, or no disk would take it. */
  readonly onLost: (event: { readonly epoch: string; readonly cause: unknown }) => void;
  /** One cannot be opened: its ANSWERS_KEY is not there any more, or it is damaged. */
  readonly onSealed: (event: { readonly epoch: string }) => void;
}

/** Answers a transaction deletes: about a millisecond. */
const AT_ONCE = 50;

/** Ended answers that are at hand for who sends them on each second: as many as end in one, and more. */
const MOST_AT_HAND = 500;

/** Of text that is read at once: a millisecond or two. */
const ENOUGH_BYTES = 512 * 1024;

function isEnough(found: readonly StoredAnswer[]): boolean {
  return found.reduce((bytes, { deltas }) => bytes + (deltas?.text.length ?? 0), 0) >= ENOUGH_BYTES;
}

const asItIs = (cause: unknown): unknown => cause;

export class LedgerAnswers implements LocalAnswers {
  readonly #parts: LedgerAnswersParts;
  readonly #live = new Map<string, AnswerWriting>();
  /** Of those that ended, by run: the latest, whose logs still have their text. */
  readonly #settled = new Map<number, AnswerWriting>();
  /** Whether anybody sends answers elsewhere. */
  #isSent = false;
  #ended: number;
  #refused: number;

  constructor(parts: LedgerAnswersParts) {
    this.#parts = parts;
    parts.table.findSlots();
    const { ended, refused } = parts.table.counts();
    this.#ended = ended;
    this.#refused = refused;
  }

  get length(): number {
    return this.#ended;
  }

  get refused(): number {
    return this.#refused;
  }

  oldest(): number | null {
    return this.#ended === 0 ? null : this.#parts.table.oldest();
  }

  /** An answer is about to be written. */
  add(run: number, intent: UsageIntent, answer: AnswerToKeep): AnswerWriting {
    const { table } = this.#parts;
    const writing = new AnswerWriting({
      run,
      slot: table.takeSlot(),
      intent,
      answer,
      table,
      onGap: () => this.#lost(writing, 'trimmed'),
    });
    this.#live.set(intent.epoch, writing);
    return writing;
  }

  /** With its intent, in that transaction. */
  begin(writing: AnswerWriting): void {
    this.#tryFor(writing, () => writing.begin());
  }

  /** In a transaction. */
  append(writing: AnswerWriting, piece: NewPiece): void {
    this.#tryFor(writing, () => writing.write(piece));
  }

  /** With its settlement, in that transaction. */
  end(writing: AnswerWriting, piece: NewPiece | undefined, ending: EndingFrame, at: number): void {
    this.#tryFor(writing, () => {
      if (piece !== undefined) writing.write(piece);
      if (writing.isKept && !this.#parts.table.end(writing.run, ending, at)) writing.stop();
    });
  }

  /** That transaction is on disk. */
  settled(writing: AnswerWriting, ending: EndingFrame, at: number): void {
    this.#live.delete(writing.epoch);
    if (!writing.isKept) return;
    writing.settled(ending, at);
    if (this.#isSent && this.#settled.size < MOST_AT_HAND) this.#settled.set(writing.run, writing);
    this.#ended += 1;
    this.#parts.events.onKept();
  }

  /** The run never was. */
  remove(writing: AnswerWriting): void {
    writing.stop();
    this.#live.delete(writing.epoch);
    this.#parts.table.giveSlots([writing.slot]);
  }

  find(userId: string, streamId: string): KeptText | undefined {
    const row = this.#parts.table.latest(userId, streamId, this.#parts.now());
    if (row === undefined) return undefined;
    const text = keptText(row, this.#parts.table.deltas(row));
    if (text === undefined) this.#parts.events.onSealed({ epoch: row.epoch });
    return text;
  }

  list(userId: string, { before, limit }: Parameters<KeptAnswers['list']>[1]): readonly KeptAnswer[] {
    return this.#parts.table.page(userId, before, limit, this.#parts.now()).map(keptAnswer);
  }

  async forget(userId: string, streamId?: string): Promise<void> {
    for (const writing of this.#live.values())
      if (writing.userId === userId && (streamId === undefined || writing.streamId === streamId))
        writing.stop();
    const { table, emptyLog } = this.#parts;
    // Found in the queue: what was to be written before this is there then.
    const found = () => table.runsOf(userId, streamId).slice(0, AT_ONCE);
    while ((await this.#delete(found, { isAwaited: true })) > 0);
    await emptyLog();
  }

  ended(limit: number, refused: boolean): readonly StoredAnswer[] {
    const found = refused || !this.#areAllAtHand ? [] : this.#atHand(limit);
    if (found.length > 0) return found;
    for (const row of this.#parts.table.ended(limit, refused)) {
      found.push(this.#settled.get(row.run)?.whole() ?? this.#stored(row, 0));
      if (isEnough(found)) break;
    }
    return found;
  }

  growing(limit: number): readonly StoredAnswer[] {
    this.#isSent = true;
    const found: StoredAnswer[] = [];
    let read = 0;
    for (const writing of this.#live.values()) {
      if (!writing.isKept || writing.head <= writing.arrivedHead) continue;
      const held = writing.growth();
      const growth = held ?? this.#read(writing);
      if (growth !== undefined) found.push(growth);
      if (held === undefined) read += 1;
      if (found.length === limit || read === AT_ONCE || isEnough(found)) break;
    }
    return found;
  }

  live(): readonly string[] {
    return [...this.#live.values()].filter(({ isKept }) => isKept).map(({ epoch }) => epoch);
  }

  async arrived(answers: readonly StoredAnswer[]): Promise<void> {
    for (const { epoch, endedAt, head } of answers)
      if (endedAt === null) this.#live.get(epoch)?.arrived(head);
    await this.#deleteAll(answers.filter(({ endedAt }) => endedAt !== null).map(({ run }) => run));
  }

  async drop(epochs: readonly string[]): Promise<void> {
    for (const epoch of epochs) this.#live.get(epoch)?.stop();
    await this.#deleteAll(this.#parts.table.runsByEpoch(epochs));
  }

  async refuse({ run, epoch, endedAt }: StoredAnswer, reason: string): Promise<boolean> {
    this.#settled.delete(run);
    this.#live.get(epoch)?.arrived(Number.MAX_SAFE_INTEGER); // again once it has ended
    if (endedAt === null) return true;
    const isNew = await committed(this.#parts.write, () => this.#parts.table.refuse(run, reason));
    if (isNew) this.#refused += 1;
    return isNew;
  }

  async purge(now: number): Promise<void> {
    const expired = () => this.#parts.table.expired(now, AT_ONCE);
    while ((await this.#delete(expired)) === AT_ONCE);
  }

  async #deleteAll(runs: readonly number[]): Promise<void> {
    for (let at = 0; at < runs.length; at += AT_ONCE) {
      const some = runs.slice(at, at + AT_ONCE);
      await this.#delete(() => some);
    }
  }

  /**
   * Deletes those that are found in the transaction. Resolves with how many it were, once that is on disk. Where somebody waits,
   * who is told at once that it is not possible now, `isAwaited`.
   */
  async #delete(found: () => readonly number[], { isAwaited } = { isAwaited: false }): Promise<number> {
    const { table, write } = this.#parts;
    const statements = () => {
      const runs = found();
      for (const run of runs) this.#settled.delete(run);
      return table.delete(runs);
    };
    const deleted = await committed(write, statements, isAwaited ? asItIs : undefined);
    table.giveSlots(deleted.slots);
    this.#ended -= deleted.ended;
    this.#refused -= deleted.refused;
    return deleted.slots.length;
  }

  /** Otherwise there are some that wait for longer, and go first. */
  get #areAllAtHand(): boolean {
    return this.#settled.size + this.#refused >= this.#ended;
  }

  /** Ended ones whose text need not be read from the disk. */
  #atHand(limit: number): StoredAnswer[] {
    const found: StoredAnswer[] = [];
    for (const [run, writing] of this.#settled) {
      const whole = writing.whole();
      if (whole === undefined) this.#settled.delete(run);
      else found.push(whole);
      if (found.length === limit || isEnough(found)) break;
    }
    return found;
  }

  /** What of a live one is on disk and not elsewhere; undefined where it is not written yet. */
  #read({ run, arrivedHead }: AnswerWriting): StoredAnswer | undefined {
    const row = this.#parts.table.row(run);
    return row?.endedAt === null ? this.#stored(row, Math.max(0, arrivedHead)) : undefined;
  }

  #stored(row: AnswerRow, after: number): StoredAnswer {
    const { seal: _, slot: __, ...answer } = row;
    const deltas = this.#parts.table.deltas(row, after);
    if (deltas === undefined) this.#parts.events.onSealed({ epoch: row.epoch });
    return { ...answer, after, deltas };
  }

  /** What no disk would take of an answer must not hold up its usage row, with which it is written. */
  #tryFor(writing: AnswerWriting, work: () => void): void {
    try {
      work();
    } catch (cause) {
      if (isOfTheStore(cause)) throw cause;
      this.#lost(writing, cause);
    }
  }

  #lost(writing: AnswerWriting, cause: unknown): void {
    writing.stop();
    this.#parts.events.onLost({ epoch: writing.epoch, cause });
    void this.#deleteAll([writing.run]);
  }
}
