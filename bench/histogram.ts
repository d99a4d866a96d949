/** Distributions of times in microseconds, as the load command's own but for what plots are drawn from. */
import { Histogram as Recorded } from '../src/load/histogram.ts';

/** What a plot of a distribution is drawn from. */
const CURVE = [1, 10, 25, 50, 75, 90, 95, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.99];

export interface Distribution {
  readonly count: number;
  /** All in milliseconds; NaN where nothing was recorded, which JSON turns into null. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  /** Percentile, and its value in milliseconds. */
  readonly curve: readonly (readonly [number, number])[];
}

const NOTHING: Distribution = { count: 0, p50: NaN, p90: NaN, p99: NaN, max: NaN, curve: [] };

export class Histogram {
  readonly #recorded = new Recorded();

  record(micros: number): void {
    this.#recorded.record(micros / 1000);
  }

  reset(): void {
    this.#recorded.reset();
  }

  summary(): Distribution {
    const { count, max } = this.#recorded;
    if (max === null) return NOTHING;
    const at = (percentile: number) => this.#recorded.percentile(percentile) ?? NaN;
    return {
      count,
      p50: at(50),
      p90: at(90),
      p99: at(99),
      max,
      curve: CURVE.map((percentile) => [percentile, at(percentile)] as const),
    };
  }
}
