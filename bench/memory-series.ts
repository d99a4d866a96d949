/** Resident memory of a process tree over time. */
import { residentMb } from './process-usage.ts';

const SAMPLE_MS = 250;
/** From then on each sample is a second apart. */
const DENSE_FOR_S = 60;

export class MemorySeries {
  /** Seconds since the first, and megabytes. */
  readonly points: (readonly [number, number])[] = [];
  readonly #begun = performance.now();
  readonly #pid: number | null;
  readonly #timer: NodeJS.Timeout;

  /** @param pid of the tree's root; null: no process, no points */
  constructor(pid: number | null) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#sample();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const seconds = (performance.now() - this.#begun) / 1000;
    const [last = 0] = this.points.at(-1) ?? [];
    if (this.#pid === null || (seconds > DENSE_FOR_S && seconds - last < 1)) return;
    try {
      this.points.push([seconds, residentMb(this.#pid)]);
    } catch {
      // It has ended: whoever measures it will say so.
      clearInterval(this.#timer);
    }
  }
}
