/** The parent, as a worker has it. */
import type { MetricSnapshot } from '../observability/metric-snapshot.ts';
import type { Clock } from '../time/clock.ts';
import { Channel } from './channel.ts';
import { CountsElsewhere } from './counts-elsewhere.ts';
import type { PassedOnSignal, ToParent, ToWorker, Up, WorkerState, WorkerStates } from './messages.ts';
import type { SharedLimits } from './port.ts';

export interface ParentEvents {
  readonly onSignal: (signal: PassedOnSignal) => void;
  /** It is gone: nobody passes on signals any more, or begins a process after this one. */
  readonly onGone: () => void;
}

/** What a worker says of itself when it is asked, and what it does when it is told of others. */
export interface WorkerSources {
  readonly snapshot: () => Promise<MetricSnapshot>;
  readonly state: () => WorkerState;
  /** Another worker has ended, and shares its streams no more. */
  readonly onEnded: (machine: string) => void;
}

/** What the parent may take to ask all workers how they are, who have a second for it, ms: balancers wait for two. */
const STATES_MS = 1500;
/** The same of metrics, ms. */
const METRICS_MS = 3000;

export class ParentLink {
  readonly limits: SharedLimits;
  readonly #channel: Channel<ToParent, ToWorker>;
  /** Until it is composed it has nothing to say, and is not asked. */
  readonly #sources = Promise.withResolvers<WorkerSources>();
  #onEnded: WorkerSources['onEnded'] = () => {};
  #metrics: Promise<string | undefined> | undefined;
  #states: Promise<WorkerStates | undefined> | undefined;

  constructor(clock: Clock, { onSignal, onGone }: ParentEvents) {
    const limits = new CountsElsewhere(clock, (counts) => this.#channel.tell('counts', counts));
    this.limits = limits;
    this.#channel = new Channel<ToParent, ToWorker>(
      {
        // An error says that the parent is gone, which is told by itself.
        send: (message) => void process.send?.(message, undefined, {}, () => {}),
        listen: (receive) => void process.on('message', receive),
      },
      clock,
      {
        signal: onSignal,
        counts: ({ from, counts }) => limits.hear(from, counts),
        ended: ({ machine }) => this.#onEnded(machine),
      },
      {
        snapshot: async () => (await this.#sources.promise).snapshot(),
        state: async () => (await this.#sources.promise).state(),
      },
    );
    const gone = (): void => {
      this.#channel.close();
      onGone();
    };
    process.once('disconnect', gone);
    // It may be gone since before this file was loaded: that is said once.
    if (!process.connected) gone();
  }

  serves(sources: WorkerSources): void {
    this.#sources.resolve(sources);
    this.#onEnded = sources.onEnded;
  }

  /** This one takes traffic. */
  up(up: Up): void {
    this.#channel.tell('up', up);
  }

  /** Of all workers, in the format of Prometheus. Undefined where the parent does not answer. Who asks meanwhile has the same. */
  metrics(): Promise<string | undefined> {
    this.#metrics ??= this.#channel.ask('metrics', METRICS_MS).finally(() => {
      this.#metrics = undefined;
    });
    return this.#metrics;
  }

  /** Of all workers; as `metrics`. */
  states(): Promise<WorkerStates | undefined> {
    this.#states ??= this.#channel.ask('states', STATES_MS).finally(() => {
      this.#states = undefined;
    });
    return this.#states;
  }
}
