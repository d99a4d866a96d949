/**
 * Kept-answers port: answers that are there after their run has left memory, on any machine. Owns what is asked of them; who
 * writes them is the ledger, with the rows that it writes anyway. Never a word of a question.
 */
import type { EndingFrame } from '../protocol/frames.ts';
import type { WireText } from '../protocol/wire-text.ts';

/** What is known of one kept answer, without its text. */
export interface KeptAnswer {
  readonly epoch: string;
  readonly streamId: string;
  readonly userId: string;
  readonly action: string;
  /** The one that was asked. */
  readonly model: string;
  /** For a start that comes again (`hashOfRequest`). */
  readonly requestHash: string;
  /** Unix ms. */
  readonly startedAt: number;
  /** Unix ms; null: not ended, as far as is known here. */
  readonly endedAt: number | null;
  /** Deltas that are saved. */
  readonly head: number;
  /** UTF-16 code units of their text. */
  readonly textLength: number;
  /** As it was told; undefined while `endedAt` is null. */
  readonly ending: EndingFrame | undefined;
  /** It has no ending, and its machine has not been heard of for long enough (30 s): nobody goes on with it. */
  readonly isDead: boolean;
}

/** With its deltas as they were numbered. */
export interface KeptText extends KeptAnswer {
  /** The first has seq 1, and there are `head` of them. Text only: JSON inside of a string literal, as logs hold it. */
  readonly deltas: readonly WireText[];
}

/** A place in the list of a user's answers: the next page begins with what follows it. */
export interface KeptPosition {
  /** Unix ms. */
  readonly startedAt: number;
  readonly epoch: string;
}

export interface KeptAnswers {
  /**
   * The latest run of that id that is kept, of this user; undefined where there is none.
   * @throws RelayError `unavailable` where nobody can say
   */
  find(userId: string, streamId: string): Promise<KeptText | undefined>;
  /**
   * Those of a user without their text, newest first: by `startedAt`, then `epoch`, both descending. At most `limit`, which
   * follow `before`.
   * @throws RelayError `unavailable` likewise
   */
  list(
    userId: string,
    page: { readonly before?: KeptPosition; readonly limit: number },
  ): Promise<readonly KeptAnswer[]>;
  /**
   * Erases all runs of that id, or all of the user's, also what is being written, so that nothing of them arrives later.
   * Resolves once they are gone from this machine's file and from Postgres; what is not kept is gone.
   * @throws RelayError `unavailable` where it may still be there: to be asked again
   */
  forget(userId: string, streamId?: string): Promise<void>;
}

/** The order of a list: by their beginning, then by epoch. */
export function newestFirst(one: KeptPosition, other: KeptPosition): number {
  if (one.startedAt !== other.startedAt) return other.startedAt - one.startedAt;
  if (one.epoch === other.epoch) return 0;
  return one.epoch < other.epoch ? 1 : -1;
}
