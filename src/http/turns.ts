/**
 * Spreads work over turns of the event loop, first come, first served. Thousands of clients are cut off or come back at
 * once where a network or a machine was away: all of that work in one turn would hold up every live stream for its length.
 */
export class Turns {
  readonly #perTurn: number;
  /** Pieces this turn still takes. */
  #left: number;
  #waiting: (() => void)[] = [];

  /** @param perTurn how many pieces of work one turn takes */
  constructor(perTurn: number) {
    this.#perTurn = perTurn;
    this.#left = perTurn;
  }

  /** Does the work at once if this turn has room for it, else in the first turn that has. */
  run(work: () => void): void {
    if (this.#left === 0) {
      this.#waiting.push(work);
      return;
    }
    this.#spend(1);
    work();
  }

  /** Resolves when it is one's turn. */
  take(): Promise<void> {
    return new Promise((resolve) => this.run(resolve));
  }

  #spend(pieces: number): void {
    if (this.#left === this.#perTurn) setImmediate(this.#next);
    this.#left -= pieces;
  }

  readonly #next = (): void => {
    this.#left = this.#perTurn;
    const due = this.#waiting.splice(0, this.#perTurn);
    if (due.length > 0) this.#spend(due.length);
    for (const work of due) work();
  };
}
