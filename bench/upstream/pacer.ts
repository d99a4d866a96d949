/**
 * One timer for all answers: a ring of slots, one a millisecond of the period between two deltas. An answer stays
 * in the slot where its first delta fell, so that phases are as spread as first deltas are. A late tick catches up.
 */
const TICK_MS = 1;

export interface Paced {
  /** Writes the next piece; false when nothing is left. */
  advance(): boolean;
}

interface Entry {
  readonly answer: Paced;
  /** Whole periods to wait before the first piece. */
  roundsLeft: number;
}

export class Pacer {
  readonly #slots: Set<Entry>[];
  readonly #periodMs: number;
  readonly #timer: NodeJS.Timeout;
  /** The next tick to serve, in ticks since `#startedAt`. */
  #tick = 0;
  readonly #startedAt = performance.now();

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
    this.#slots = Array.from({ length: Math.max(1, Math.round(periodMs / TICK_MS)) }, () => new Set<Entry>());
    this.#timer = setInterval(() => this.#serve(), TICK_MS);
  }

  /** The first piece of `answer` comes after `delayMs`, each further one a period later. Returns its removal. */
  add(answer: Paced, delayMs: number): () => void {
    const ticks = Math.max(1, Math.ceil(delayMs / TICK_MS));
    const slot = this.#slot(this.#tick + ticks);
    const entry = { answer, roundsLeft: Math.floor((ticks * TICK_MS) / this.#periodMs) };
    slot.add(entry);
    return () => slot.delete(entry);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #serve(): void {
    const due = Math.floor((performance.now() - this.#startedAt) / TICK_MS);
    for (; this.#tick <= due; this.#tick += 1) {
      const slot = this.#slot(this.#tick);
      for (const entry of slot) {
        if (entry.roundsLeft > 0) entry.roundsLeft -= 1;
        else if (!entry.answer.advance()) slot.delete(entry);
      }
    }
  }

  #slot(tick: number): Set<Entry> {
    const slot = this.#slots[tick % this.#slots.length];
    if (slot === undefined) throw new Error('the ring has no such slot');
    return slot;
  }
}
