/** Usage port: one row per run, keyed by epoch, committed before the upstream call and settled exactly once. */
import type { ErrorCode } from '../protocol/codes.ts';
import type { EndingFrame } from '../protocol/frames.ts';
import type { UsageReading } from '../protocol/usage-reading.ts';
import type { LogCursor } from '../stream-log/port.ts';

export interface UsageIntent {
  readonly epoch: string;
  readonly streamId: string;
  readonly userId: string;
  readonly organizationId: string | null;
  readonly action: string;
  readonly model: string;
  /** Unix ms. */
  readonly startedAt: number;
  /** Whether an ending that nobody reads is to be told by an event. */
  readonly notify?: boolean | undefined;
}

/** What the answer came to, for whoever is told of it by an event. */
export interface SettledAnswer {
  readonly head: number;
  /** UTF-16 code units. */
  readonly textLength: number;
  readonly stopReason: string | null;
  /** Its beginning; null where events have none. */
  readonly text: string | null;
  /** Whether an ending that nobody reads is to be told. */
  readonly isAwaited: boolean;
}

/** What is written of a run beside its row: the answer, where it is to last. */
export interface AnswerToKeep {
  /** Of the start (`hashOfRequest`). */
  readonly requestHash: string;
  /** For how long after its ending, ms. */
  readonly keepMs: number;
  /** Of its log, from the beginning: read on with each save. Text only. */
  readonly cursor: LogCursor;
  /** Where its log is now, and how long all text is until there, UTF-16 units. */
  readonly position: () => { readonly head: number; readonly textLength: number };
  /** Its log once more from the beginning, as long as that is held. */
  readonly again: () => LogCursor | undefined;
}

export interface UsageSettlement {
  readonly epoch: string;
  readonly status: 'done' | 'cancelled' | 'error';
  readonly code: ErrorCode | null;
  readonly usage: UsageReading;
  readonly firstTokenMs: number | null;
  readonly totalMs: number;
  /** The upstream's request id. */
  readonly requestId: string | null;
  /** Unix ms. */
  readonly endedAt: number;
  /** Absent where nobody is told of runs by events. */
  readonly answer?: SettledAnswer | undefined;
  /** The ending as it will be told, by what the run did cost (US dollars, null without a price): it is kept with the row. */
  readonly ending: (costUsd: number | null) => EndingFrame;
}

export interface UsageLedger {
  /**
   * Commits the intent row; resolves when it is on disk. Until `settle`, `reading` is asked each 0.8 s and saved,
   * for neighbouring runs in one transaction; and so is what is new of `answer`.
   * @throws RelayError `unavailable` when the row cannot be written: the run must not start.
   */
  open(intent: UsageIntent, reading: () => UsageReading, answer?: AnswerToKeep): Promise<void>;
  /** Saves the reading at once, in the next batch: the model has begun. */
  touch(epoch: string): void;
  /**
   * Settles the row; resolves when it is on disk, and the rest of the answer and its ending with it, with the cost (US dollars, null without a price) and what
   * the API's prompt cache saved of it. A second call for the same epoch changes nothing and gives the first cost;
   * what was saved is not known any more then. Never throws for lack of a disk: it keeps the settlement
   * in memory, retries, and resolves; `degraded` tells.
   */
  settle(
    settlement: UsageSettlement,
  ): Promise<{ readonly costUsd: number | null; readonly cacheSavedUsd: number | null }>;
  /** Whether writes fail at this instant. */
  readonly degraded: boolean;
  /** Flushes everything and closes the store. */
  close(): Promise<void>;
}
