/** What the parent and its workers say to each other. Everything must survive a structured clone. */
import type { MetricSnapshot } from '../observability/metric-snapshot.ts';

/** What an end of the channel is asked, each with its answer, and what it is told. */
export interface Talk {
  readonly questions: object;
  readonly news: object;
}

/** As `/readyz` has it; `restarting`: it ended by itself, and the others serve; `unresponsive`: it does not answer its parent. */
export type WorkerState =
  | 'starting'
  | 'restarting'
  | 'ready'
  | 'draining'
  | 'overloaded'
  | 'upstream_account'
  | 'unresponsive';

/** By the number of the worker. */
export type WorkerStates = Readonly<Record<number, WorkerState>>;

/** Signals of the parent that its workers hear of. */
export type PassedOnSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR2';

/** A worker takes traffic from now on. */
export interface Up {
  readonly port: number;
  /** Undefined where /metrics has no port of its own. */
  readonly metricsPort: number | undefined;
  /** What it is called by those that share streams with it; undefined where nobody does. */
  readonly machine: string | undefined;
  /** The longest that it takes to end once it is told to, ms. */
  readonly stopWithinMs: number;
}

/** By limit, then by key. */
export type CountsByKey = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Of the limits of a machine, what one worker counted since it last said so. */
export interface Counts {
  /** How many there are now, of those that changed. */
  readonly held: CountsByKey;
  /** How many more were taken. */
  readonly taken: CountsByKey;
}

export interface ToWorker extends Talk {
  readonly questions: { readonly snapshot: MetricSnapshot; readonly state: WorkerState };
  readonly news: {
    readonly signal: PassedOnSignal;
    /** Of another worker; null: it has ended, and holds nothing. */
    readonly counts: { readonly from: number; readonly counts: Counts | null };
    /** Another worker that served, as its `Up` calls it. */
    readonly ended: { readonly machine: string };
  };
}

export interface ToParent extends Talk {
  readonly questions: { readonly metrics: string; readonly states: WorkerStates };
  readonly news: { readonly up: Up; readonly counts: Counts };
}
