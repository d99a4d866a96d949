/** What the ledger's file offers of the answers in it. Owns the interface; the file is the ledger's. */
import type { EndingFrame } from '../protocol/frames.ts';
import type { Deltas } from './piece.ts';
import type { KeptAnswer, KeptAnswers, KeptText } from './port.ts';

/** An answer on its way to another store. */
export interface StoredAnswer
  extends Omit<KeptAnswer, 'isDead' | 'ending'>,
    Readonly<Record<'run' | 'keepUntil' | 'after', number>> {
  readonly ending: EndingFrame | undefined;
  /** Those that follow `after`; undefined where the key that sealed them is not there any more. */
  readonly deltas: Deltas | undefined;
}

export interface LocalAnswers {
  /** Of this file. @throws Error of the store */
  find(userId: string, streamId: string): KeptText | undefined;
  /** Likewise. */
  list(userId: string, page: Parameters<KeptAnswers['list']>[1]): readonly KeptAnswer[];
  /** As the port has it, of this file alone: resolves once no byte of them is in it, nor in its write-ahead log. */
  forget(userId: string, streamId?: string): Promise<void>;
  /**
   * Ended ones, whole, those that may go soonest first; or of those that were refused elsewhere. Fewer than `limit` where they
   * are long.
   */
  ended(limit: number, refused: boolean): readonly StoredAnswer[];
  /** Live ones that have grown since they last arrived elsewhere, or never did; with what is new of them. Likewise. */
  growing(limit: number): readonly StoredAnswer[];
  /** Epochs of all that are live. */
  live(): readonly string[];
  /** They are elsewhere: ended ones leave this file. Resolves when that is on disk. */
  arrived(answers: readonly StoredAnswer[]): Promise<void>;
  /** They are to be nowhere: somebody erased them meanwhile. Likewise. */
  drop(epochs: readonly string[]): Promise<void>;
  /** Sets one aside that the other store will not take; `reason` quotes nothing of it. Resolves with whether it was not before. */
  refuse(answer: StoredAnswer, reason: string): Promise<boolean>;
  /** Deletes ended ones whose time was over before `now` (Unix ms), a few at a time. */
  purge(now: number): Promise<void>;
  /** Ended ones, refused ones too. */
  readonly length: number;
  readonly refused: number;
  /** When the first of the ended ones ended, Unix ms; null without one. */
  oldest(): number | null;
}
