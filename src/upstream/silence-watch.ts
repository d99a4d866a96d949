/**
 * How long one response has been silent. The hot path only counts; a check, a few times a second, sees which counts
 * have moved since the last one. So a delta costs neither a timer nor a look at the clock.
 */
export class SilenceWatch {
  #pulse = 0;
  #content = 0;
  #quietSince: number;
  #emptySince: number;

  /** @param now ms, on the scale of `check`. */
  constructor(now: number) {
    this.#quietSince = now;
    this.#emptySince = now;
  }

  /**
   * @param pulse signs of life so far.
   * @param content events so far that said something (pings do not).
   * @returns ms since each of them moved, as exact as the checks are frequent.
   */
  check(now: number, pulse: number, content: number): { readonly quietMs: number; readonly emptyMs: number } {
    if (pulse !== this.#pulse) this.#quietSince = now;
    if (content !== this.#content) this.#emptySince = now;
    this.#pulse = pulse;
    this.#content = content;
    return { quietMs: now - this.#quietSince, emptyMs: now - this.#emptySince };
  }
}
