/** What readers and doors see of a stream, whichever machine runs it. */

import type { AbortReason, RunIdentity } from '../observability/port.ts';
import type { AcceptedFrame } from '../protocol/frames.ts';
import type { StreamLog } from '../stream-log/port.ts';
import type { Readers } from './readers.ts';
import type { Ending } from './run.ts';

export interface RunView {
  readonly id: string;
  readonly epoch: string;
  readonly userId: string;
  readonly model: string;
  readonly requestHash: string;
  readonly log: StreamLog;
  /** What becomes of the run when its last reader leaves. */
  readonly onDisconnect: 'resume' | 'cancel';
  /** Joining and leaving goes through the registry. */
  readonly readers: Readers;
  readonly accepted: boolean;
  readonly acceptedFrame: AcceptedFrame;
  readonly ending: Ending | undefined;
  /** Whether it cannot be read on here, nor its ending be had. */
  readonly isLost: boolean;
  /**
   * Waits for the log to hold that seq, where a reader may hold more than is known here. Undefined where nothing is
   * to be waited for.
   */
  reach(seq: number): Promise<void> | undefined;
  /** The ending for a reader that holds more than is left of a run whose owner died; undefined in every other case. */
  endingBeyond(seq: number): Ending | undefined;
  /** Stops the run for that reason, unless something ended it before. */
  abort(reason: AbortReason): void;
  /** Nobody reads it any more, here: gives the memory back. */
  release(): void;
  identity(): RunIdentity;
}
