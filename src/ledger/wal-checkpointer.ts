/**
 * Keeps the write-ahead log durable and short, without ever stopping the event loop.
 * Owns the checkpoint thread. Does not own the ledger's own connection.
 *
 * Looks at the log each second and after each 500 writes:
 *   small → each second it is synced to the disk, from the thread pool: a power cut costs about a second
 *   large, or an hour old → PASSIVE checkpoint on the worker; then the writer is held (a few ms, its queue waits, the event loop
 *           does not) while the worker copies the rest and empties the log. Without the hold the log would never
 *           end under steady load: there would always be a commit that came after the copy.
 * A reader that sits on an old snapshot lets the log grow until it is done; the next second tries again.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../time/clock.ts';

export interface WalCheckpointerOptions {
  /** The database file. */
  readonly file: string;
  readonly clock: Clock;
  readonly onError: (what: string, cause: unknown) => void;
  /** The writer may write again. */
  readonly onReleased: () => void;
  /** Log size that calls for a checkpoint. */
  readonly maxBytes?: number;
}

const EVERY_MS = 1000;
/** What is written again and again is copied once; and each hold lasts as long as three syncs of the disk, however short the log is. */
const MAX_BYTES = 64 * 1024 * 1024;
/** What was deleted is in it until then, also where little is written. */
const MAX_AGE_MS = 3_600_000;
/** Under load the log is looked at sooner: a write adds up to four pages of 4 KiB. */
const MANY_WRITES = 500;
/** A hold that takes longer is given up: the writer then meets a lock, which it knows how to wait for. */
const MAX_HOLD_MS = 250;
/** How often emptying it is tried again where a reader sits on it. */
const EMPTY_AGAIN_MS = 100;
const EMPTY_TRIES = 30;

export class WalCheckpointer {
  readonly #options: WalCheckpointerOptions;
  readonly #ticking: Timer;
  /** Since the log's size was looked at. */
  #written = 0;
  #unsynced = false;
  /** Monotonic ms of the first write that is in the log; undefined where it is empty. */
  #filledSince: number | undefined;
  #log: FileHandle | undefined;
  #worker: Worker | undefined;
  #turn: Promise<void> | undefined;
  /** Waits for its turn. */
  #emptying: Promise<void> | undefined;
  #holding = false;
  #closing = false;

  constructor(options: WalCheckpointerOptions) {
    this.#options = options;
    this.#ticking = options.clock.every(EVERY_MS, () => this.#checkpointIfDue({ sync: true }));
  }

  /** The writer must not write now; `onReleased` follows. */
  get holdsWriter(): boolean {
    return this.#holding;
  }

  /** The writer committed so many writes. */
  wrote(writes: number): void {
    this.#written += writes;
    this.#unsynced = true;
    this.#filledSince ??= this.#options.clock.elapsed();
    if (this.#written >= MANY_WRITES) this.#checkpointIfDue({ sync: false });
  }

  /**
   * Resolves once nothing is in the log that was there before. Who asks while it waits for its turn shares it.
   * @throws Error where somebody reads an old snapshot for so long that it stays
   */
  empty(): Promise<void> {
    this.#emptying ??= this.#empty();
    return this.#emptying;
  }

  async #empty(): Promise<void> {
    for (let tries = 0; tries < EMPTY_TRIES; tries += 1) {
      while (this.#turn !== undefined) await this.#turn;
      if (this.#closing) break;
      this.#emptying = undefined; // what comes from now on is written after the copy begins
      const turn = this.#shorten();
      this.#turn = turn.then(
        () => this.#turnOver(),
        () => this.#turnOver(),
      );
      if (await turn) return;
      if (this.#closing) break;
      await this.#pause();
    }
    this.#emptying = undefined;
    throw new Error('the usage log could not be emptied');
  }

  #turnOver(): void {
    this.#turn = undefined;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(EMPTY_AGAIN_MS, resolve);
    });
  }

  /** What is written from then on stays in the log: nothing is opened any more. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#ticking.cancel();
    await this.#worker?.terminate();
    await this.#turn;
    await this.#log?.close();
  }

  #checkpointIfDue(wish: { sync: boolean }): void {
    if (this.#closing || this.#turn !== undefined || !(this.#unsynced || this.#isOld)) return;
    this.#turn = this.#keep(wish)
      .catch((cause: unknown) => this.#options.onError('unable to keep the usage log short', cause))
      .finally(() => {
        this.#turn = undefined;
      });
  }

  async #keep({ sync }: { sync: boolean }): Promise<void> {
    this.#written = 0;
    this.#log ??= await open(`${this.#options.file}-wal`, 'r');
    const { size } = await this.#log.stat();
    if (size > (this.#options.maxBytes ?? MAX_BYTES) || this.#isOld) await this.#shorten();
    else if (sync) await this.#sync(this.#log);
  }

  get #isOld(): boolean {
    const { clock } = this.#options;
    return this.#filledSince !== undefined && clock.elapsed() - this.#filledSince >= MAX_AGE_MS;
  }

  async #sync(log: FileHandle): Promise<void> {
    this.#unsynced = false;
    await log.datasync();
  }

  /** Whether the log is empty now. */
  async #shorten(): Promise<boolean> {
    await this.#checkpoint('PASSIVE');
    if (this.#closing) return false;
    this.#holding = true;
    const giveUp = this.#options.clock.after(MAX_HOLD_MS, () => this.#letGo());
    try {
      const isEmpty = await this.#checkpoint('TRUNCATE');
      if (isEmpty) this.#filledSince = undefined;
      return isEmpty;
    } finally {
      giveUp.cancel();
      this.#letGo();
    }
  }

  #letGo(): void {
    if (!this.#holding) return;
    this.#holding = false;
    this.#options.onReleased();
  }

  /** Whether all was copied. */
  async #checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): Promise<boolean> {
    // A thread that began now would be ended by nobody.
    if (this.#closing) return false;
    this.#worker ??= this.#startWorker();
    const worker = this.#worker;
    const reply = await new Promise<{ ok: boolean; busy?: boolean; code?: number }>((resolve) => {
      const onExit = () => resolve({ ok: true, busy: true });
      worker.once('exit', onExit);
      worker.once('message', (answer) => {
        worker.off('exit', onExit);
        resolve(answer);
      });
      worker.postMessage(mode);
    });
    if (!reply.ok)
      this.#options.onError('unable to checkpoint the usage log', { name: 'SqliteError', code: reply.code });
    return reply.ok && reply.busy !== true;
  }

  #startWorker(): Worker {
    const worker = new Worker(new URL('./checkpoint-worker.mjs', import.meta.url), {
      workerData: this.#options.file,
      // Nothing of the process's own: neither its flags nor its secrets.
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 },
    });
    worker.unref();
    worker.on('error', (cause) => this.#options.onError('the checkpoint thread failed', cause));
    worker.once('exit', () => {
      this.#worker = undefined;
    });
    return worker;
  }
}
