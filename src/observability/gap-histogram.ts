/**
 * The time between deltas as a histogram of Prometheus's. Each delta is one observation, so that it is an addition to an
 * array, without labels, objects or hashes: the library's own would cost more than all else a delta costs here.
 */
import type { Histogram, Registry } from 'prom-client';

/** Upper bounds, ms; the last bucket has none. Models send some ten to a hundred deltas a second. */
const BOUNDS_MS = [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];

export class GapHistogram {
  readonly #counts = new Float64Array(BOUNDS_MS.length + 1);
  #sumMs = 0;

  observe(ms: number): void {
    let bucket = 0;
    while (bucket < BOUNDS_MS.length && ms > (BOUNDS_MS[bucket] ?? 0)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumMs += ms;
  }

  /** Has it exposed under that name. */
  register(registry: Registry, { name, help }: { readonly name: string; readonly help: string }): void {
    const metric = {
      name,
      get: async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: this.#values(name) }),
    };
    // All that a registry asks of a metric.
    registry.registerMetric(metric as unknown as Histogram);
  }

  #values(name: string) {
    let count = 0;
    const buckets = Array.from(this.#counts, (inBucket, index) => {
      count += inBucket;
      const bound = BOUNDS_MS[index];
      const le = bound === undefined ? '+Inf' : String(bound / 1000);
      return { metricName: `${name}_bucket`, labels: { le }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: {}, value: this.#sumMs / 1000 },
      { metricName: `${name}_count`, labels: {}, value: count },
    ];
  }
}
