/**
 * The core in one place: builds it, keeps the connections, and drains. All transports talk to this.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { KeptAnswers } from '../answers/port.ts';
import type { Authenticator, Principal } from '../auth/port.ts';
import type { SharedRuns } from '../cluster/port.ts';
import { RunCluster } from '../cluster/run-cluster.ts';
import { Connection, type ConnectionParts } from '../connection/connection.ts';
import type { Connect } from '../connection/port.ts';
import { FlushScheduler } from '../connection/send-queue.ts';
import type { UsageLedger } from '../ledger/port.ts';
import type { Caller, MemoryPressure, Observer, Overload, Tracer } from '../observability/port.ts';
import type { ConfigFrame, EndingFrame, HelloFrame, ResumedFrame, StreamPage } from '../protocol/frames.ts';
import { RelayError } from '../protocol/relay-error.ts';
import type { Quota } from '../quota/port.ts';
import { Forgetting } from '../run/forgetting.ts';
import { KeptRuns } from '../run/kept-runs.ts';
import type { Cluster, StartLimit, UserLimits } from '../run/port.ts';
import { EndingWaiter } from '../run/readers.ts';
import { resumeGap, unknownStream } from '../run/refusals.ts';
import { RunRegistry } from '../run/registry.ts';
import type { RequestPolicy } from '../run/request.ts';
import { RunFinder } from '../run/run-finder.ts';
import { observeResumed, type RunView, resumedFrame } from '../run/run-view.ts';
import { RunStarter, type StartCommand } from '../run/starter.ts';
import { UndecidedStarts } from '../run/undecided-starts.ts';
import type { StreamLogs } from '../stream-log/port.ts';
import type { Clock } from '../time/clock.ts';
import { TimerWheel } from '../time/timer-wheel.ts';
import type { RunUploads } from '../uploads/port.ts';
import type { Upstream } from '../upstream/port.ts';
import type { RunEvents } from '../webhooks/port.ts';
import { type PageQuery, StreamList, type StreamReference } from './stream-list.ts';
import { StreamWatchers } from './stream-watchers.ts';
import { Subscription, type SubscriptionParts, type SubscriptionSink } from './subscription.ts';

export interface RelayOptions {
  readonly version: string;
  readonly authenticator: Authenticator;
  readonly upstream: Upstream;
  readonly logs: StreamLogs;
  /** Absent where this is the only machine. */
  readonly shared?: SharedRuns | undefined;
  readonly ledger: UsageLedger;
  readonly quota: Quota;
  readonly startLimit: StartLimit;
  readonly observer: Observer;
  readonly tracer?: Tracer | undefined;
  /** Absent where none are taken. */
  readonly uploads?: RunUploads | undefined;
  /** Absent where the operator has no webhook. */
  readonly events?: RunEvents | undefined;
  /** Absent where none are kept. */
  readonly answers?: KeptAnswers | undefined;
  readonly clock: Clock;
  /** At this moment: a run keeps what it began with. */
  readonly policy: () => RequestPolicy;
  readonly showCost: boolean;
  /** Estimated tokens above which prompts are counted; 0: none are. */
  readonly countTokensAbove: number;
  readonly heartbeatMs: number;
  readonly resumeWindowMs: number;
  readonly abandonAfterMs: number;
  readonly limitsOf: (principal: Principal) => UserLimits;
  /** Whether the token of a principal is revoked, at this moment. */
  readonly isRevoked: (principal: Principal) => boolean;
  /** The operator's kill switch, at this moment. */
  readonly isEnabled: () => boolean;
  readonly limits: HelloFrame['limits'];
}

/** How long clients may take to answer the closing, ms. */
const CLOSE_WITHIN_MS = 1000;
/** Connections that one turn of the event loop tells of a change: about 1 ms. */
const TOLD_PER_TURN = 100;

/** Who has no more than that to take or to acknowledge keeps up, also with sixteen streams: to close it would free nothing. */
const KEEPS_UP_BYTES = 48 * 1024;

/** A place in one user's stream. */
export interface Position {
  readonly userId: string;
  readonly id: string;
  readonly epoch: string | undefined;
  readonly after: number;
  readonly caller: Caller;
}

export class Relay {
  readonly registry: RunRegistry;
  /** Who watches which streams. */
  readonly watchers: StreamWatchers;
  readonly #streamList: StreamList;
  readonly #starter: RunStarter;
  readonly #wheel: TimerWheel;
  readonly #clock: Clock;
  readonly #cluster: Cluster | undefined;
  readonly #finder: RunFinder;
  readonly #forgetting: Forgetting;
  readonly #connectionParts: ConnectionParts;
  readonly #connections = new Set<Connection>();
  readonly #subscriptionParts: SubscriptionParts;
  readonly #subscriptions = new Set<Subscription>();
  readonly #logs: StreamLogs;
  #drained: Promise<void> | undefined;
  #hasten: (() => void) | undefined;
  #onLastGone: (() => void) | undefined;
  /** What connections are told of at last. */
  #configOf: ((userId: string) => Omit<ConfigFrame, 'type'>) | undefined;

  constructor(options: RelayOptions) {
    const { clock, observer, authenticator, shared, answers } = options;
    this.#clock = clock;
    this.#logs = options.logs;
    this.#wheel = new TimerWheel(clock);
    this.registry = new RunRegistry(this.#wheel, options);
    const cluster =
      shared && new RunCluster(shared, this.registry, this.#wheel, options.events !== undefined);
    const kept = answers && new KeptRuns(answers, this.registry, this.#wheel, options.events);
    this.#cluster = cluster;
    const [registry, wheel] = [this.registry, this.#wheel];
    const list = new StreamList({ registry, cluster, answers });
    this.#streamList = list;
    this.watchers = new StreamWatchers({ registry, list, wheel, cluster });
    const places = { registry, cluster, kept, undecided: new UndecidedStarts() };
    this.#finder = new RunFinder(places);
    this.#forgetting = new Forgetting({ ...places, answers, events: options.events });
    this.#starter = new RunStarter({ ...options, ...places });
    this.#connectionParts = {
      version: options.version,
      authenticator,
      starter: this.#starter,
      registry: this.registry,
      finder: this.#finder,
      scheduler: new FlushScheduler(clock),
      observer,
      wheel: this.#wheel,
      clock,
      heartbeatMs: options.heartbeatMs,
      resumeWindowMs: options.resumeWindowMs,
      keepsAnswers: answers !== undefined,
      streamWatch: this.watchers,
      isRevoked: options.isRevoked,
      limits: options.limits,
    };
    this.#subscriptionParts = {
      ...this.#connectionParts,
      closed: (subscription) => this.#subscriptions.delete(subscription),
    };
  }

  /**
   * Writes what connections and readers have waited with for too long. The end of an event-loop turn does so by itself: to
   * be called for each of many events that one turn may have to handle.
   */
  flushLate(): void {
    this.#connectionParts.scheduler.flushLate();
  }

  readonly connect: Connect = (socket, info) => {
    const connection = new Connection(socket, info, this.#connectionParts, this.#gone);
    this.#connections.add(connection);
    // Since it was verified: a handshake waits for its turn.
    if (this.#connectionParts.isRevoked(info.principal)) connection.close('tokenRevoked');
    return connection;
  };

  /**
   * Starts a run for an HTTP caller or attaches to it, and reads it from its beginning.
   * @throws RelayError as the start of a connection does, before the sink is called
   */
  async start(command: StartCommand, sink: SubscriptionSink): Promise<Subscription> {
    const { promise, resolve } = Promise.withResolvers<Subscription>();
    await this.#starter.start(command, ({ run, attached }) => {
      const subscription = this.#subscribe(run, 0, attached, sink);
      if (attached) observeResumed(this.#connectionParts.observer, run, 0, command.caller);
      resolve(subscription);
    });
    return await promise;
  }

  /**
   * Reads a run on after `after`. Without an epoch: whatever run has that id.
   * @throws RelayError unknown_stream, resume_gap
   */
  async resume(
    { userId, id, epoch, after, caller }: Position,
    sink: SubscriptionSink,
  ): Promise<Subscription> {
    const run = await this.#finder.find(userId, { id, type: 'resume' });
    await run?.begun();
    if (run?.accepted !== true) throw unknownStream();
    if (epoch !== undefined && epoch !== run.epoch) throw resumeGap();
    await run.reach(after);
    const subscription = this.#subscribe(run, after, true, sink);
    observeResumed(this.#connectionParts.observer, run, after, caller);
    return subscription;
  }

  /** Whether there is such a run, and how far it is. @throws RelayError unknown_stream */
  async stateOf(userId: string, id: string): Promise<Omit<ResumedFrame, 'type' | 'after' | 'model'>> {
    const run = await this.#finder.find(userId, { id, type: 'resume' });
    if (run === undefined) throw unknownStream();
    await run.begun();
    const { epoch, head, state } = resumedFrame(run, 0);
    return { id, epoch, head, state };
  }

  /**
   * Which streams the user has, newest first.
   * @throws RelayError bad_request for a `before` that no page named, unavailable where somebody who may have some cannot be asked
   */
  streamsOf(userId: string, page: PageQuery): Promise<StreamPage> {
    return this.#streamList.page(userId, page);
  }

  /**
   * The newest of the user's streams whose id begins with that, among the newest hundred.
   * @throws RelayError unavailable likewise
   */
  newestNamed(userId: string, prefix: string): Promise<StreamReference | undefined> {
    return this.#streamList.newestNamed(userId, prefix);
  }

  /**
   * Those of them that are live, newest first.
   * @throws RelayError unavailable likewise
   */
  liveNamed(userId: string, prefix: string): Promise<readonly StreamReference[]> {
    return this.#streamList.liveNamed(userId, prefix);
  }

  /** Cancels and resolves with the run's ending. @throws RelayError unknown_stream */
  async cancel(userId: string, id: string, caller: Caller): Promise<EndingFrame> {
    const run = await this.#finder.find(userId, { id, type: 'cancel' });
    if (run === undefined) throw unknownStream();
    this.#connectionParts.observer.cancelAsked({ ...caller, userId, streamId: id });
    run.abort('cancelled');
    return await new Promise((resolve, reject) => {
      const waiter: EndingWaiter = new EndingWaiter(run, (ending) => {
        this.registry.leave(run, waiter);
        if (ending instanceof RelayError) reject(ending);
        else {
          run.endingRead(); // who asks for it is there
          resolve(ending.frame);
        }
      });
      this.registry.join(run, waiter);
      waiter.wake();
    });
  }

  /**
   * Erases the user's stream of that id, or all of the user's: stopped where it runs, then gone from every place. Resolves
   * once it is, also where there was none.
   * @throws RelayError unavailable where it may still be somewhere: to be asked again
   */
  async forget(userId: string, id?: string): Promise<void> {
    const known = id === undefined ? undefined : this.#forgetting.epochOf(userId, id);
    await this.#forgetting.everywhere(userId, id);
    const epoch = await known;
    if (id === undefined) await this.watchers.allErased(userId);
    else if (epoch !== undefined) await this.watchers.erased(userId, id, epoch);
  }

  /**
   * Tells every connection what the operator wants of it now; in turns, so that no stream waits for ten thousand of them.
   * Resolves when all are told, or when what they are told has changed again.
   */
  async tellConfig(configOf: (userId: string) => Omit<ConfigFrame, 'type'>): Promise<void> {
    this.#configOf = configOf;
    let told = 0;
    for (const connection of this.#connections) {
      if (this.#configOf !== configOf) return;
      connection.configChanged(configOf(connection.principal.userId));
      if (++told % TOLD_PER_TURN === 0) await nextTurn();
    }
  }

  /**
   * Ends what goes on by tokens that are revoked now: first the runs that they started, at once, then their connections, in
   * turns. Resolves with how many it were. The readers of other transports are their server's.
   */
  async endRevoked(): Promise<{ readonly streams: number; readonly connections: number }> {
    const { isRevoked } = this.#connectionParts;
    const runs = [...this.registry.liveRuns()].filter(
      ({ principal }) => principal !== undefined && isRevoked(principal),
    );
    for (const run of runs) run.abort('revoked');
    let seen = 0;
    let connections = 0;
    for (const connection of this.#connections) {
      if (isRevoked(connection.principal)) {
        connection.close('tokenRevoked');
        connections += 1;
      }
      if (++seen % TOLD_PER_TURN === 0) await nextTurn();
    }
    return { streams: runs.length, connections };
  }

  get draining(): boolean {
    return this.#starter.draining;
  }

  /** Why nothing new is taken. */
  get overloads(): ReadonlySet<Overload> {
    return this.#starter.overloads;
  }

  /** Makes do with the memory there is. To be called each second, also when the pressure is over. */
  applyMemoryPressure(pressure: MemoryPressure): void {
    this.#setOverload('memory', pressure !== 'none');
    if (pressure === 'hard' || pressure === 'critical') this.registry.forgetEnded();
    if (pressure !== 'none') this.#logs.releaseSpare();
    if (pressure === 'critical') this.#closeSlowest();
  }

  /** Makes do with the time there is: whether the event loop is late, and has been for a while. */
  applyEventLoopLag(isLate: boolean): void {
    this.#setOverload('event_loop', isLate);
  }

  #setOverload(overload: Overload, is: boolean): void {
    if (is) this.#starter.overloads.add(overload);
    else this.#starter.overloads.delete(overload);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Lets live streams end, for at most `deadlineMs`; those left then end as `interrupted`. Resolves when every row
   * is settled and every connection was told to close. Calling it again makes it stop waiting; both calls resolve then.
   */
  drain(deadlineMs: number): Promise<void> {
    this.#hasten?.();
    this.#drained ??= this.#drain(deadlineMs);
    return this.#drained;
  }

  async #drain(deadlineMs: number): Promise<void> {
    this.#starter.draining = true;
    const resume = this.#cluster?.elsewhere === true ? 'elsewhere' : 'here';
    for (const connection of this.#connections) {
      connection.goingAway(Math.round(500 + Math.random() * 4500), deadlineMs, resume);
    }
    const deadline = new Promise<void>((resolve) => {
      this.#hasten = resolve;
    });
    await this.#within(deadlineMs, Promise.race([this.registry.idle(), deadline]));
    for (const run of this.registry.liveRuns()) run.abort('interrupted');
    await this.registry.idle();
    await nextTurn(); // the endings leave with this turn's flush
    for (const connection of this.#connections) connection.close('goingAway');
    await this.#within(CLOSE_WITHIN_MS, this.#allGone());
  }

  /** Stops all timers. Connections must be gone or closing. */
  close(): void {
    this.#wheel.close();
  }

  readonly #gone = (connection: Connection): void => {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onLastGone?.();
  };

  /** Its client may come back and resume, here or elsewhere. */
  #closeSlowest(): void {
    let slowest: Connection | Subscription | undefined;
    for (const readers of [this.#connections, this.#subscriptions]) {
      for (const reader of readers)
        if (reader.backlogBytes > (slowest?.backlogBytes ?? KEEPS_UP_BYTES)) slowest = reader;
    }
    slowest?.readerStalled();
  }

  #subscribe(run: RunView, after: number, attached: boolean, sink: SubscriptionSink): Subscription {
    const isReadable = !run.accepted || run.log.cursor(after) !== undefined;
    if (!isReadable && run.endingBeyond(after) === undefined) throw resumeGap();
    const subscription = new Subscription(run, after, attached, sink, this.#subscriptionParts);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async #allGone(): Promise<void> {
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onLastGone = resolve;
    });
  }

  async #within(ms: number, event: Promise<void>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(ms, resolve);
    await Promise.race([event, late]);
    timer.cancel();
  }
}
