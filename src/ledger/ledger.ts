/**
 * The usage ledger on local disk. Owns the live runs: what is known of each, and that it is settled once.
 * Does not own batches and retries (`write-queue.ts`), SQL (`run-table.ts`), the file (`schema.ts`), checkpoints
 * (`wal-checkpointer.ts`), the answers that are written with the rows (`ledger-answers.ts`), or shipping rows elsewhere
 * (`outbox.ts`, `shipper.ts`).
 */
import type { DatabaseSync } from 'node:sqlite';
import type { LocalAnswers } from '../answers/local-answers.ts';
import { AnswerKeys } from '../answers/seal.ts';
import { runCacheSavedPico, runCost, usdOf } from '../pricing/cost.ts';
import { type PriceTable, SIMULATED_PRICES } from '../pricing/prices.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { NO_USAGE, type UsageReading } from '../protocol/usage-reading.ts';
import type { Clock, Timer } from '../time/clock.ts';
import { type AnswerReports, SqliteAnswerReports } from './answer-reports.ts';
import { AnswerTable } from './answer-table.ts';
import type { AnswerWriting } from './answer-writing.ts';
import { type DirectoryLock, lockDirectory } from './directory-lock.ts';
import { type AnswerEvents, LedgerAnswers } from './ledger-answers.ts';
import { type Outbox, SqliteOutbox } from './outbox.ts';
import type { AnswerToKeep, UsageIntent, UsageLedger, UsageSettlement } from './port.ts';
import { boundedReading, RunTable } from './run-table.ts';
import { ledgerFile, openLedgerFile } from './schema.ts';
import { WalCheckpointer } from './wal-checkpointer.ts';
import { type ComposeEvents, SqliteWebhookEvents, type WebhookEvents } from './webhook-events.ts';
import { isOfTheStore, type Write, WriteQueue } from './write-queue.ts';

export interface UsageLedgerOptions {
  /** Created if absent. One process at a time. */
  readonly dataDir: string;
  /** Of that directory, where this process has it already and keeps it. */
  readonly lock?: DirectoryLock | undefined;
  /** For runs that are opened from then on: each keeps those that it was opened with. */
  readonly prices: () => PriceTable;
  /** Whether answers come from the simulated model, for nothing. Rows remember it. */
  readonly simulated?: boolean;
  /** What the operator's webhook is told of runs; undefined where there is none. */
  readonly eventsOf?: ComposeEvents | undefined;
  /** By which answers that are kept are sealed, beside the secret of each; absent: by that alone. */
  readonly answerKeys?: AnswerKeys;
  readonly answerEvents?: AnswerEvents;
  readonly clock: Clock;
  /** What no caller could be told of. Holds no words of users. */
  readonly onError: (what: string, cause: unknown) => void;
}

export interface LocalUsageLedger extends UsageLedger {
  /** Rows that a crash had left open and that opening the ledger settled. */
  readonly interrupted: number;
  /** Settled rows, for whoever takes them elsewhere. To be left alone once the ledger is closed. */
  readonly outbox: Outbox;
  /** What people reported of answers, likewise. */
  readonly reports: AnswerReports;
  /** What the operator's webhook is to be told, likewise. */
  readonly webhookEvents: WebhookEvents;
  /** Those that are kept, likewise. */
  readonly answers: LocalAnswers;
}

type Settled = Awaited<ReturnType<UsageLedger['settle']>>;

interface LiveRun {
  readonly row: number;
  readonly prices: PriceTable;
  readonly intent: UsageIntent;
  readonly reading: () => UsageReading;
  /** Undefined where its answer is not kept. */
  readonly answer: AnswerWriting | undefined;
  /** As it stands on disk. */
  saved: UsageReading;
  settled: Promise<Settled> | undefined;
}

/**
 * Each run is saved each 800 ms, so that with what the disk and a late timer take a crash costs less than a second of it: a part of
 * them at a time, since a thousand at once would take 20 ms from every stream.
 */
const SAVES = 16;
const SAVE_EVERY_MS = 50;
/** Neighbours in the file are saved together: they lie on the same pages, each of which a transaction writes once. */
const NEIGHBOURS = 16;

const UNHEARD: AnswerEvents = { onKept() {}, onLost() {}, onSealed() {} };

/** @throws Error (for the operator, naming the directory) when it is locked, unwritable or holds no ledger of ours. */
export function openUsageLedger(options: UsageLedgerOptions): LocalUsageLedger {
  const lock = options.lock === undefined ? lockDirectory(options.dataDir) : undefined;
  let database: DatabaseSync | undefined;
  const release = () => {
    database?.close();
    lock?.release();
  };
  try {
    database = openLedgerFile(options.dataDir);
    return new SqliteUsageLedger(options, database, release);
  } catch (error) {
    release();
    throw error;
  }
}

class SqliteUsageLedger implements LocalUsageLedger {
  readonly interrupted: number;
  readonly outbox: SqliteOutbox;
  readonly reports: SqliteAnswerReports;
  readonly webhookEvents: SqliteWebhookEvents;
  readonly answers: LedgerAnswers;
  readonly #prices: () => PriceTable;
  readonly #clock: Clock;
  readonly #onError: UsageLedgerOptions['onError'];
  readonly #table: RunTable;
  readonly #release: () => void;
  readonly #wal: WalCheckpointer;
  readonly #writes: WriteQueue;
  readonly #saving: Timer;
  readonly #live = new Map<string, LiveRun>();
  #closed: Promise<void> | undefined;
  /** Of the parts, counted from the beginning: the last that was saved. */
  #savedUntil: number;

  constructor(options: UsageLedgerOptions, database: DatabaseSync, release: () => void) {
    this.#prices = options.simulated === true ? () => SIMULATED_PRICES : options.prices;
    this.#clock = options.clock;
    this.#onError = options.onError;
    this.#table = new RunTable(database);
    this.webhookEvents = new SqliteWebhookEvents(
      database,
      (write) => this.#writes.push(write),
      options.clock,
      options.eventsOf,
    );
    const answers = new AnswerTable(database, options.answerKeys ?? new AnswerKeys());
    this.interrupted = this.#table.settleInterrupted(options.prices(), (settled, run) => {
      this.webhookEvents.add(settled);
      answers.interrupt(run, settled.settlement.endedAt);
    });
    this.outbox = new SqliteOutbox(database, (write) => this.#writes.push(write));
    this.reports = new SqliteAnswerReports(database, (write) => this.#writes.push(write));
    this.answers = new LedgerAnswers({
      table: answers,
      write: (write) => this.#writes.push(write),
      emptyLog: () => this.#wal.empty(),
      events: options.answerEvents ?? UNHEARD,
      now: () => options.clock.now(),
    });
    this.#release = release;
    this.#wal = new WalCheckpointer({
      file: ledgerFile(options.dataDir),
      clock: options.clock,
      onError: options.onError,
      onReleased: () => this.#writes.resume(),
    });
    this.#writes = new WriteQueue({
      clock: options.clock,
      transaction: (work) => this.#table.transaction(work),
      probe: () => this.#table.probe(),
      held: () => this.#wal.holdsWriter,
      onCommit: (writes) => this.#wal.wrote(writes),
      onError: options.onError,
    });
    this.#savedUntil = this.#parts();
    this.#saving = options.clock.every(SAVE_EVERY_MS, () => this.#saveSome());
  }

  get degraded(): boolean {
    return this.#writes.degraded;
  }

  open(intent: UsageIntent, reading: () => UsageReading, keep?: AnswerToKeep): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(unavailable());
    if (this.#live.has(intent.epoch)) return Promise.reject(duplicate());
    const prices = this.#prices();
    const row = this.#table.reserve();
    const answer = keep && this.answers.add(row, intent, keep);
    const run: LiveRun = { row, prices, intent, reading, answer, saved: NO_USAGE, settled: undefined };
    this.#live.set(intent.epoch, run);
    return new Promise((resolve, reject) => {
      this.#writes.push({
        apply: () => {
          if (!this.#table.insert(row, intent, prices)) throw duplicate();
          if (answer !== undefined) this.answers.begin(answer);
        },
        committed: () => {
          answer?.begun();
          resolve();
        },
        refused: (cause) => {
          this.#live.delete(intent.epoch);
          if (answer !== undefined) this.answers.remove(answer);
          reject(cause instanceof RelayError ? cause : unavailable(cause));
          return false;
        },
      });
    });
  }

  touch(epoch: string): void {
    const run = this.#live.get(epoch);
    if (run !== undefined) this.#save(run, (write) => this.#writes.pushSoon(write));
  }

  settle(settlement: UsageSettlement): Promise<Settled> {
    const run = this.#live.get(settlement.epoch);
    if (run === undefined) return Promise.resolve(this.#settledBefore(settlement.epoch));
    run.settled ??= this.#settleOnce(run, { ...settlement, usage: boundedReading(settlement.usage) });
    return run.settled;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #settleOnce(run: LiveRun, settlement: UsageSettlement): Promise<Settled> {
    const cost = runCost(run.prices, run.intent.model, settlement.usage, run.intent.startedAt);
    const saved = runCacheSavedPico(run.prices, run.intent.model, settlement.usage, run.intent.startedAt);
    const settled = { costUsd: usdOf(cost.totalPico), cacheSavedUsd: usdOf(saved) };
    const { answer } = run;
    const rest = answer?.rest();
    const ending = answer && settlement.ending(settled.costUsd);
    return new Promise((resolve) => {
      const write: Write = {
        apply: () => {
          this.#table.settle(run.row, settlement, cost, run.prices);
          this.webhookEvents.add({ intent: run.intent, settlement }); // in the same transaction: told of what was, and of all
          // In one transaction: the ending is told once all that it ends is on disk.
          if (answer && ending) this.answers.end(answer, rest, ending, settlement.endedAt);
        },
        committed: () => {
          this.#live.delete(settlement.epoch);
          if (answer && ending) this.answers.settled(answer, ending, settlement.endedAt);
          this.outbox.settled();
          this.webhookEvents.onAdded();
          resolve(settled);
        },
        refused: () => {
          // A full disk must not keep an ending from its client: the settlement waits here instead.
          resolve(settled);
          return true;
        },
      };
      // Who stops an answer waits for the receipt; the end of one comes 3 ms later and nobody sees it.
      if (settlement.status === 'done') this.#writes.pushShortly(write);
      else this.#writes.push(write);
    });
  }

  #saveSome(): void {
    // By the clock: where timers are late, each run is saved in time all the same.
    const now = this.#parts();
    const late = Math.min(now - this.#savedUntil, SAVES);
    this.#savedUntil = now;
    for (const run of this.#live.values())
      if ((now + SAVES - (Math.floor(run.row / NEIGHBOURS) % SAVES)) % SAVES < late)
        this.#save(run, (write) => this.#writes.push(write));
  }

  #parts(): number {
    return Math.floor(this.#clock.elapsed() / SAVE_EVERY_MS);
  }

  #save(run: LiveRun, push: (write: Write) => void): void {
    if (run.settled !== undefined) return;
    try {
      const reading = boundedReading(run.reading());
      const piece = run.answer?.next();
      if (piece === undefined && same(reading, run.saved)) return;
      push({
        apply: () => {
          this.#table.save(run.row, reading, this.#clock.now());
          if (run.answer && piece) this.answers.append(run.answer, piece);
        },
        committed: () => {
          run.saved = reading;
          if (piece !== undefined) run.answer?.committed(piece);
        },
        // Of readings the next second brings a newer one; of what was said there is none.
        refused: (cause) => piece !== undefined && isOfTheStore(cause),
      });
    } catch (cause) {
      this.#onError('unable to read the usage of a live run', cause);
    }
  }

  /** The answer to a settlement of a run that is not live. */
  #settledBefore(epoch: string): Settled {
    try {
      const row = this.#closed === undefined ? this.#table.find(epoch) : undefined;
      if (row !== undefined) return { costUsd: usdOf(row.costPico), cacheSavedUsd: null };
      this.#onError('a run was settled that the usage ledger does not hold', undefined);
    } catch (cause) {
      this.#onError('unable to read the usage ledger', cause);
    }
    return { costUsd: null, cacheSavedUsd: null };
  }

  async #close(): Promise<void> {
    this.#saving.cancel();
    await this.#wal.close();
    this.#writes.finish();
    this.#live.clear();
    this.#release();
    if (this.#writes.length > 0) {
      throw new RelayError('unavailable', 'usage rows could not be settled; the next start settles them');
    }
  }
}

function same(a: UsageReading, b: UsageReading): boolean {
  return (
    a.outputTokens === b.outputTokens &&
    a.inputTokens === b.inputTokens &&
    a.source === b.source &&
    a.model === b.model &&
    a.cacheReadTokens === b.cacheReadTokens &&
    a.cacheWriteTokens === b.cacheWriteTokens &&
    a.cacheWrite1hTokens === b.cacheWrite1hTokens &&
    a.webSearches === b.webSearches
  );
}

function unavailable(cause?: unknown): RelayError {
  return new RelayError('unavailable', 'the run cannot be recorded now; try again', { cause });
}

function duplicate(): RelayError {
  return new RelayError('internal', 'the run is recorded already');
}
