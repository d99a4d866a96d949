/**
 * What machines share, as the one place that holds it offers it: records of runs, their logs, leases of machines, and
 * a mailbox for each machine. Every operation is atomic by itself. A store keeps no time and decides nothing: who
 * writes when, and who is given up, is the business of its users.
 *
 * A log is fenced twice: its key is the epoch, which only its owner writes under, and its ending takes the highest
 * position there is, so that nothing can follow it.
 */
import type { ListedStream, StreamChange } from '../../protocol/frames.ts';
import type { Moment } from '../../run/interlude.ts';
import type { Forgotten, UserLimits } from '../../run/port.ts';

/** A run as other machines know it. */
export interface RunRecord {
  readonly userId: string;
  readonly id: string;
  readonly epoch: string;
  readonly requestHash: string;
  readonly action: string;
  readonly model: string;
  /** The machine that runs it. */
  readonly owner: string;
}

/**
 * What came of a claim. `uncounted`: claimed, but the counter of its user's starts cannot be believed. `too_many`: live
 * runs. With `retryAfterMs`: too many starts. A record: the id has that run.
 */
export type Claimed = 'claimed' | 'uncounted' | 'too_many' | { readonly retryAfterMs: number } | RunRecord;

/** Adjacent deltas of one run; `delta-batch.ts` knows what is inside. */
export interface StoredBatch {
  /** Number of its last delta. */
  readonly seq: number;
  readonly payload: string;
}

/** What one run adds to its log at once. */
export interface Addition {
  readonly record: RunRecord;
  /** It is the first, right after the claim, and makes the log. Otherwise one that is absent is not written. */
  readonly begins: boolean;
  /** Number of the last delta, of those added or before. */
  readonly seq: number;
  /** So many of the payloads' bytes are its deltas; 0: none. */
  readonly bytes: number;
  /** The ending frame as JSON: nothing follows it. */
  readonly ending: string | undefined;
  /** Machines that follow the run: they get the same as a message. */
  readonly followers: readonly string[];
  /** As the list of its user's streams has it from now on; who watches them is told. Absent: as before. */
  readonly listed?: ListedStream | undefined;
}

/** A stream in the list of its user's, and the machine that told it. */
export interface Listing {
  readonly owner: string;
  readonly stream: ListedStream;
}

/** What who watches a user's streams is told, and by which machine. `missed`: something may have been said that did not arrive. */
export type Told =
  | { readonly owner: string; readonly change: StreamChange | 'all_erased' }
  | { readonly change: 'missed' };

/** Names one stream of a list. */
export type ListedName = Pick<ListedStream, 'id' | 'epoch'>;

export interface StoredLog {
  /** Whether there is anything of it at all, be it only its beginning. */
  readonly exists: boolean;
  readonly batches: readonly StoredBatch[];
  /** As it is stored: not judged. */
  readonly ending: string | undefined;
}

/** What one reading of a log gives. */
export interface StoredPage extends StoredLog {
  /** There may be more after it. */
  readonly more: boolean;
}

/** A run thinks or waits for tools: no part of its log, and told to who follows it now. */
export interface InterludeMessage {
  readonly type: 'interlude';
  readonly epoch: string;
  /** The seq of the last delta before. */
  readonly after: number;
  readonly moment: Moment;
}

/** What one machine tells another. Lost where nobody listens. */
export type MachineMessage =
  | { readonly type: 'added'; readonly epoch: string; readonly addition: Omit<StoredLog, 'exists'> }
  | InterludeMessage
  | { readonly type: 'follow'; readonly epoch: string; readonly machine: string }
  | { readonly type: 'unfollow'; readonly epoch: string; readonly machine: string }
  | { readonly type: 'cancel'; readonly epoch: string }
  | { readonly type: 'read'; readonly epoch: string }
  | { readonly type: 'not_here'; readonly epoch: string }
  | ForgetMessage
  | { readonly type: 'forgotten'; readonly epoch: string }
  | { readonly type: 'not_forgotten'; readonly epoch: string };

/** To every machine: it forgets that, and says `forgotten`, or `not_forgotten` where something of it may still be there. */
export interface ForgetMessage extends Forgotten {
  readonly type: 'forget';
  /** Names the question, and nothing else. */
  readonly epoch: string;
  /** The one that asks. */
  readonly machine: string;
}

/** After which seq a log goes on; or that it has its ending, that its id is another run's, or that it was erased. */
export type Restored = number | 'closed' | 'taken' | 'forgotten';

/**
 * Every method but `listen`, `send` and `close` rejects where the store cannot be reached; nothing is tried again. What
 * is about one run rejects with `Malformed` where the store holds something of it that is none.
 */
export interface SharedStore {
  /** Names this process, not this computer: a restarted one has another name. */
  readonly machine: string;
  /**
   * @param onLost the connection was lost, be there another at once: what was written last may be lost too, since the
   * other one may lead to what was a replica
   */
  listen(receive: (message: MachineMessage) => void, onLost: () => void): void;
  /** Renews this machine's lease. Gives epochs to cancel that were asked for meanwhile. */
  beat(): Promise<readonly string[]>;
  /** Ends the lease of a machine that is known to have ended. */
  endLease(machine: string): Promise<void>;
  /** Which of these machines hold a lease. */
  alive(machines: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * Records the run, and counts its start, if its id is free and its user keeps within the limits; otherwise gives what
   * stands against it. An id is free as well where its holder died before it began.
   */
  claim(record: RunRecord, limits: UserLimits): Promise<Claimed>;
  /** Forgets a run that never began. */
  release(run: RunRecord): Promise<void>;
  find(userId: string, id: string): Promise<RunRecord | undefined>;
  /**
   * Makes sure of record and log. Gives the seq after which to go on, `closed` where the log has its ending, `forgotten` where it was erased, otherwise
   * `taken` where the id has become another run's, whose machine did not die before it began. A log that is absent, or ends before `base`, begins anew after `base`.
   * With `isEnding` nobody else can end the log from then on: its ending is told before it is there.
   */
  restore(run: RunRecord, base: number, isEnding: boolean): Promise<Restored>;
  /**
   * Adds to many logs at once. `payloads` are those of all additions, in their order, and stay as they are until the
   * answer. Gives the indexes of additions that were not written: their log is absent or closed, or, where it was to
   * begin, there, or the id has become another run's.
   */
  add(additions: readonly Addition[], payloads: Buffer): Promise<readonly number[]>;
  /** What the log holds from the first delta after `after` on, as far as one answer goes; from its beginning without. */
  read(epoch: string, after?: number): Promise<StoredPage>;
  /**
   * Ends a log for an owner without a lease, if its last delta is `head`: from then on its owner can add nothing. The log is
   * kept for as long as a run may take, so that an owner that lives after all finds that it was given up. Otherwise gives
   * that last delta where it comes before `head`, `moved` where there is more, or an ending, `ending` where its owner may have told one that is
   * not there yet, and `owned` where there is a lease.
   */
  end(run: RunRecord, head: number, ending: string): Promise<Ended>;
  /** Tells the owner to cancel, at once by message and at the latest by its next beat. */
  cancel(run: RunRecord): Promise<void>;
  /** The same for the run that has the id, which it gives; its owner is told before that this machine follows it. */
  cancelHeld(userId: string, id: string): Promise<RunRecord | undefined>;
  /**
   * Erases the record of the run that has the id, and its log: in its place stays, for as long as a run may take, that nothing
   * can be written there any more.
   */
  forget(userId: string, id: string): Promise<void>;
  /** The list of a user's streams: those whose logs are held. Entries that no machine writes are left out. */
  listed(userId: string): Promise<readonly Listing[]>;
  /** Takes a stream, or all, out of that list and tells who watches. */
  unlist(userId: string, stream?: ListedName): Promise<void>;
  /**
   * Hears of each change of that list, also of this machine's own, until `unwatch`. Rejects where it cannot hear now: it will as
   * soon as it can, and `missed` says so.
   */
  watch(userId: string, told: (told: Told) => void): Promise<void>;
  unwatch(userId: string): void;
  send(machine: string, message: MachineMessage): void;
  /** Sends it to every machine, also to this one. Gives how many hear it. */
  tellAll(message: ForgetMessage): Promise<number>;
  /** Who listens beside this machine. */
  neighbours(): Promise<Neighbours>;
  /** Gives up the lease. */
  close(): Promise<void>;
}

/** What came of ending a log for its owner: all but `ended` wrote nothing. */
export type Ended = 'ended' | 'owned' | 'moved' | 'ending' | 'absent' | number;

export interface Neighbours {
  /** Names of machines that store streams as this one does. */
  readonly machines: readonly string[];
  /** Formats of those that store them in another way. */
  readonly formats: readonly number[];
}

/** How long things are kept, ms. */
export interface StoreTimes {
  /** A machine's lease. */
  readonly leaseMs: number;
  /** A run that has not ended. */
  readonly liveMs: number;
  /** An ended run (RESUME_WINDOW_MS). */
  readonly endedMs: number;
}

/**
 * What the store holds of one run is not what a relay writes. Only that run is lost: the store, and every other run,
 * are as well as before. Holds nothing of what was read, which may be a user's words.
 */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}
