/**
 * One place among the workers, as the parent has it: the process that is in it now, and when the next one begins. After a
 * process that ended soon each attempt waits twice as long as the one before.
 */
import type { ChildProcess } from 'node:child_process';
import type { Clock, Timer } from '../time/clock.ts';
import { type Answers, Channel } from './channel.ts';
import type { Counts, PassedOnSignal, ToParent, ToWorker, Up } from './messages.ts';
import { WholeLines } from './whole-lines.ts';

/** How a process ended. */
export interface Ended {
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** How long it took traffic, ms; undefined of one that never did. */
  readonly upMs: number | undefined;
}

export interface WorkerParts {
  /** From 1. */
  readonly number: number;
  readonly clock: Clock;
  /** Begins a process, with a pipe for its output and a channel of IPC. */
  readonly launch: () => ChildProcess;
  /** Takes its output, in whole lines. */
  readonly write: (lines: string) => void;
  readonly answers: Answers<ToParent>;
  /** A process has begun, and can be told. */
  readonly onStarted: () => void;
  readonly onUp: (up: Up) => void;
  readonly onCounts: (counts: Counts) => void;
  readonly onEnded: (ended: Ended) => void;
}

const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 30_000;
/** Who has served for that long did not end because it could not serve, ms. */
const STEADY_MS = 60_000;

export class Worker {
  readonly number: number;
  readonly #parts: WorkerParts;
  #child: ChildProcess | undefined;
  #channel: Channel<ToWorker, ToParent> | undefined;
  /** Monotonic ms. */
  #upSince: number | undefined;
  #hasBeenUp = false;
  #pauseMs = FIRST_PAUSE_MS;
  #pause: Timer | undefined;

  constructor(parts: WorkerParts) {
    this.number = parts.number;
    this.#parts = parts;
  }

  /** Whether its process takes traffic. */
  get isUp(): boolean {
    return this.#upSince !== undefined;
  }

  /** Whether any process of this place ever did. */
  get hasBeenUp(): boolean {
    return this.#hasBeenUp;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  start(): void {
    const { clock, launch, write, answers, onCounts } = this.#parts;
    const child = launch();
    const lines = new WholeLines(write);
    this.#child = child;
    this.#channel = new Channel<ToWorker, ToParent>(
      {
        // An error is of a process that has just ended, which is told by its end.
        send: (message) => void child.send(message, () => {}),
        listen: (receive) => void child.on('message', receive),
      },
      clock,
      { up: (up) => this.#up(up), counts: onCounts },
      answers,
    );
    child.stdout?.on('data', (chunk: Buffer) => lines.push(chunk));
    child.once('error', () => this.#ended({ code: 1, signal: null }));
    // Once its output has come as well.
    child.once('close', (code, signal) => {
      lines.end();
      this.#ended({ code, signal });
    });
    this.#parts.onStarted();
  }

  /** Begins the next process after a pause, and says how long that is, ms. */
  startAgain(upMs: number | undefined): number {
    const { clock } = this.#parts;
    if (upMs !== undefined && upMs >= STEADY_MS) this.#pauseMs = FIRST_PAUSE_MS;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(LAST_PAUSE_MS, 2 * pauseMs);
    this.#pause = clock.after(pauseMs, () => this.start());
    return pauseMs;
  }

  /** No process begins any more. */
  stopStarting(): void {
    this.#pause?.cancel();
  }

  /** Undefined where it is not up, or does not answer within `ms`. */
  async ask<Name extends keyof ToWorker['questions']>(
    name: Name,
    ms: number,
  ): Promise<ToWorker['questions'][Name] | undefined> {
    return this.isUp ? await this.#channel?.ask(name, ms) : undefined;
  }

  signal(signal: PassedOnSignal): void {
    this.#channel?.tell('signal', signal);
  }

  /** What another worker counts. */
  tellCounts(from: number, counts: Counts | null): void {
    this.#channel?.tell('counts', { from, counts });
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  #up(up: Up): void {
    this.#upSince = this.#parts.clock.elapsed();
    this.#hasBeenUp = true;
    this.#parts.onUp(up);
  }

  #ended({ code, signal }: Pick<Ended, 'code' | 'signal'>): void {
    const child = this.#child;
    if (child === undefined) return;
    const since = this.#upSince;
    const upMs = since === undefined ? undefined : this.#parts.clock.elapsed() - since;
    this.#child = undefined;
    this.#upSince = undefined;
    this.#channel?.close();
    this.#channel = undefined;
    this.#parts.onEnded({ pid: child.pid, code, signal, upMs });
  }
}
