/**
 * Spreads work over turns of the event loop, first come, first served; of those who wait, each in turn. Thousands of
 * clients are cut off or come back at once where a network or a machine was away: all of that work in one turn would hold
 * up every live stream for its length.
 */
export class EventLoopLimiter {
  readonly #perTurn: number;
  /** Pieces this turn still takes. */
  #left: number;
  /** By whose it is. Who was served last waits until after the others. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /** @param perTurn how many pieces of work one turn takes */
  constructor(perTurn: number) {
    this.#perTurn = perTurn;
    this.#left = perTurn;
  }

  /**
   * Does the work at once if this turn has room for it, else in the first turn that has.
   * @param whose one waits for no more than one of each other
   */
  run(work: () => void, whose = ''): void {
    if (this.#left === 0) {
      const others = this.#waiting.get(whose);
      if (others === undefined) this.#waiting.set(whose, [work]);
      else others.push(work);
      return;
    }
    this.#spend(1);
    work();
  }

  /** Undefined where this turn has room; otherwise resolves when it is one's turn. */
  take(whose = ''): Promise<void> | undefined {
    if (this.#left === 0) return new Promise((resolve) => this.run(resolve, whose));
    this.#spend(1);
    return undefined;
  }

  #spend(pieces: number): void {
    if (this.#left === this.#perTurn) setImmediate(this.#next);
    this.#left -= pieces;
  }

  readonly #next = (): void => {
    this.#left = this.#perTurn;
    const due: (() => void)[] = [];
    while (due.length < this.#perTurn && this.#waiting.size > 0)
      due.push(...this.#round(this.#perTurn - due.length));
    if (due.length > 0) this.#spend(due.length);
    for (const work of due) work();
  };

  /** One of each, of `most` at most; who has more takes the last place again. */
  #round(most: number): (() => void)[] {
    // Of a crowd of thousands only those are listed whose turn it is.
    const whose: string[] = [];
    for (const key of this.#waiting.keys()) {
      if (whose.length === most) break;
      whose.push(key);
    }
    return whose.map((key) => {
      const queue = this.#waiting.get(key) ?? [];
      const [first = () => {}] = queue.splice(0, 1);
      this.#waiting.delete(key);
      if (queue.length > 0) this.#waiting.set(key, queue);
      return first;
    });
  }
}
