/**
 * One place where an operator sets what relays read while they run. While it cannot be used, what it said last holds, and
 * that is told once. Does not own what it says.
 */
import { FleetUnreachable } from '../cluster/fleet-table.ts';
import { systemClock, type Timer } from '../time/clock.ts';

export class WatchedPlace {
  readonly #read: () => void | Promise<void>;
  readonly #onFault: (why: string, level: 'warn' | 'error') => void;
  #fault: string | undefined;
  #timer: Timer | undefined;

  /**
   * @param read takes what it says; throws, or rejects, where it cannot be used
   * @param onFault told why: `warn` where it cannot be asked now, `error` where what it says is wrong
   */
  constructor(read: () => void | Promise<void>, onFault: (why: string, level: 'warn' | 'error') => void) {
    this.#read = read;
    this.#onFault = onFault;
  }

  /** Whether it could be used when it was read last. */
  get usable(): boolean {
    return this.#fault === undefined;
  }

  /** Reads it again and again, every so many ms. */
  watch(everyMs: number): void {
    this.#timer ??= systemClock.every(everyMs, () => void this.read());
  }

  /** What can be read at once is read when this returns. Never rejects. */
  async read(): Promise<void> {
    try {
      await this.#read();
      this.#fault = undefined;
    } catch (cause) {
      const { message: why } = cause as Error; // of the operator's own file, or of Redis in a word
      const isAway = cause instanceof FleetUnreachable;
      // An outage has more than one reason while it lasts.
      const fault = isAway ? 'unreachable' : why;
      if (fault !== this.#fault) this.#onFault(why, isAway ? 'warn' : 'error');
      this.#fault = fault;
    }
  }

  close(): void {
    this.#timer?.cancel();
  }
}

/** How soon a change of a file counts, ms. */
export const FILE_EACH_MS = 500;
/** How soon one of the fleet does at the latest, ms: where the message that tells of it was lost. */
export const FLEET_EACH_MS = 1000;
