/** Gathers everything that has frames to write in one event-loop turn, and flushes it once at the turn's end. */

export interface Flushable {
  flush(): void;
}

export class FlushScheduler {
  #dirty = new Set<Flushable>();
  #scheduled = false;

  mark(flushable: Flushable): void {
    this.#dirty.add(flushable);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    const dirty = this.#dirty;
    this.#dirty = new Set();
    this.#scheduled = false;
    for (const flushable of dirty) flushable.flush();
  }
}
