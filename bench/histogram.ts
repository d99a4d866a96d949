/** Distributions of times in microseconds, on Node's built-in HDR histogram (three figures). */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

const ONE_MINUTE = 60_000_000;
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
  readonly #recorded: RecordableHistogram = createHistogram({ lowest: 1, highest: ONE_MINUTE, figures: 3 });

  record(micros: number): void {
    this.#recorded.record(Math.min(ONE_MINUTE, Math.max(1, Math.round(micros))));
  }

  reset(): void {
    this.#recorded.reset();
  }

  summary(): Distribution {
    const { count } = this.#recorded;
    if (count === 0) return NOTHING;
    const at = (percentile: number) => this.#recorded.percentile(percentile) / 1000;
    return {
      count,
      p50: at(50),
      p90: at(90),
      p99: at(99),
      max: this.#recorded.max / 1000,
      curve: CURVE.map((percentile) => [percentile, at(percentile)] as const),
    };
  }
}
