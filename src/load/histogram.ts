/** Distributions of times on Node's built-in HDR histogram: microseconds inside, three figures. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Longer ones count as that, microseconds: eleven minutes, more than an answer may take. */
const LONGEST = 660_000_000;

/** In milliseconds, rounded to tenths; null where nothing was recorded. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

export class Histogram {
  readonly #recorded: RecordableHistogram = createHistogram({ lowest: 1, highest: LONGEST, figures: 3 });

  get count(): number {
    return this.#recorded.count;
  }

  /** Milliseconds. */
  get max(): number | null {
    return this.count === 0 ? null : this.#recorded.max / 1000;
  }

  /** @param ms of which a part of a microsecond is lost */
  record(ms: number): void {
    this.#recorded.record(Math.min(LONGEST, Math.max(1, Math.round(ms * 1000))));
  }

  reset(): void {
    this.#recorded.reset();
  }

  /** Milliseconds. @param percentile above 0, up to 100 */
  percentile(percentile: number): number | null {
    return this.count === 0 ? null : this.#recorded.percentile(percentile) / 1000;
  }

  summary(): Percentiles {
    const at = (percentile: number) => tenths(this.percentile(percentile));
    return { count: this.count, p50: at(50), p95: at(95), p99: at(99), max: tenths(this.max) };
  }
}

function tenths(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}
