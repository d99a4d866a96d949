/**
 * The workers of one parent: begins them, begins one again that ends by itself, passes signals on, and answers for all of
 * them. Does not serve, and knows no setting but their number.
 *
 *   first ── up ──► the others ── up ──► serving ──SIGTERM──► stopping ── all gone ──► the exit code
 *     └─ ended ─────────┴─ ended ─► stopping      │
 *                                                 └─ ended: it is begun again, as long as one of them can use its settings
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../time/clock.ts';
import { EXIT_CONFIG, EXIT_FAILURE } from './exit-codes.ts';
import { HeldCounts } from './held-counts.ts';
import type { Counts, PassedOnSignal, Up, WorkerState, WorkerStates } from './messages.ts';
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
  /** A worker ended that the relay cannot serve without: all of them stop. */
  readonly onFailed: (worker: number, ended: Ended) => void;
  /** A worker has not answered for that long, and is killed. */
  readonly onSilent: (worker: number, pid: number | undefined, silentMs: number) => void;
  /** A process has ended. */
  readonly onEnded: (worker: number) => void;
  /** All have ended. */
  readonly onStopped: (exitCode: number) => void;
}

/** What a worker may take to say how it is, ms. */
const ANSWER_MS = 1000;
/** What a worker may be late by, beyond the time that it gave for its end, ms. */
const LATE_MS = 2000;
/** That time of one that has not said it yet, ms: it ends as soon as its code is there to hear of it. */
const STARTING_MS = 10_000;

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
    if (signal === 'SIGTERM' || signal === 'SIGINT') this.#stop(signal);
    else if (signal === 'SIGUSR2') this.#toggleDebug();
    else for (const worker of this.#workers) worker.signal(signal);
  }

  /** One that is starting is told once it is up, as those are that begin later. */
  #toggleDebug(): void {
    this.#debug = !this.#debug;
    for (const worker of this.#workers) if (worker.isUp) worker.signal('SIGUSR2');
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
      onSilent: (pid, silentMs) => this.#parts.onSilent(number, pid, silentMs),
      onEnded: (ended) => this.#onEnded(worker, ended),
    });
    return worker;
  }

  #onUp(worker: Worker, up: Up): void {
    if (this.#up === undefined) {
      this.#up = up;
      for (const other of this.#workers) if (other !== worker && !this.#stopping) other.start();
    }
    if (this.#debug) worker.signal('SIGUSR2');
  }

  #onEnded(worker: Worker, ended: Ended): void {
    this.#parts.onEnded(worker.number);
    this.#held.forget(worker.number);
    this.#tellOthers(worker.number, null);
    const { machine } = ended;
    if (machine !== undefined) for (const other of this.#workers) other.tellEnded(machine);
    if (this.#stopping) this.#exitCode ||= ended.code ?? EXIT_FAILURE;
    else if (this.#canDoWithout(worker, ended))
      this.#parts.onRestart(worker.number, ended, worker.startAgain(ended.upMs));
    else this.#fail(worker, ended);
    this.#endOnceAllHave();
  }

  /** Those that serve go on with the settings they have, however the files were changed since. */
  #canDoWithout(worker: Worker, { code }: Ended): boolean {
    return worker.hasBeenUp && (code !== EXIT_CONFIG || this.up > 0);
  }

  #endOnceAllHave(): void {
    if (!this.#stopping || this.#hasStopped || this.#workers.some(({ isRunning }) => isRunning)) return;
    this.#hasStopped = true;
    this.#overdue?.cancel();
    this.#parts.onStopped(this.#exitCode);
  }

  /** One cannot serve, and neither could the next one. Those that do finish their answers. */
  #fail(worker: Worker, ended: Ended): void {
    this.#exitCode = ended.code || EXIT_FAILURE;
    this.#parts.onFailed(worker.number, ended);
    this.#stop('SIGTERM');
  }

  #stop(signal: PassedOnSignal): void {
    const { clock } = this.#parts;
    this.#stopping = true;
    for (const worker of this.#workers) {
      worker.stopStarting();
      worker.signal(signal);
    }
    this.#overdue ??= clock.after((this.#up?.stopWithinMs ?? STARTING_MS) + LATE_MS, () => {
      this.#exitCode ||= EXIT_FAILURE;
      for (const worker of this.#workers) worker.kill();
    });
    this.#endOnceAllHave();
  }

  async #states(): Promise<WorkerStates> {
    const asked = this.#workers.filter(({ isRunning }) => isRunning || !this.#stopping);
    const states = asked.map(async (worker) => {
      const state = await worker.ask('state', ANSWER_MS);
      return [worker.number, state ?? stateOf(worker)] as const;
    });
    return Object.fromEntries(await Promise.all(states));
  }

  #tellOthers(from: number, counts: Counts | null): void {
    for (const worker of this.#workers) if (worker.number !== from) worker.tellCounts(from, counts);
  }
}

/** Of one without an answer; it may have ended since it was asked. */
function stateOf({ isUp, hasBeenUp }: Worker): WorkerState {
  if (isUp) return 'unresponsive';
  return hasBeenUp ? 'restarting' : 'starting';
}
