/**
 * One place among the workers, as the parent has it: the process that is in it now, whether that answers, and when the next
 * one begins. After a process that ended soon each attempt waits twice as long as the one before.
 */
import type { ChildProcess } from 'node:child_process';
import type { Clock, Timer } from '../time/clock.ts';
import { type Answers, Channel } from './channel.ts';
import { EXIT_FAILURE } from './exit-codes.ts';
import type { Counts, PassedOnSignal, ToParent, ToWorker, Up } from './messages.ts';
import { WholeLines } from './whole-lines.ts';

/** How a process ended. */
export interface Ended {
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** How long it took traffic, ms; undefined of one that never did. */
  readonly upMs: number | undefined;
  /** What it was called by those that shared streams with it. */
  readonly machine: string | undefined;
  /** Why there was no process; undefined where there was one. */
  readonly cause: unknown;
}

export interface WorkerParts {
  /** From 1. */
  readonly number: number;
  readonly clock: Clock;
  /** Begins a process, with a pipe for its output and a channel of IPC. May throw. */
  readonly launch: () => ChildProcess;
  /** Takes its output, in whole lines. */
  readonly write: (lines: string) => void;
  readonly answers: Answers<ToParent>;
  /** A process has begun, and can be told. */
  readonly onStarted: () => void;
  readonly onUp: (up: Up) => void;
  readonly onCounts: (counts: Counts) => void;
  /** It has not answered for that long, and is killed. */
  readonly onSilent: (pid: number | undefined, silentMs: number) => void;
  readonly onEnded: (ended: Ended) => void;
}

const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 30_000;
/** Who has served for that long did not end because it could not serve, ms. */
const STEADY_MS = 60_000;
/** How often who serves is asked whether it answers, ms. */
const CHECK_EACH_MS = 5000;
/** Who leaves so many in a row unanswered serves nobody, and is dealt connections all the same. */
const MOST_UNANSWERED = 6;

export class Worker {
  readonly number: number;
  readonly #parts: WorkerParts;
  #child: ChildProcess | undefined;
  #channel: Channel<ToWorker, ToParent> | undefined;
  /** What it said when it began to serve. */
  #up: Up | undefined;
  /** Monotonic ms. */
  #upSince = 0;
  #hasBeenUp = false;
  #pauseMs = FIRST_PAUSE_MS;
  #pause: Timer | undefined;
  #checking: Timer | undefined;

  constructor(parts: WorkerParts) {
    this.number = parts.number;
    this.#parts = parts;
  }

  /** Whether its process takes traffic. */
  get isUp(): boolean {
    return this.#up !== undefined;
  }

  /** Whether any process of this place ever did. */
  get hasBeenUp(): boolean {
    return this.#hasBeenUp;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  start(): void {
    try {
      this.#begin(this.#parts.launch());
    } catch (cause) {
      this.#tellEnded({ pid: undefined, code: EXIT_FAILURE, signal: null, cause });
    }
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

  /** Another worker that shared streams has ended. */
  tellEnded(machine: string): void {
    this.#channel?.tell('ended', { machine });
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  #begin(child: ChildProcess): void {
    const { clock, write, answers, onCounts } = this.#parts;
    const lines = new WholeLines(write);
    this.#child = child;
    this.#channel = new Channel<ToWorker, ToParent>(
      {
        // An error is of a process that has just ended, or of none, which is told by its end.
        send: (message) => void (child.connected && child.send(message, () => {})),
        listen: (receive) => void child.on('message', receive),
      },
      clock,
      { up: (up) => this.#nowUp(up), counts: onCounts },
      answers,
    );
    child.stdout?.on('data', (chunk: Buffer) => lines.push(chunk));
    // Of a process that there is, it says no more than that a signal did not reach it.
    child.on('error', (cause) => {
      if (child.pid === undefined) this.#ended({ code: EXIT_FAILURE, signal: null, cause });
    });
    // Once its output has come as well.
    child.once('close', (code, signal) => {
      lines.end();
      this.#ended({ code, signal, cause: undefined });
    });
    this.#parts.onStarted();
  }

  #nowUp(up: Up): void {
    const { clock, onUp } = this.#parts;
    this.#up = up;
    this.#upSince = clock.elapsed();
    this.#hasBeenUp = true;
    this.#startChecking();
    onUp(up);
  }

  /** Counts questions, not time: this process may have been asleep as well. */
  #startChecking(): void {
    let unanswered = 0;
    this.#checking = this.#parts.clock.every(CHECK_EACH_MS, async () => {
      const child = this.#child;
      const state = await this.ask('state', CHECK_EACH_MS);
      if (child !== this.#child) return;
      unanswered = state === undefined ? unanswered + 1 : 0;
      if (unanswered !== MOST_UNANSWERED) return;
      this.#parts.onSilent(child?.pid, unanswered * CHECK_EACH_MS);
      this.kill();
    });
  }

  #ended(ended: Pick<Ended, 'code' | 'signal' | 'cause'>): void {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    this.#checking?.cancel();
    this.#channel?.close();
    this.#channel = undefined;
    this.#tellEnded({ ...ended, pid: child.pid });
  }

  #tellEnded(ended: Omit<Ended, 'upMs' | 'machine'>): void {
    const up = this.#up;
    const upMs = up === undefined ? undefined : this.#parts.clock.elapsed() - this.#upSince;
    this.#up = undefined;
    this.#parts.onEnded({ ...ended, upMs, machine: up?.machine });
  }
}
