/**
 * What is written of one live answer: what its log has more than the disk, piece by piece, each second. Owns the order of the
 * pieces, of which none may be missing. Does not own when, or the transaction: that is `ledger.ts`.
 */
import { encodePiece, readDeltas } from '../answers/piece.ts';
import { type AnswerSeal, PLACES } from '../answers/seal.ts';
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

export class AnswerWriting {
  readonly run: number;
  readonly slot: number;
  readonly epoch: string;
  readonly streamId: string;
  readonly userId: string;
  /** Seq of the last delta on disk. */
  head = 0;
  /** Of the last that is elsewhere as well; -1: nothing is known of it there. */
  arrivedHead = -1;
  readonly #parts: AnswerWritingParts;
  #seal: AnswerSeal | undefined;
  #pieces = 0;
  /** One is on its way to the disk: the next waits for it, so that a disk which refuses has one of each run to wait for. */
  #isUnderway = false;
  #isKept = true;

  constructor(parts: AnswerWritingParts) {
    const { epoch, streamId, userId } = parts.intent;
    this.run = parts.run;
    this.slot = parts.slot;
    this.epoch = epoch;
    this.streamId = streamId;
    this.userId = userId;
    this.#parts = parts;
  }

  get isKept(): boolean {
    return this.#isKept;
  }

  /** Writes its row, in a transaction. */
  begin(): void {
    const { table, run, slot, intent, answer } = this.#parts;
    if (this.#isKept) this.#seal = table.begin(run, slot, intent, answer);
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
    return { number: this.#pieces++, after, head, textLength, sealed };
  }

  /** In a transaction. */
  write(piece: NewPiece): void {
    if (!this.#isKept || this.#parts.table.append(this.run, piece)) return;
    this.stop();
  }

  committed(piece: NewPiece): void {
    this.#isUnderway = false;
    this.head = piece.head;
  }
}
