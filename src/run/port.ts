/** What starts ask of others: how often a user may start, and, where there are more machines than this one, theirs. */
import type { ListedStream, StreamChange } from '../protocol/frames.ts';
import type { WireText } from '../protocol/wire-text.ts';
import type { RunView } from './run-view.ts';

/** What a plan lets one user do, by all transports together. */
export interface UserLimits {
  /** Live runs at once. */
  readonly streams: number;
  readonly startsPerMinute: number;
}

export interface StartLimit {
  /** Counts one start on this machine. Gives in how many ms there may be one again, where it is one too many. */
  take(userId: string, startsPerMinute: number): Promise<number | undefined>;
}

/** What other machines are told of a run that is about to begin here. */
export interface ClaimedRun {
  readonly userId: string;
  readonly id: string;
  readonly epoch: string;
  readonly requestHash: string;
  readonly action: string;
  readonly model: string;
}

/** An id that is this machine's now. */
export interface Claim {
  /** The start is counted on all machines together; otherwise this one has to count it by itself. */
  readonly isCounted: boolean;
  /** The run is accepted: other machines can read it from now on. */
  publish(run: RunView): void;
  /**
   * To be asked before the run has its ending: resolves once it is known whether other machines have ended it, which aborts
   * it as `given_up`. Undefined where there is nothing to wait for.
   */
  confirmed(): Promise<void> | undefined;
  /** The run has its ending, which is published at once. */
  ended(): void;
  /** The run never began: the id is free again. */
  release(): void;
}

/** What other machines say of a user's streams. `missed`: something may have been said that did not arrive. */
export type ToldOfStreams = StreamChange | 'all_erased' | 'missed';

/** What a machine is to forget. */
export interface Forgotten {
  readonly userId: string;
  /** Absent: all of the user's. */
  readonly id?: string | undefined;
  /** `memory`: what is kept is gone already. */
  readonly of: 'all' | 'memory';
}

/** The runs of all machines together. Nobody who reads a run of this machine ever waits for it. */
export interface Cluster {
  /** Whether a client that leaves for any other machine finds its streams there. */
  readonly elsewhere: boolean;
  /**
   * Makes the id this machine's and counts the start, or gives the run that has the id already. Where the others cannot
   * be asked in time the id counts as claimed: no start waits for them.
   * @param limits of the user, on all machines together
   * @throws RelayError too_many_streams, rate_limited, resume_gap, unavailable
   */
  claim(run: ClaimedRun, limits: UserLimits): Promise<{ readonly claim: Claim } | { readonly run: RunView }>;
  /**
   * The run that a frame is about, on any machine.
   * @throws RelayError where the others cannot be asked: resume_gap to a resume, otherwise unavailable
   */
  find(
    userId: string,
    asked: { readonly id: string; readonly type: 'resume' | 'cancel' },
  ): Promise<RunView | undefined>;
  /** Who forgets what this machine has, where others ask for it. */
  onForget(forget: (streams: Forgotten) => Promise<void>): void;
  /** Runs of others that are being brought here do not come any more. */
  forgetOpening(userId: string, id?: string): void;
  /**
   * Has all other machines forget; resolves once each has said that it did.
   * @throws RelayError unavailable where one of them may still have it
   */
  forgetElsewhere(streams: Forgotten): Promise<void>;
  /** Of the run that has the id, on any machine; undefined also where the others cannot be asked. */
  epochOf(userId: string, id: string): Promise<string | undefined>;
  /** Erases it from what the machines share. @throws RelayError unavailable likewise */
  erase(userId: string, id?: string): Promise<void>;
  /** Streams of a user on all machines, as they were told. Rejects where the others cannot be asked. */
  listed(userId: string): Promise<readonly ListedStream[]>;
  /** Tells what other machines say of a user's streams, until `unwatch`. Resolves once they are heard; rejects where that may be later. */
  watch(userId: string, told: (told: ToldOfStreams) => void): Promise<void>;
  unwatch(userId: string): void;
  /** A stream of the user's was erased here, or all. Rejects where the others cannot be told. */
  erased(userId: string, stream?: Pick<ListedStream, 'id' | 'epoch'>): Promise<void>;
}

/** A connection that is told which streams its user has. */
export interface StreamWatcher {
  /** One frame: `streams` or `stream`. */
  sendWire(frame: WireText): void;
}

/** Who watches the streams of which user. */
export interface StreamWatch {
  /** Sends the list, and from then on each change. Asked again, it sends the list anew. */
  watch(userId: string, watcher: StreamWatcher): void;
  /** Nothing is sent any more. */
  unwatch(userId: string, watcher: StreamWatcher): void;
}
