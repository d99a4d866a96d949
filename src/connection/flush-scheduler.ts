/** Gathers everything that has frames to write in one event-loop turn, and flushes it once at the turn's end. */

export interface Flushable {
  /** Whether it is on the list: the scheduler's to change. */
  marked: boolean;
  flush(): void;
}

export class FlushScheduler {
  #dirty: Flushable[] = [];

  mark(flushable: Flushable): void {
    if (flushable.marked) return;
    flushable.marked = true;
    if (this.#dirty.push(flushable) === 1) setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const flushable of dirty) {
      flushable.marked = false;
      flushable.flush();
    }
  };
}
