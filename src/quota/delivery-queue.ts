/**
 * What Postgres must still hear of runs: each is tried until it has arrived, several together, none while it is down. Of one
 * run a later word takes the place of one that waits, and follows one that is under way.
 */
import type { Charge } from './charges.ts';

/** A run, and what it is charged. */
export type ChargedRun = readonly [epoch: string, charges: readonly Charge[]];

export interface DeliveryQueueParts {
  /** Of no run twice. Idempotent. */
  readonly deliver: (runs: readonly ChargedRun[]) => Promise<void>;
  /** Deliveries under way at once, and of how many runs one is at most. */
  readonly atOnce: number;
  readonly together: number;
  /** Whether to wait; `resume()` follows. */
  readonly held: () => boolean;
  readonly failed: (cause: unknown) => void;
}

export class DeliveryQueue {
  readonly #parts: DeliveryQueueParts;
  readonly #waiting = new Map<string, readonly Charge[]>();
  /** With the delivery that each is in, which never rejects. */
  readonly #underway = new Map<string, Promise<void>>();
  readonly #idle: (() => void)[] = [];
  #deliveries = 0;

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

  /** Runs of which something is on its way, or waits. */
  *unheard(): Generator<string> {
    yield* this.#underway.keys();
    yield* this.#waiting.keys();
  }

  /** Goes on where it had to wait. */
  resume(): void {
    while (this.#deliveries < this.#parts.atOnce && !this.#parts.held()) {
      const runs = this.#next();
      if (runs.length === 0) return;
      void this.#deliver(runs);
    }
  }

  /**
   * Resolves once all that there is of a run has arrived, also while all is held; others that wait go with it. What is under way
   * already is waited for: it may be on a connection that answers no more. @throws what `deliver` does: then it waits again
   */
  async deliverHeld(epoch: string): Promise<void> {
    while (this.#underway.has(epoch)) await this.#underway.get(epoch);
    const charges = this.#waiting.get(epoch);
    if (charges === undefined) return;
    this.#waiting.delete(epoch);
    const runs = [[epoch, charges] as const, ...this.#next(this.#parts.together - 1)];
    await this.#send(runs).finally(() => this.#tellIdle());
  }

  /** Resolves once nothing is on its way: all has arrived, or Postgres is down. */
  async idle(): Promise<void> {
    if (this.#isIdle) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Takes the first that wait. */
  #next(most = this.#parts.together): ChargedRun[] {
    const runs: ChargedRun[] = [];
    for (const run of this.#waiting) {
      if (runs.length === most) break;
      if (!this.#underway.has(run[0])) runs.push(run);
    }
    for (const [epoch] of runs) this.#waiting.delete(epoch);
    return runs;
  }

  async #deliver(runs: readonly ChargedRun[]): Promise<void> {
    await this.#send(runs).catch(this.#parts.failed);
    this.resume();
    this.#tellIdle();
  }

  async #send(runs: readonly ChargedRun[]): Promise<void> {
    this.#deliveries += 1;
    const { promise: over, resolve: tellOver } = Promise.withResolvers<void>();
    for (const [epoch] of runs) this.#underway.set(epoch, over);
    try {
      await this.#parts.deliver(runs);
    } catch (cause) {
      for (const [epoch, charges] of runs) if (!this.#waiting.has(epoch)) this.#waiting.set(epoch, charges);
      throw cause;
    } finally {
      this.#deliveries -= 1;
      for (const [epoch] of runs) this.#underway.delete(epoch);
      tellOver();
    }
  }

  #tellIdle(): void {
    if (this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  get #isIdle(): boolean {
    return this.#underway.size === 0 && (this.#waiting.size === 0 || this.#parts.held());
  }
}
