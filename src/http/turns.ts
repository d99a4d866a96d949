/**
 * Spreads work over turns of the event loop, first come, first served. Thousands of clients come back at once where a
 * network or a machine was away: all of their handshakes in one turn would hold up every live stream for its length.
 */
export class Turns {
  readonly #perTurn: number;
  #waiting: (() => void)[] = [];

  /** @param perTurn how many pieces of work one turn takes */
  constructor(perTurn: number) {
    this.#perTurn = perTurn;
  }

  /** Resolves when it is one's turn. */
  take(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) === 1) setImmediate(this.#next);
    });
  }

  readonly #next = (): void => {
    for (const resolve of this.#waiting.splice(0, this.#perTurn)) resolve();
    if (this.#waiting.length > 0) setImmediate(this.#next);
  };
}
