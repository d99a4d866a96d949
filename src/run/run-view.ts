/** What readers see of a run, whichever machine runs it. */
import type { Principal } from '../auth/port.ts';
import type { AbortReason, Caller, Observer, RunIdentity } from '../observability/port.ts';
import type { AcceptedFrame, ListedStream, ResumedFrame } from '../protocol/frames.ts';
import type { StreamLog } from '../stream-log/port.ts';
import type { Ending } from './ending.ts';
import { type Interlude, InterludePosition } from './interlude.ts';
import type { Readers } from './readers.ts';

export interface RunView {
  readonly id: string;
  readonly epoch: string;
  readonly userId: string;
  /** Who started it: while it has no ending, and where it runs. */
  readonly principal: Principal | undefined;
  readonly model: string;
  readonly requestHash: string;
  readonly log: StreamLog;
  /** What it does between two deltas, or did last. */
  readonly interlude: Interlude | undefined;
  /** What becomes of the run when its last reader leaves. */
  readonly onDisconnect: 'resume' | 'cancel';
  /** Whether somebody wants to know of each reader that holds its ending: then that is to be proved, and told. */
  readonly awaitsReader: boolean;
  /** Joining and leaving goes through the registry. */
  readonly readers: Readers;
  readonly accepted: boolean;
  readonly acceptedFrame: AcceptedFrame;
  readonly ending: Ending | undefined;
  /** Whether another machine runs it. */
  readonly isRemote: boolean;
  /** Whether the model has ended, and the ending waits for its row. */
  readonly isSettling: boolean;
  /** Whether it cannot be read on here, nor its ending be had. */
  readonly isLost: boolean;
  /** Waits until it is accepted, or will not be in time. Undefined where nothing is to be waited for. */
  begun(): Promise<void> | undefined;
  /**
   * Waits for the log to hold that seq, where a reader may hold more than is known here. Undefined where nothing is
   * to be waited for.
   */
  reach(seq: number): Promise<void> | undefined;
  /** The ending for a reader that holds more than is left of a run whose owner died; undefined in every other case. */
  endingBeyond(seq: number): Ending | undefined;
  /** Stops the run for that reason, unless something ended it before. */
  abort(reason: AbortReason): void;
  /** A reader here holds its ending, and has shown it. */
  endingRead(): void;
  /** Nobody reads it any more, here: gives the memory back. */
  release(): void;
  identity(): RunIdentity;
  /** As a list says it. Undefined where that is not for this machine to say: it does not run it. */
  listed(): ListedStream | undefined;
}

/** What a reader is answered that goes on after `after`. */
export function resumedFrame({ id, epoch, model, log, ending }: RunView, after: number): ResumedFrame {
  const state = ending === undefined ? 'live' : 'ended';
  return { type: 'resumed', id, epoch, after, head: Math.max(log.head, after), model, state };
}

interface Underway {
  readonly interlude: Interlude | undefined;
  readonly log: Pick<StreamLog, 'head'>;
  readonly ending: unknown;
}

/** For a reader that comes while the run thinks or waits for tools. */
export function currentInterlude({ interlude, log, ending }: Underway): InterludePosition | undefined {
  if (interlude === undefined || interlude.after < log.head || ending !== undefined) return undefined;
  return InterludePosition.fromNow(interlude);
}

/** Tells the observer that the run is read on. */
export function observeResumed(observer: Observer, run: RunView, after: number, caller: Caller): void {
  observer.resumed({ ...run.identity(), ...caller, after, head: run.log.head, isRemote: run.isRemote });
}
