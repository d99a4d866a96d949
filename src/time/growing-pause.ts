/** How long to wait before something that failed is tried again: twice as long each time, up to a longest. Owns no timer. */
export class GrowingPause {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #ms: number;

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#ms = firstMs;
  }

  /** It failed: so many ms from now. */
  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(2 * ms, this.#longestMs);
    return ms;
  }

  /** It worked. */
  reset(): void {
    this.#ms = this.#firstMs;
  }
}
