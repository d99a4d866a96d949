/**
 * Ledgers below DATA_DIR whose process is no more, since WORKERS was another number when they were written. One process takes
 * each over, by its lock: rows that a crash left open are settled, and all rows are sent on as if their process had come back.
 * Does not delete them: they say what was used.
 */
import { basename } from 'node:path';
import type { AnswerPurge } from '../answers/answer-purge.ts';
import type { AnswerShipper } from '../answers/answer-shipper.ts';
import type { Config } from '../config/environment.ts';
import { processNameOf } from '../config/instance-id.ts';
import type { LocalUsageLedger } from '../ledger/ledger.ts';
import { workerOf } from '../ledger/ledger-directories.ts';
import type { ReportShipper } from '../ledger/report-shipper.ts';
import type { UsageShipper } from '../ledger/shipper.ts';
import type { WebhookEvents } from '../ledger/webhook-events.ts';
import type { OpenQuota } from '../quota/create-quota.ts';
import type { Clock, Timer } from '../time/clock.ts';
import type { WebhookSender } from '../webhooks/webhook-sender.ts';

/** A ledger with what counts and sends its rows. */
export interface Books {
  readonly ledger: LocalUsageLedger;
  readonly quota: OpenQuota;
  /** Undefined without DATABASE_URL: rows stay where they are. */
  readonly shipper: UsageShipper | undefined;
  /** The same of reports of answers. */
  readonly reportShipper: ReportShipper | undefined;
  /** The same of answers that are kept; without DATABASE_URL they stay until their time is over. */
  readonly answerShipper: AnswerShipper | AnswerPurge;
  /** Undefined without WEBHOOK_URL: nobody is told of runs. */
  readonly webhookSender: WebhookSender | undefined;
}

interface Adopted extends Books {
  /** Whether there was anything to do, of which the log told. */
  readonly isTold: boolean;
}

export interface OrphanedLedgersParts {
  /** Of ledgers that no process of this configuration writes. */
  readonly directories: () => readonly string[];
  /** Whether another process has that directory. May throw. */
  readonly isTaken: (directory: string) => boolean;
  readonly clock: Clock;
  readonly open: (directory: string) => Books;
  readonly onAdopted: (event: {
    readonly directory: string;
    readonly interrupted: number;
    readonly waiting: number;
  }) => void;
  readonly onSent: (event: { readonly directory: string }) => void;
  readonly onFailed: (event: { readonly directory: string; readonly why: string }) => void;
}

/** One may belong to a process that still drains. */
const SCAN_EACH_MS = 60_000;
/** How soon one that has nothing left to send is closed, ms. */
const CHECK_EACH_MS = 1000;

export class OrphanedLedgers {
  readonly #parts: OrphanedLedgersParts;
  readonly #open = new Map<string, Adopted>();
  /** Nobody writes them any more. */
  readonly #done = new Set<string>();
  /** Why one cannot be taken over: told once. */
  readonly #faults = new Map<string, string>();
  readonly #timers: Timer[] = [];

  constructor(parts: OrphanedLedgersParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock } = this.#parts;
    this.#scan();
    this.#timers.push(
      clock.every(SCAN_EACH_MS, () => this.#scan()),
      clock.every(CHECK_EACH_MS, () => void this.#closeSent()),
    );
  }

  /** Rows that Postgres does not have. */
  get waiting(): number {
    return this.#sum(({ ledger }) => ledger.outbox.length);
  }

  /** Rows that Postgres refuses. */
  get refused(): number {
    return this.#sum(({ ledger }) => ledger.outbox.refused);
  }

  /** When the first waiting row ended, Unix ms; null without one. */
  get oldest(): number | null {
    const all = [...this.#open.values()].map(({ ledger }) => ledger.outbox.oldest());
    const known = all.filter((at) => at !== null);
    return known.length === 0 ? null : Math.min(...known);
  }

  /** What the operator's webhook is to be told by them. */
  get webhookEvents(): readonly WebhookEvents[] {
    return [...this.#open.values()].map(({ ledger }) => ledger.webhookEvents);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    for (const [directory, adopted] of this.#open) await this.#closeBooks(directory, adopted);
    this.#open.clear();
  }

  #scan(): void {
    for (const directory of this.#parts.directories()) {
      if (this.#done.has(directory) || this.#open.has(directory)) continue;
      try {
        if (!this.#parts.isTaken(directory)) this.#adopt(directory);
      } catch (error) {
        this.#failed(directory, error);
      }
    }
  }

  #adopt(directory: string): void {
    const books = this.#parts.open(directory);
    const { interrupted, outbox } = books.ledger;
    const waiting = books.shipper === undefined ? 0 : outbox.length;
    const isTold = interrupted + waiting > 0;
    void books.quota.start();
    this.#open.set(directory, { ...books, isTold });
    this.#faults.delete(directory);
    if (isTold) this.#parts.onAdopted({ directory: basename(directory), interrupted, waiting });
  }

  #failed(directory: string, cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    if (this.#faults.get(directory) === why) return;
    this.#faults.set(directory, why);
    this.#parts.onFailed({ directory: basename(directory), why });
  }

  async #closeSent(): Promise<void> {
    for (const [directory, adopted] of [...this.#open]) {
      if (!isSent(adopted)) continue;
      this.#open.delete(directory);
      this.#done.add(directory);
      await this.#closeBooks(directory, adopted);
      if (adopted.isTold) this.#parts.onSent({ directory: basename(directory) });
    }
  }

  /** The ledger of this process is closed after these, whatever they say. */
  async #closeBooks(directory: string, books: Books): Promise<void> {
    try {
      await closeBooks(books);
    } catch (error) {
      this.#failed(directory, error);
    }
  }

  #sum(of: (adopted: Adopted) => number): number {
    return [...this.#open.values()].reduce((sum, adopted) => sum + of(adopted), 0);
  }
}

function isSent({ ledger: { outbox, reports, answers }, quota, shipper, webhookSender }: Books): boolean {
  if (webhookSender?.isDone === false) return false;
  // Without Postgres answers are read back from here.
  if (shipper === undefined) return answers.length === 0;
  const left = outbox.length + outbox.refused + reports.length + answers.length;
  return shipper.up && left === 0 && !quota.alone && quota.undelivered === 0;
}

/** As a process closes what is its own. */
async function closeBooks(books: Books): Promise<void> {
  const { ledger, quota, shipper, reportShipper, answerShipper, webhookSender } = books;
  await webhookSender?.close();
  await quota.close();
  await shipper?.close();
  await reportShipper?.close();
  await answerShipper.close();
  await ledger.close();
}

/** Whether no process of WORKERS writes there, and this is the one that takes it over. */
export function isOrphaned(directory: string, { worker }: Pick<Config, 'worker'>): boolean {
  if (worker === undefined) return true;
  const number = workerOf(directory);
  return worker.number === 1 && (number === undefined || number > worker.count);
}

/** The machine that wrote a ledger, as its rows name it. */
export function instanceOf(
  directory: string,
  { INSTANCE_ID, worker }: Pick<Config, 'INSTANCE_ID' | 'worker'>,
): string {
  return processNameOf(worker?.machine ?? INSTANCE_ID, workerOf(directory));
}
