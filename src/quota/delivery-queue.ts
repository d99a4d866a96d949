/** What Postgres must still hear of runs: each is tried until it has arrived, a few at a time, none while it is down. */
import type { Charge } from './charges.ts';

export interface DeliveryQueueParts {
  /** Idempotent. */
  readonly deliver: (epoch: string, charges: readonly Charge[]) => Promise<void>;
  /** Whether to wait; `resume()` follows. */
  readonly held: () => boolean;
  readonly failed: (cause: unknown) => void;
}

const AT_ONCE = 3;

export class DeliveryQueue {
  readonly #parts: DeliveryQueueParts;
  readonly #waiting = new Map<string, readonly Charge[]>();
  readonly #underway = new Map<string, readonly Charge[]>();
  readonly #idle: (() => void)[] = [];

  constructor(parts: DeliveryQueueParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#waiting.size + this.#underway.size;
  }

  has(epoch: string): boolean {
    return this.#waiting.has(epoch) || this.#underway.has(epoch);
  }

  add(epoch: string, charges: readonly Charge[]): void {
    this.#waiting.set(epoch, charges);
    this.resume();
  }

  /** It need not be heard any more, unless it is under way. */
  drop(epoch: string): void {
    this.#waiting.delete(epoch);
  }

  /** Goes on where it had to wait. */
  resume(): void {
    while (this.#underway.size < AT_ONCE && !this.#parts.held()) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      this.#waiting.delete(next[0]);
      void this.#deliver(...next);
    }
  }

  /** Resolves once nothing is on its way: all has arrived, or Postgres is down. */
  async idle(): Promise<void> {
    if (this.#isIdle) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #deliver(epoch: string, charges: readonly Charge[]): Promise<void> {
    this.#underway.set(epoch, charges);
    try {
      await this.#parts.deliver(epoch, charges);
      this.#underway.delete(epoch);
    } catch (cause) {
      this.#underway.delete(epoch);
      this.#waiting.set(epoch, charges);
      this.#parts.failed(cause);
    }
    this.resume();
    if (this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  get #isIdle(): boolean {
    return this.#underway.size === 0 && (this.#waiting.size === 0 || this.#parts.held());
  }
}
