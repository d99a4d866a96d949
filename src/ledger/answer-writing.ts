/**
 * What is written of one live answer: what its log has more than the disk, piece by piece, each 0.8 s. Owns the order of the
 * pieces, of which none may be missing, and holds the last few for who sends them on. Does not own when, or the transaction: that is
 * `ledger.ts`.
 */
import type { StoredAnswer } from '../answers/local-answers.ts';
import { encodePiece, joinDeltas, readDeltas } from '../answers/piece.ts';
import { type AnswerSeal, PLACES } from '../answers/seal.ts';
import type { EndingFrame } from '../protocol/frames.ts';
import type { AnswerTable, NewPiece } from './answer-table.ts';
import type { AnswerToKeep, UsageIntent } from './port.ts';

export interface AnswerWritingParts {
  /** Its number in the file. */
  readonly run: number;
  /** Of its secret. */
  readonly slot: number;
  readonly intent: UsageIntent;
  readonly answer: AnswerToKeep;
  readonly table: AnswerTable;
  /** Some of its text was gone before it was on disk: memory is short. It is not kept any more. */
  readonly onGap: () => void;
}

interface Ended {
  readonly endedAt: number;
  readonly ending: EndingFrame;
}

/** Held for who sends them on each second: where nobody does, or not in time, the disk has them. */
const MOST_HELD = 4;

export class AnswerWriting {
  readonly run: number;
  readonly slot: number;
  readonly epoch: string;
  readonly streamId: string;
  readonly userId: string;
  /** Seq of the last delta on disk. */
  head = 0;
  #textLength = 0;
  /** Of the last that is elsewhere as well; -1: nothing is known of it there. */
  #arrivedHead = -1;
  /** On disk, and not known to be elsewhere. */
  #held: NewPiece[] = [];
  readonly #parts: AnswerWritingParts;
  #seal: AnswerSeal | undefined;
  #pieces = 0;
  /** One is on its way to the disk: the next waits for it, so that a disk which refuses has one of each run to wait for. */
  #isUnderway = false;
  #isKept = true;
  /** Its row is on disk. */
  #isBegun = false;
  #ended: Ended | undefined;

  constructor(parts: AnswerWritingParts) {
    const { epoch, streamId, userId } = parts.intent;
    this.run = parts.run;
    this.slot = parts.slot;
    this.epoch = epoch;
    this.streamId = streamId;
    this.userId = userId;
    this.#parts = parts;
  }

  get arrivedHead(): number {
    return this.#arrivedHead;
  }

  get isKept(): boolean {
    return this.#isKept;
  }

  /** Writes its row, in a transaction. */
  begin(): void {
    const { table, run, slot, intent, answer } = this.#parts;
    if (this.#isKept) this.#seal = table.begin(run, slot, intent, answer);
  }

  begun(): void {
    this.#isBegun = true;
  }

  /** Nothing more of it is written. */
  stop(): void {
    this.#isKept = false;
  }

  /** What is new since the last one, where there is none under way. */
  next(): NewPiece | undefined {
    if (this.#isUnderway) return undefined;
    const piece = this.rest();
    this.#isUnderway = piece !== undefined;
    return piece;
  }

  /** What is new, also while one is under way: it comes after that. */
  rest(): NewPiece | undefined {
    const { answer, onGap } = this.#parts;
    const { head, textLength } = answer.position();
    const after = answer.cursor.seq;
    if (!this.#isKept || this.#seal === undefined || head === after) return undefined;
    const deltas = readDeltas(answer.cursor, head);
    if (deltas === 'gap') {
      onGap();
      return undefined;
    }
    const sealed = this.#seal.seal(PLACES.piece(after), encodePiece(deltas));
    return { number: this.#pieces++, after, head, textLength, deltas, sealed };
  }

  /** In a transaction. */
  write(piece: NewPiece): void {
    if (!this.#isKept || this.#parts.table.append(this.run, piece)) return;
    this.stop();
  }

  committed(piece: NewPiece): void {
    this.#isUnderway = false;
    this.head = piece.head;
    this.#textLength = piece.textLength;
    if (this.#held.length === MOST_HELD) this.#held = [];
    this.#held.push(piece);
  }

  /** All until that one is elsewhere as well. */
  arrived(head: number): void {
    this.#arrivedHead = head;
    this.#held = this.#held.filter(({ after }) => after >= head);
  }

  /** What is on disk and not elsewhere; undefined where it is to be read from there. */
  growth(): StoredAnswer | undefined {
    const after = Math.max(0, this.#arrivedHead);
    const isHeld = this.head === after || this.#held[0]?.after === after;
    if (!this.#isBegun || !isHeld) return undefined;
    const { intent, answer } = this.#parts;
    return {
      ...this.#identity(),
      ...{ head: this.head, textLength: this.#textLength, endedAt: null, ending: undefined, after },
      keepUntil: intent.startedAt + answer.keepMs,
      deltas: joinDeltas(this.#held.map(({ deltas }) => deltas)),
    };
  }

  /** All of it is on disk. @param endedAt Unix ms */
  settled(ending: EndingFrame, endedAt: number): void {
    this.#ended = { ending, endedAt };
    this.#held = [];
  }

  /** All of it, once it is settled; undefined where its log is not held any more. */
  whole(): StoredAnswer | undefined {
    const { answer } = this.#parts;
    const cursor = answer.again();
    if (this.#ended === undefined || cursor === undefined) return undefined;
    const { head, textLength } = answer.position();
    const deltas = readDeltas(cursor, head);
    if (deltas === 'gap') return undefined;
    const keepUntil = this.#ended.endedAt + answer.keepMs;
    return { ...this.#identity(), ...this.#ended, head, textLength, keepUntil, deltas, after: 0 };
  }

  #identity() {
    const { run, intent, answer } = this.#parts;
    const { epoch, streamId, userId, action, model, startedAt } = intent;
    return { run, epoch, streamId, userId, action, model, startedAt, requestHash: answer.requestHash };
  }
}
