/**
 * A disk with usage rows on it, and the ledger of a process that writes there in batches: a kill loses what was not
 * committed, and the next process settles what it finds open, as the real ledger does.
 */
import type { UsageIntent, UsageLedger, UsageSettlement } from '../../src/ledger/port.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';
import { NO_USAGE, type UsageReading } from '../../src/protocol/usage-reading.ts';
import type { Clock } from '../../src/time/clock.ts';
import { noteActivity } from '../support/quiet.ts';

const SAVE_EVERY_MS = 1000;
const UNPRICED = { costUsd: null, cacheSavedUsd: null };

export interface DiskRow {
  readonly intent: UsageIntent;
  /** As it was saved last. */
  usage: UsageReading;
  status: 'running' | UsageSettlement['status'];
  code: UsageSettlement['code'];
  /** How often it was settled: once is right. */
  settlements: number;
}

export class Disk {
  /** By epoch, in the order in which they were written. */
  readonly rows = new Map<string, DiskRow>();
  /** What a process should never have asked of it. */
  readonly faults: string[] = [];
  /** Nothing can be written. */
  full = false;
  /** Has it been full since the last start of a process? */
  wasFull = false;

  fill(full: boolean): void {
    this.full = full;
    this.wasFull ||= full;
  }

  /** The ledger of the next process. */
  open(clock: Clock): DiskLedger {
    for (const row of this.rows.values()) {
      if (row.status !== 'running') continue;
      row.status = 'error';
      row.code = 'interrupted';
      row.settlements += 1;
    }
    this.wasFull = this.full;
    return new DiskLedger(this, clock);
  }
}

interface Write {
  apply({ rows, faults }: Disk): void;
  committed(): void;
  /** The disk takes nothing. True: it is to be tried again. */
  refused(): boolean;
}

export class DiskLedger implements UsageLedger {
  readonly #disk: Disk;
  readonly #readings = new Map<string, () => UsageReading>();
  #writes: Write[] = [];
  #kept: Write[] = [];
  #isScheduled = false;
  #isGone = false;

  constructor(disk: Disk, clock: Clock) {
    this.#disk = disk;
    clock.every(SAVE_EVERY_MS, () => this.#saveAll());
  }

  get degraded(): boolean {
    return this.#disk.full;
  }

  open(intent: UsageIntent, reading: () => UsageReading): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { epoch } = intent;
    this.#push({
      apply: ({ rows, faults }) => {
        if (rows.has(epoch)) faults.push(`two rows of ${epoch}`);
        rows.set(epoch, { intent, usage: NO_USAGE, status: 'running', code: null, settlements: 0 });
        this.#readings.set(epoch, reading);
      },
      committed: resolve,
      refused: () => {
        reject(new RelayError('unavailable', 'the run cannot be recorded now; try again'));
        return false;
      },
    });
    return promise;
  }

  touch(epoch: string): void {
    this.#save(epoch);
  }

  settle({ epoch, status, code, usage }: UsageSettlement): Promise<typeof UNPRICED> {
    const { promise, resolve } = Promise.withResolvers<typeof UNPRICED>();
    this.#readings.delete(epoch);
    this.#push({
      apply: ({ rows, faults }) => {
        const row = rows.get(epoch);
        if (row === undefined) faults.push(`a settlement without a row: ${epoch}`);
        else Object.assign(row, { status, code, usage, settlements: row.settlements + 1 });
      },
      committed: () => resolve(UNPRICED),
      refused: () => {
        resolve(UNPRICED);
        return true;
      },
    });
    return promise;
  }

  async close(): Promise<void> {
    this.#commit();
    this.#isGone = true;
  }

  /** The process is killed. */
  kill(): void {
    this.#isGone = true;
  }

  #saveAll(): void {
    for (const epoch of this.#readings.keys()) this.#save(epoch);
    if (this.#kept.length > 0 && !this.#disk.full) this.#commit();
  }

  #save(epoch: string): void {
    const reading = this.#readings.get(epoch);
    if (reading === undefined) return;
    const usage = reading();
    this.#push({
      apply: ({ rows }) => {
        const row = rows.get(epoch);
        if (row?.status === 'running') row.usage = usage;
      },
      committed() {},
      refused: () => false,
    });
  }

  #push(write: Write): void {
    noteActivity();
    this.#writes.push(write);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#commit());
  }

  #commit(): void {
    this.#isScheduled = false;
    if (this.#isGone) return;
    noteActivity();
    const writes = [...this.#kept, ...this.#writes];
    this.#writes = [];
    this.#kept = [];
    for (const write of writes) {
      if (this.#disk.full) {
        if (write.refused()) this.#kept.push(write);
      } else {
        write.apply(this.#disk);
        write.committed();
      }
    }
  }
}
