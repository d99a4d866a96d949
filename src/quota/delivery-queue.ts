/**
 * What Postgres must still hear of runs: each is tried until it has arrived, a few at a time, none while it is down. Of one
 * run a later word takes the place of one that waits, and follows one that is under way.
 */
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
  readonly #underway = new Set<string>();
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

  /** Runs of which something waits. */
  get waiting(): Iterable<string> {
    return this.#waiting.keys();
  }

  /** Goes on where it had to wait. */
  resume(): void {
    for (const [epoch, charges] of this.#waiting) {
      if (this.#underway.size >= AT_ONCE || this.#parts.held()) return;
      if (this.#underway.has(epoch)) continue;
      this.#waiting.delete(epoch);
      void this.#deliver(epoch, charges);
    }
  }

  /** Delivers what waits of a run, also while all is held. @throws what `deliver` does: then it waits again */
  async deliverHeld(epoch: string): Promise<void> {
    const charges = this.#waiting.get(epoch);
    if (charges === undefined || this.#underway.has(epoch)) return;
    this.#waiting.delete(epoch);
    await this.#send(epoch, charges).finally(() => this.#tellIdle());
  }

  /** Resolves once nothing is on its way: all has arrived, or Postgres is down. */
  async idle(): Promise<void> {
    if (this.#isIdle) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #deliver(epoch: string, charges: readonly Charge[]): Promise<void> {
    await this.#send(epoch, charges).catch(this.#parts.failed);
    this.resume();
    this.#tellIdle();
  }

  async #send(epoch: string, charges: readonly Charge[]): Promise<void> {
    this.#underway.add(epoch);
    try {
      await this.#parts.deliver(epoch, charges);
    } catch (cause) {
      if (!this.#waiting.has(epoch)) this.#waiting.set(epoch, charges);
      throw cause;
    } finally {
      this.#underway.delete(epoch);
    }
  }

  #tellIdle(): void {
    if (this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  get #isIdle(): boolean {
    return this.#underway.size === 0 && (this.#waiting.size === 0 || this.#parts.held());
  }
}
