/**
 * The workers of one parent: begins them, begins one again that ends by itself, passes signals on, and answers for all of
 * them. Does not serve, and knows no setting but their number.
 *
 *   first ── up ──► the others ── up ──► serving ──SIGTERM──► stopping ── all gone ──► the exit code
 *     └─ ended ─────────┴─ ended ─► stopping                    ▲
 *                                     serving: one cannot use its settings ─┘    anything else: it is begun again
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../time/clock.ts';
import { EXIT_CONFIG, EXIT_FAILURE } from './exit-codes.ts';
import { HeldCounts } from './held-counts.ts';
import type { Counts, PassedOnSignal, Up, WorkerStates } from './messages.ts';
import type { WorkerPlace } from './place.ts';
import { type Ended, Worker } from './worker.ts';

export interface SupervisorParts {
  readonly count: number;
  readonly clock: Clock;
  readonly launch: (place: WorkerPlace) => ChildProcess;
  readonly write: (lines: string) => void;
  /** The metrics of all workers, in the format of Prometheus. */
  readonly metrics: (workers: readonly Worker[]) => Promise<string>;
  /** A worker ended by itself: the next one begins in `pauseMs`. */
  readonly onRestart: (worker: number, ended: Ended, pauseMs: number) => void;
  /** A process has ended. */
  readonly onEnded: (worker: number) => void;
  /** All have ended. */
  readonly onStopped: (exitCode: number) => void;
}

/** What a worker may take to say how it is, ms. */
const ANSWER_MS = 1000;
/** What a worker may be late by, beyond the time that it gave for its end, ms. */
const LATE_MS = 2000;

export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #workers: readonly Worker[];
  readonly #siblings = randomBytes(6).toString('base64url');
  readonly #held = new HeldCounts();
  /** Ports and times, as the first one had them. */
  #up: Up | undefined;
  /** Whether they write debug lines by SIGUSR2. */
  #debug = false;
  #stopping = false;
  #hasStopped = false;
  #exitCode = 0;
  #overdue: Timer | undefined;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#workers = Array.from({ length: parts.count }, (_, index) => this.#worker(index + 1));
  }

  get up(): number {
    return this.#workers.filter(({ isUp }) => isUp).length;
  }

  start(): void {
    this.#workers[0]?.start();
  }

  /** Passes it on. The first SIGTERM or SIGINT has all of them drain, a second one has them stop waiting. */
  signal(signal: PassedOnSignal): void {
    if (signal === 'SIGUSR2') this.#debug = !this.#debug;
    if (signal === 'SIGTERM' || signal === 'SIGINT') this.#stop(signal);
    else for (const worker of this.#workers) worker.signal(signal);
  }

  #worker(number: number): Worker {
    const { clock, launch, write, count } = this.#parts;
    const worker: Worker = new Worker({
      number,
      clock,
      launch: () => {
        const ports = this.#up;
        return launch({ number, count, siblings: this.#siblings, isFirst: ports === undefined, ports });
      },
      write,
      answers: {
        metrics: () => this.#parts.metrics(this.#workers),
        states: () => this.#states(),
      },
      onUp: (up) => this.#onUp(worker, up),
      onStarted: () => {
        for (const [from, counts] of this.#held.all()) worker.tellCounts(from, counts);
      },
      onCounts: (counts) => {
        this.#held.took(number, counts);
        this.#tellOthers(number, counts);
      },
      onEnded: (ended) => this.#onEnded(worker, ended),
    });
    return worker;
  }

  #onUp(worker: Worker, up: Up): void {
    if (this.#up === undefined) {
      this.#up = up;
      if (!this.#stopping) for (const other of this.#workers) if (other !== worker) other.start();
    }
    if (this.#debug) worker.signal('SIGUSR2');
  }

  #onEnded(worker: Worker, ended: Ended): void {
    this.#parts.onEnded(worker.number);
    this.#held.forget(worker.number);
    this.#tellOthers(worker.number, null);
    const code = ended.code ?? EXIT_FAILURE;
    if (this.#stopping) this.#exitCode ||= code;
    else if (code === EXIT_CONFIG || !worker.hasBeenUp) this.#fail(code === 0 ? EXIT_FAILURE : code);
    else this.#parts.onRestart(worker.number, ended, worker.startAgain(ended.upMs));
    this.#endOnceAllHave();
  }

  #endOnceAllHave(): void {
    if (!this.#stopping || this.#hasStopped || this.#workers.some(({ isRunning }) => isRunning)) return;
    this.#hasStopped = true;
    this.#overdue?.cancel();
    this.#parts.onStopped(this.#exitCode);
  }

  /** One cannot serve, and neither could the next one. Those that do finish their answers. */
  #fail(code: number): void {
    this.#exitCode = code;
    this.#stop('SIGTERM');
  }

  #stop(signal: PassedOnSignal): void {
    const { clock } = this.#parts;
    this.#stopping = true;
    for (const worker of this.#workers) {
      worker.stopStarting();
      worker.signal(signal);
    }
    this.#overdue ??= clock.after((this.#up?.stopWithinMs ?? 0) + LATE_MS, () => {
      this.#exitCode ||= EXIT_FAILURE;
      for (const worker of this.#workers) worker.kill();
    });
    this.#endOnceAllHave();
  }

  async #states(): Promise<WorkerStates> {
    const states = this.#workers.map(async (worker) => {
      const state = await worker.ask('state', ANSWER_MS);
      // Without an answer it may have ended since it was asked.
      return [worker.number, state ?? (worker.isUp ? 'unresponsive' : 'starting')] as const;
    });
    return Object.fromEntries(await Promise.all(states));
  }

  #tellOthers(from: number, counts: Counts | null): void {
    for (const worker of this.#workers) if (worker.number !== from) worker.tellCounts(from, counts);
  }
}
