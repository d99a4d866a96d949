/** Keeps one user from filling the log: so many lines for each key and window, the rest is counted. No timer, no list. */
import type { Clock } from '../time/clock.ts';

const WINDOW_MS = 10_000;
const LINES = 20;

export class LineRate {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #leftOut: (lines: number, keys: number) => void;
  #windowStart = 0;
  #lines = new Map<string, number>();

  /** @param leftOut told of a window in which lines were left out, when the next one has begun */
  constructor(clock: Pick<Clock, 'elapsed'>, leftOut: (lines: number, keys: number) => void) {
    this.#clock = clock;
    this.#leftOut = leftOut;
  }

  /** Whether a line about that key may still be written in this window. */
  take(key: string): boolean {
    if (this.#clock.elapsed() - this.#windowStart >= WINDOW_MS) this.#begin();
    const lines = (this.#lines.get(key) ?? 0) + 1;
    this.#lines.set(key, lines);
    return lines <= LINES;
  }

  #begin(): void {
    const over = [...this.#lines.values()].filter((lines) => lines > LINES);
    this.#windowStart = this.#clock.elapsed();
    this.#lines = new Map();
    if (over.length === 0) return;
    const lines = over.reduce((sum, count) => sum + count - LINES, 0);
    this.#leftOut(lines, over.length);
  }
}
