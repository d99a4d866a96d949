/**
 * The breaker in front of a service such as Postgres. The first failure opens it: from then on nobody waits for the
 * service, and a probe in the background asks whether it is back.
 *
 *   open ──probe succeeded──► closed ──trip──► open ──1 s, 2 s … 15 s──► probe
 */
import type { Clock, Timer } from './clock.ts';
import { GrowingPause } from './growing-pause.ts';

export interface OutageEvents {
  /** From now on nobody asks it. */
  readonly onOutage: (cause: unknown) => void;
  readonly onRecovered: () => void;
}

export interface OutageParts extends OutageEvents {
  readonly clock: Clock;
  /** Resolves when it can be asked again, and knows what it has to know for that. */
  readonly probe: () => Promise<void>;
  /** It is asked again. */
  readonly onOver: () => void;
}

const FIRST_PROBE_MS = 1000;
const LAST_PROBE_MS = 15_000;

export class Outage {
  readonly #parts: OutageParts;
  #over = false;
  #reported = false;
  readonly #pauses = new GrowingPause(FIRST_PROBE_MS, LAST_PROBE_MS);
  #timer: Timer | undefined;
  #closed = false;

  constructor(parts: OutageParts) {
    this.#parts = parts;
  }

  /** Whether it can be asked. False until the first `probe`. */
  get over(): boolean {
    return this.#over;
  }

  /** Asks now. Never rejects. */
  async probe(): Promise<void> {
    this.#timer = undefined;
    try {
      await this.#parts.probe();
    } catch (cause) {
      if (this.#closed) return;
      this.#report(cause);
      this.#askLater();
      return;
    }
    if (this.#closed) return;
    this.#over = true;
    this.#pauses.reset();
    if (this.#reported) this.#parts.onRecovered();
    this.#reported = false;
    this.#parts.onOver();
  }

  /** It failed, or was too slow. */
  trip(cause: unknown): void {
    if (!this.#over) return;
    this.#over = false;
    this.#report(cause);
    this.#askLater();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #report(cause: unknown): void {
    if (this.#reported) return;
    this.#reported = true;
    this.#parts.onOutage(cause);
  }

  #askLater(): void {
    if (this.#closed) return;
    this.#timer = this.#parts.clock.after(this.#pauses.next(), () => void this.probe());
  }
}

/**
 * The promise's outcome, or a rejection once `ms` have passed. What comes later is ignored. What came while this
 * process itself was too busy to look is not late: it gets one turn of the event loop to be heard.
 */
export async function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  // A rejection that nobody waits for any more is no failure.
  late.catch(() => {});
  const timer = clock.after(ms, () => setImmediate(() => reject(new Error(`no answer in ${ms} ms`))));
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.cancel();
  }
}
