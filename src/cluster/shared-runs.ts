/**
 * The streams of many machines over one store: publishes those of this machine, follows those of others, renews the
 * lease and notices whether the store can be reached. Nothing here stops for a store that is slow or away.
 */

import { randomBytes } from 'node:crypto';
import type { ListedStream } from '../protocol/frames.ts';
import { interrupted } from '../protocol/interrupted.ts';
import type { Forgotten, ToldOfStreams, UserLimits } from '../run/port.ts';
import type { StreamLogs } from '../stream-log/port.ts';
import type { Clock, Timer } from '../time/clock.ts';
import type {
  Claimed,
  ListedName,
  Publication,
  PublishedSource,
  Replica,
  ReplicaEvents,
  ReplicaLoss,
  ReplicaPart,
  RunRecord,
  SharedRuns,
} from './port.ts';
import { Publisher } from './publisher.ts';
import { Replicas } from './replicas.ts';
import type { ForgetMessage, Listing, MachineMessage, SharedStore } from './store/port.ts';
import { Malformed } from './store/port.ts';

/**
 * A machine's lease. It is renewed every half second, and its absence has to be confirmed: a dead owner is given up
 * after about five seconds.
 */
export const LEASE_MS = 4000;
const BEAT_MS = 500;
const TICK_MS = 50;
const CHECK_MS = 250;
/** Between two looks for other machines, and for relays of another format. */
const NEIGHBOURS_MS = 2000;
/** What a start waits for the others at most. */
const CLAIM_MS = 500;
/** What a process wrote before it ended has arrived at the store by then. */
const LAST_WORDS_MS = 200;
/** Until all machines have forgotten: one that died is noticed in six seconds, and with it that its runs have ended. */
const FORGET_MS = 15_000;
/** After the store was away machines get so long to renew their leases: as long as one. */
const GRACE_MS = LEASE_MS;
/** What closing waits for the store at most. */
const CLOSE_MS = 2000;

export interface StoreSharedRunsOptions {
  readonly store: SharedStore;
  readonly logs: StreamLogs;
  readonly clock: Clock;
  /** RESUME_WINDOW_MS. */
  readonly endedMs: number;
  readonly onDown: (cause: unknown) => void;
  readonly onUp: () => void;
  /** Something that is stored is not what a machine writes; the stream it is of is lost to other machines. */
  readonly onMalformed: (what: string, epoch?: string) => void;
  /** Formats of relays beside this one that store streams in another way: none can read the other's. */
  readonly onFormats: (formats: readonly number[]) => void;
  /** A reader on another machine holds the ending of that run of this one. */
  readonly onRead?: ((epoch: string) => void) | undefined;
  /** Of a process of WORKERS: whether that machine is another one of them, which ends when this one does. */
  readonly isSibling?: ((machine: string) => boolean) | undefined;
}

export class StoreSharedRuns implements SharedRuns {
  readonly #options: StoreSharedRunsOptions;
  readonly #publisher: Publisher;
  readonly #replicas: Replicas;
  readonly #timers: readonly Timer[];
  /** Of machines that ended just now. */
  readonly #ending = new Set<Timer>();
  #up = false;
  /** From when on a machine without a lease is taken for dead, elapsed ms. */
  #trustFrom = 0;
  /** Reasons that were told since it was up: each once, however often attempts fail. */
  readonly #downTold = new Set<unknown>();
  /** Those of relays beside this one that cannot read its streams. */
  #otherFormats: readonly number[] = [];
  /** Whether a client that leaves all of WORKERS has anywhere to go. */
  #hasOthers = false;
  /** Who watches, by user. */
  readonly #watches = new Map<string, (told: ToldOfStreams) => void>();
  /** What the store has to be told when it is back: otherwise these runs would count against their users' limit. */
  readonly #unreleased: RunRecord[] = [];
  #beating: Promise<void> | undefined;
  #onForget: (streams: Forgotten) => Promise<void> = async () => {};
  /** Of this machine's to all others, by name: how many said that they forgot, of how many that were told. */
  readonly #questions = new Map<string, { said: number; told: number; resolve(haveAll: boolean): void }>();
  /** Until when nobody can take this machine for dead, elapsed ms. */
  #leasedUntil = Number.NEGATIVE_INFINITY;

  constructor(options: StoreSharedRunsOptions) {
    const { store, clock } = options;
    this.#options = options;
    const parts = { ...options, isUp: () => this.#up, onFailed: (cause: unknown) => this.#failed(cause) };
    this.#publisher = new Publisher({
      ...parts,
      isLeased: () => this.#isLeased,
      renew: () => this.beat(),
      onUnpublished: (record) => this.release(record),
    });
    this.#replicas = new Replicas(parts);
    store.listen(
      (message) => this.#receive(message),
      () => this.#lost(),
    );
    this.#timers = [
      clock.every(BEAT_MS, () => void this.beat()),
      clock.every(TICK_MS, () => this.#publisher.tick()),
      clock.every(CHECK_MS, () => this.#replicas.check()),
      clock.every(NEIGHBOURS_MS, () => this.#readNeighbours()),
    ];
  }

  get machine(): string {
    return this.#options.store.machine;
  }

  get up(): boolean {
    return this.#up;
  }

  get elsewhere(): boolean {
    const hasOthers = this.#options.isSibling === undefined || this.#hasOthers;
    return this.#up && hasOthers && this.#otherFormats.length === 0;
  }

  /** Runs of this machine that are not wholly published, and runs of others that are followed. */
  get counts(): { readonly published: number; readonly followed: number } {
    return { published: this.#publisher.size, followed: this.#replicas.size };
  }

  /** Renews the lease; resolves when it is known whether the store can be reached. */
  beat(): Promise<void> {
    this.#beating ??= this.#beatOnce().finally(() => {
      this.#beating = undefined;
    });
    return this.#beating;
  }

  /** Another process of WORKERS has ended, as its parent saw: nobody need wait until its lease lapses. */
  ended(machine: string): void {
    const { store, clock } = this.#options;
    const giveUp = async (): Promise<void> => {
      if (!this.#up) return;
      await store.endLease(machine);
      this.#replicas.machineEnded(machine);
    };
    const timer = clock.after(LAST_WORDS_MS, () => {
      this.#ending.delete(timer);
      giveUp().catch((cause: unknown) => this.#failed(cause));
    });
    this.#ending.add(timer);
  }

  async claim(record: RunRecord, limits: UserLimits): Promise<Claimed> {
    this.#publisher.claimed(record.epoch);
    const asked = this.#up
      ? await this.#inTime(this.#options.store.claim(record, limits), CLAIM_MS)
      : undefined;
    if (asked === 'claimed' || asked === 'uncounted') this.#publisher.recorded(record.epoch);
    else if (asked !== undefined) this.#publisher.released(record.epoch);
    return asked ?? 'uncounted';
  }

  release(record: RunRecord): void {
    this.#publisher.released(record.epoch);
    if (!this.#up) {
      this.#unreleased.push(record);
      return;
    }
    this.#options.store.release(record).catch((cause: unknown) => {
      this.#unreleased.push(record);
      this.#failed(cause);
    });
  }

  publish(record: RunRecord, source: PublishedSource): Publication {
    return this.#publisher.publish(record, source);
  }

  find(userId: string, id: string): Promise<RunRecord | undefined> {
    return this.#asked((store) => this.#readable(store.find(userId, id)));
  }

  follow(record: RunRecord, part: ReplicaPart, events: ReplicaEvents): Promise<Replica | ReplicaLoss> {
    return this.#asked(() => this.#replicas.follow(record, part, events));
  }

  cancel(record: RunRecord): Promise<void> {
    return this.#asked((store) => store.cancel(record));
  }

  endingRead({ owner, epoch }: RunRecord): void {
    this.#options.store.send(owner, { type: 'read', epoch });
  }

  cancelHeld(userId: string, id: string): Promise<RunRecord | undefined> {
    return this.#asked((store) => this.#readable(store.cancelHeld(userId, id)));
  }

  onForget(forget: (streams: Forgotten) => Promise<void>): void {
    this.#onForget = forget;
  }

  async forgetElsewhere(streams: Forgotten): Promise<void> {
    const epoch = randomBytes(12).toString('base64url');
    const { promise: over, resolve } = Promise.withResolvers<boolean>();
    const question = { said: 0, told: Number.POSITIVE_INFINITY, resolve };
    this.#questions.set(epoch, question);
    try {
      const message = { ...streams, type: 'forget', epoch, machine: this.machine } as const;
      question.told = await this.#asked((store) => store.tellAll(message));
      if (question.said >= question.told) return;
      const isOver = await this.#inTime(
        over.then(() => true),
        FORGET_MS,
      );
      if (isOver !== true) throw new Error('not all machines have said that they forgot');
    } finally {
      this.#questions.delete(epoch);
    }
  }

  async erase(userId: string, id?: string): Promise<void> {
    const listed = id === undefined ? await this.#asked((store) => store.listed(userId)) : [];
    const ids = new Set(id === undefined ? listed.map(({ stream }) => stream.id) : [id]);
    for (const each of ids) {
      await this.#publisher.finish(userId, each);
      await this.#asked((store) => store.forget(userId, each));
    }
  }

  async listed(userId: string): Promise<readonly ListedStream[]> {
    const told = await this.#asked((store) => store.listed(userId));
    const owners = new Set(told.filter(({ stream }) => stream.state === 'live').map(({ owner }) => owner));
    owners.delete(this.machine);
    if (owners.size === 0) return told.map(({ stream }) => stream);
    const alive = await this.#asked((store) => store.alive([...owners]));
    const canTell = this.#options.clock.elapsed() >= this.#trustFrom;
    return told.map((each) =>
      canTell && isOfDead(each, owners, alive) ? givenUp(each.stream) : each.stream,
    );
  }

  watch(userId: string, told: (told: ToldOfStreams) => void): Promise<void> {
    this.#watches.set(userId, told);
    return this.#options.store.watch(userId, (message) => {
      // While nobody can be asked, that is said once somebody can.
      if (message.change === 'missed') {
        if (this.#up) told('missed');
      } else if (message.owner !== this.machine) told(message.change); // its own are told without a way round
    });
  }

  unwatch(userId: string): void {
    this.#watches.delete(userId);
    this.#options.store.unwatch(userId);
  }

  erased(userId: string, stream?: ListedName): Promise<void> {
    return this.#asked((store) => store.unlist(userId, stream));
  }

  async close(): Promise<void> {
    for (const timer of [...this.#timers, ...this.#ending]) timer.cancel();
    await this.#inTime(this.#publisher.close(), CLOSE_MS);
    this.#up = false;
    await this.#options.store.close();
  }

  /** Undefined where the record is malformed. */
  async #readable(record: Promise<RunRecord | undefined>): Promise<RunRecord | undefined> {
    try {
      return await record;
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.#options.onMalformed(error.message);
      return undefined;
    }
  }

  get #isLeased(): boolean {
    return this.#options.clock.elapsed() < this.#leasedUntil;
  }

  async #beatOnce(): Promise<void> {
    const { clock, store } = this.#options;
    const askedAt = clock.elapsed();
    try {
      const cancels = await store.beat();
      const wasLeased = this.#isLeased;
      this.#leasedUntil = askedAt + LEASE_MS;
      for (const epoch of cancels) this.#publisher.cancel(epoch);
      if (!this.#up) this.#recovered();
      else if (!wasLeased) this.#publisher.recheck(); // late: others may have ended runs of this machine
    } catch (cause) {
      this.#failed(cause);
    }
  }

  /** Also where no command fails, since another connection is there at once. */
  #lost(): void {
    this.#replicas.recheck();
    this.#publisher.recheck();
  }

  #recovered(): void {
    this.#up = true;
    this.#trustFrom = this.#options.clock.elapsed() + GRACE_MS;
    this.#downTold.clear();
    this.#lost();
    void this.#publisher.flush();
    for (const record of this.#unreleased.splice(0)) this.release(record);
    this.#readNeighbours();
    for (const told of this.#watches.values()) told('missed');
    this.#options.onUp();
  }

  #readNeighbours(): void {
    if (!this.#up) return;
    this.#options.store.neighbours().then(
      ({ machines, formats }) => {
        this.#hasOthers = machines.some((machine) => this.#options.isSibling?.(machine) === false);
        const isNews = formats.toSorted().join() !== this.#otherFormats.join();
        this.#otherFormats = formats.toSorted();
        if (isNews) this.#options.onFormats(this.#otherFormats);
      },
      () => {}, // whether the store is away is the beat's to say
    );
  }

  #failed(cause: unknown): void {
    this.#up = false;
    const { code: reason } = Object(cause) as { readonly code?: unknown };
    if (this.#downTold.has(reason)) return;
    this.#downTold.add(reason);
    this.#options.onDown(cause);
  }

  async #asked<T>(ask: (store: SharedStore) => Promise<T>): Promise<T> {
    if (!this.#up) throw new Error('the other machines cannot be asked now');
    try {
      return await ask(this.#options.store);
    } catch (cause) {
      this.#failed(cause);
      throw cause;
    }
  }

  /** Undefined where it takes longer, or fails. */
  async #inTime<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const timer = this.#options.clock.after(ms, () => resolve(undefined));
    const failed = (cause: unknown): undefined => {
      this.#failed(cause);
      return undefined;
    };
    const result = await Promise.race([work.catch(failed), late]);
    timer.cancel();
    return result;
  }

  #receive(message: MachineMessage): void {
    const { epoch } = message;
    if (message.type === 'added') this.#replicas.added(message);
    else if (message.type === 'interlude') this.#replicas.interlude(message);
    else if (message.type === 'cancel') this.#publisher.cancel(epoch);
    else if (message.type === 'read') this.#options.onRead?.(epoch);
    else if (message.type === 'not_here') this.#replicas.notHere(epoch);
    else if (message.type === 'forget') this.#forget(message);
    else if (message.type === 'forgotten') this.#forgotten(epoch);
    else if (message.type === 'not_forgotten') this.#questions.get(epoch)?.resolve(false);
    else if (message.type === 'unfollow') this.#publisher.unfollow(epoch, message.machine);
    else if (!this.#publisher.follow(epoch, message.machine)) {
      this.#options.store.send(message.machine, { type: 'not_here', epoch });
    }
  }

  #forget({ epoch, machine, ...streams }: ForgetMessage): void {
    const say = (type: 'forgotten' | 'not_forgotten') => this.#options.store.send(machine, { type, epoch });
    this.#onForget(streams).then(
      () => say('forgotten'),
      () => say('not_forgotten'), // its own log, if any, says why
    );
  }

  #forgotten(epoch: string): void {
    const question = this.#questions.get(epoch);
    if (question === undefined) return;
    question.said += 1;
    if (question.said >= question.told) question.resolve(true);
  }
}

/** Nobody goes on with it: whoever resumes it is told that it was interrupted. */
function isOfDead(
  { owner, stream }: Listing,
  asked: ReadonlySet<string>,
  alive: ReadonlySet<string>,
): boolean {
  return stream.state === 'live' && asked.has(owner) && !alive.has(owner);
}

function givenUp(stream: ListedStream): ListedStream {
  return { ...stream, state: 'ended', ending: 'error', code: interrupted().code };
}
