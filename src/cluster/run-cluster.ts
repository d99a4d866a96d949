/**
 * The runs of many machines as the core asks for them: claims ids for those of this machine, and brings those of others
 * into the registry to be read here, for as long as somebody does. Only what is not on this machine comes this way.
 */
import type { ListedStream } from '../protocol/frames.ts';
import { RelayError } from '../protocol/relay-error.ts';
import type { Claim, ClaimedRun, Cluster, Forgotten, ToldOfStreams, UserLimits } from '../run/port.ts';
import { didNotBegin, resumeGap, tooManyStarts, tooManyStreams } from '../run/refusals.ts';
import type { RunRegistry } from '../run/registry.ts';
import type { RunView } from '../run/run-view.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';
import type { ListedName, ReplicaLoss, ReplicaPart, RunRecord, SharedRuns } from './port.ts';
import { RemoteRun, type RemoteRunEvents } from './remote-run.ts';
import { RunClaim } from './run-claim.ts';

const CANCEL_AGAIN_MS = 1000;
/** A start that finds its id claimed by a run which is then refused asks again so often. */
const CLAIM_ATTEMPTS = 3;

interface Opening {
  readonly record: RunRecord;
  isStale: boolean;
  run: Promise<RunView | ReplicaLoss>;
}

export class RunCluster implements Cluster, RemoteRunEvents {
  readonly #shared: SharedRuns;
  readonly #registry: RunRegistry;
  readonly #wheel: TimerWheel;
  /** By epoch. */
  readonly #opening = new Map<string, Opening>();

  readonly awaitsReaders: boolean;

  /** @param awaitsReaders whether runs may want to know who holds their ending */
  constructor(shared: SharedRuns, registry: RunRegistry, wheel: TimerWheel, awaitsReaders: boolean) {
    this.awaitsReaders = awaitsReaders;
    this.#shared = shared;
    this.#registry = registry;
    this.#wheel = wheel;
  }

  get elsewhere(): boolean {
    return this.#shared.elsewhere;
  }

  /** One that its own machine refuses meanwhile frees the id: then it is this machine's turn to judge the request. */
  async claim(
    run: ClaimedRun,
    limits: UserLimits,
  ): Promise<{ readonly claim: Claim } | { readonly run: RunView }> {
    const record = { ...run, owner: this.#shared.machine };
    for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt += 1) {
      const claimed = await this.#shared.claim(record, limits);
      if (claimed === 'too_many') throw tooManyStreams(limits.streams);
      if (claimed === 'claimed' || claimed === 'uncounted')
        return { claim: new RunClaim(record, claimed === 'claimed', this.#shared, this.#registry) };
      if ('retryAfterMs' in claimed) throw tooManyStarts(limits.startsPerMinute, claimed.retryAfterMs);
      const existing = this.#registry.find(run.userId, run.id) ?? (await this.#attachable(claimed));
      if (existing !== 'refused') return { run: existing };
    }
    throw didNotBegin();
  }

  async find(
    userId: string,
    { id, type }: { id: string; type: 'resume' | 'cancel' },
  ): Promise<RunView | undefined> {
    const isCancel = type === 'cancel';
    const record = await this.#asked(type, () =>
      // At once: what costs money must not wait for what is read.
      isCancel ? this.#shared.cancelHeld(userId, id) : this.#shared.find(userId, id),
    );
    if (record === undefined) return undefined;
    const here = this.#here(record);
    if (here !== undefined) return here;
    if (isCancel) return await this.#cancelled(record);
    const opened = await this.#asked(type, () => this.#opened(record));
    if (opened === 'refused') return undefined;
    if (opened === 'gap') throw resumeGap();
    return opened;
  }

  onForget(forget: (streams: Forgotten) => Promise<void>): void {
    this.#shared.onForget(forget);
  }

  forgetOpening(userId: string, id?: string): void {
    for (const [epoch, opening] of this.#opening) {
      const { record } = opening;
      if (record.userId !== userId || (id !== undefined && record.id !== id)) continue;
      opening.isStale = true;
      this.#opening.delete(epoch);
    }
  }

  forgetElsewhere(streams: Forgotten): Promise<void> {
    return this.#asked('forget', () => this.#shared.forgetElsewhere(streams));
  }

  async epochOf(userId: string, id: string): Promise<string | undefined> {
    const record = await this.#shared.find(userId, id).catch(() => undefined);
    return record?.epoch;
  }

  erase(userId: string, id?: string): Promise<void> {
    return this.#asked('forget', () => this.#shared.erase(userId, id));
  }

  listed(userId: string): Promise<readonly ListedStream[]> {
    return this.#asked('list', () => this.#shared.listed(userId));
  }

  watch(userId: string, told: (told: ToldOfStreams) => void): Promise<void> {
    return this.#shared.watch(userId, told);
  }

  unwatch(userId: string): void {
    this.#shared.unwatch(userId);
  }

  erased(userId: string, stream?: ListedName): Promise<void> {
    return this.#shared.erased(userId, stream);
  }

  cancel(run: RemoteRun): void {
    this.#shared.cancel(run.run).catch(() => {
      this.#wheel.after(CANCEL_AGAIN_MS, () => {
        if (run.ending === undefined) this.cancel(run);
      });
    });
  }

  lost(run: RemoteRun): void {
    this.#registry.drop(run);
  }

  endingRead(run: RemoteRun): void {
    this.#shared.endingRead(run.run);
  }

  /**
   * The run to attach to; `refused` where its owner refused it before it began, so that the id is free again.
   * @throws RelayError unavailable where the others cannot be asked, resume_gap where it cannot be read
   */
  async #attachable(record: RunRecord): Promise<RunView | 'refused'> {
    const opened = this.#here(record) ?? (await this.#asked('start', () => this.#opened(record)));
    if (opened === 'gap') throw resumeGap();
    return opened;
  }

  #here({ userId, id, epoch }: RunRecord): RunView | undefined {
    const here = this.#registry.find(userId, id);
    return here?.epoch === epoch ? here : undefined;
  }

  async #asked<T>(
    type: 'resume' | 'cancel' | 'start' | 'forget' | 'list',
    ask: () => Promise<T>,
  ): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      throw type === 'resume' ? resumeGap() : unreachable(cause);
    }
  }

  /** Of a run whose owner was asked to cancel it only the ending is followed, which may be none to be had (undefined). */
  async #cancelled(record: RunRecord): Promise<RunView | undefined> {
    const run = await this.#asked('cancel', () => this.#followed(record, 'ending'));
    if (typeof run === 'string') return undefined;
    run.cancelling();
    return run;
  }

  /** Once, however many ask at the same time. */
  #opened(record: RunRecord): Promise<RunView | ReplicaLoss> {
    const { epoch } = record;
    const underWay = this.#opening.get(epoch);
    if (underWay !== undefined) return underWay.run;
    const opening: Opening = { record, isStale: false, run: Promise.resolve('refused') };
    opening.run = this.#open(opening).finally(() => {
      if (this.#opening.get(epoch) === opening) this.#opening.delete(epoch);
    });
    this.#opening.set(epoch, opening);
    return opening.run;
  }

  async #open(opening: Opening): Promise<RunView | ReplicaLoss> {
    const { record } = opening;
    const run = await this.#followed(record, 'whole');
    if (typeof run === 'string') return run;
    const here = this.#registry.find(record.userId, record.id);
    if (here !== undefined || opening.isStale) {
      run.release();
      return here ?? 'refused'; // the id was taken here meanwhile, or it was erased
    }
    this.#registry.adopt(run);
    return run;
  }

  async #followed(record: RunRecord, part: ReplicaPart): Promise<RemoteRun | ReplicaLoss> {
    let run: RemoteRun | undefined;
    const replica = await this.#shared.follow(record, part, {
      nowAccepted: () => run?.nowAccepted(),
      grown: () => run?.grown(),
      meanwhile: () => run?.meanwhile(),
      lost: () => run?.lost(),
    });
    if (typeof replica === 'string') return replica;
    if (replica.loss !== undefined) return replica.loss;
    run = new RemoteRun(replica, this, this.#wheel);
    return run;
  }
}

function unreachable(cause: unknown): RelayError {
  return new RelayError('unavailable', 'the other servers cannot be asked now; try again', { cause });
}
