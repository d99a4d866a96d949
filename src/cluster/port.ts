/**
 * Port of what machines share about their streams. The owner of a run publishes its log; other machines follow it by
 * a replica. Nothing here is ever waited for by a reader on the owner's machine.
 */
import type { EndingFrame, ListedStream } from '../protocol/frames.ts';
import type { Interlude } from '../run/interlude.ts';
import type { Forgotten, ToldOfStreams, UserLimits } from '../run/port.ts';
import type { StreamLog } from '../stream-log/port.ts';
import type { Claimed, ListedName, RunRecord } from './store/port.ts';

export type { Claimed, ListedName, RunRecord } from './store/port.ts';

/** The owner's side of a run, as its publication sees it. */
export interface PublishedSource {
  readonly log: Pick<StreamLog, 'head' | 'first' | 'heldBytes' | 'cursor'>;
  /** The ending frame as JSON, once there is one. */
  readonly ending: string | undefined;
  /** What it does between two deltas, or did last. */
  readonly interlude: Interlude | undefined;
  /** As a list has it now. */
  readonly listed: ListedStream | undefined;
  /** Readers on other machines follow the run from now on, or no longer. */
  followed(isFollowed: boolean): void;
  /** Somebody on another machine cancelled it. */
  cancelled(): void;
  /** Other machines gave the owner up and told their readers that it is interrupted, or may have done so. */
  givenUp(): void;
  /** It was erased. */
  forgotten(): void;
}

export interface Publication {
  /** There is more in the log, or the ending. Called often: it only marks. */
  wake(): void;
  /** Its run thinks or waits for tools, or there is more of that. */
  meanwhile(): void;
  /**
   * To be asked before the run ends, since others may have ended it: resolves once the store has said, and its source was
   * told. Undefined where nobody can have. What is followed nowhere else never waits for a store that is away.
   */
  confirmed(): Promise<void> | undefined;
}

/** A copy of a run of another machine, kept up to date. */
export interface Replica {
  readonly record: RunRecord;
  readonly log: StreamLog;
  /** Whether its owner accepted it. */
  readonly accepted: boolean;
  readonly ending: EndingFrame | undefined;
  /** What its run does between two deltas, or did last. */
  readonly interlude: Interlude | undefined;
  /** Why it cannot go on, once it cannot: that may be before whoever follows it could be told. */
  readonly loss: ReplicaLoss | undefined;
  /** Stops following. Idempotent. */
  release(): void;
}

/** `ending`: nothing of the log, for who waits for nothing else. */
export type ReplicaPart = 'whole' | 'ending';

/**
 * Why a replica cannot go on, although the others can be asked: its owner refused the run before it began, or deltas
 * are lost or not readable.
 */
export type ReplicaLoss = 'refused' | 'gap';

/** Told in the order in which it happens. */
export interface ReplicaEvents {
  /** Its owner accepted it. */
  nowAccepted(): void;
  /** There is more in the log, or the ending. */
  grown(): void;
  /** Its run thinks or waits for tools, or there is more of that. */
  meanwhile(): void;
  /** It cannot go on; the replica is released. */
  lost(): void;
}

export interface SharedRuns {
  /** Names this process towards the others. */
  readonly machine: string;
  /** Whether the others can be reached now. */
  readonly up: boolean;
  /** Whether a client that leaves for any other machine finds its streams there. */
  readonly elsewhere: boolean;
  /**
   * Makes the run this machine's own and counts its start; gives the run that has the id already. Where the others
   * cannot be asked in time the run counts as claimed, and `uncounted`: no start waits for them.
   */
  claim(record: RunRecord, limits: UserLimits): Promise<Claimed>;
  /** A claimed run that never began. */
  release(run: RunRecord): void;
  /** Publishes an accepted run until its ending is with the others. */
  publish(run: RunRecord, source: PublishedSource): Publication;
  /** The run of that id on any machine, if its record can be read. Rejects where the others cannot be asked. */
  find(userId: string, id: string): Promise<RunRecord | undefined>;
  /**
   * Resolves when the replica holds what is published now, or with why there is none. Rejects likewise. `ending` is for
   * a run that `cancelHeld` gave.
   */
  follow(run: RunRecord, part: ReplicaPart, events: ReplicaEvents): Promise<Replica | ReplicaLoss>;
  /** Rejects likewise. */
  cancel(run: RunRecord): Promise<void>;
  /** Cancels the run of that id on any machine and gives it, as `find` does; its ending will be told here. */
  cancelHeld(userId: string, id: string): Promise<RunRecord | undefined>;
  /** Tells the owner that a reader here holds the ending. Lost where the others cannot be reached. */
  endingRead(run: RunRecord): void;
  /** What this machine does where others ask it to forget. */
  onForget(forget: (streams: Forgotten) => Promise<void>): void;
  /** Asks every machine to, also this one. Rejects where one has not said in time that it did, and as `find` does. */
  forgetElsewhere(streams: Forgotten): Promise<void>;
  /** Erases what is shared of the user's stream of that id, or of each that is known. Rejects likewise. */
  erase(userId: string, id?: string): Promise<void>;
  /** Streams of a user that machines have told of, this one among them. Rejects likewise. */
  listed(userId: string): Promise<readonly ListedStream[]>;
  /** Tells what other machines say of a user's streams, until `unwatch`. Resolves once they are heard; rejects where that may be later. */
  watch(userId: string, told: (told: ToldOfStreams) => void): Promise<void>;
  unwatch(userId: string): void;
  /** Tells other machines that a stream, or all of a user's, was erased here. Rejects likewise. */
  erased(userId: string, stream?: ListedName): Promise<void>;
  /** Publishes what is left, for two seconds at most, and gives up this machine's lease. */
  close(): Promise<void>;
}
