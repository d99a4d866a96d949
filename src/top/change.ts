/** What two scrapes of the same process tell of the time between them: rates, shares and quantiles. */
import type { Sample, Samples } from './exposition.ts';
import type { Scrape } from './scrape.ts';

type Labels = Readonly<Record<string, string>>;

/** The sum of all samples with these labels; undefined where the relay has none. */
export function sumOf(samples: Samples, name: string, labels: Labels = {}): number | undefined {
  const found = samples.get(name)?.filter((sample) => matches(sample, labels));
  if (found === undefined || found.length === 0) return undefined;
  return found.reduce((sum, { value }) => sum + value, 0);
}

/** Sums by the values of a label. */
export function sumsBy(
  samples: Samples,
  name: string,
  label: string,
  labels: Labels = {},
): Map<string, number> {
  const sums = new Map<string, number>();
  for (const sample of samples.get(name) ?? []) {
    const value = sample.labels[label];
    if (value !== undefined && matches(sample, labels))
      sums.set(value, (sums.get(value) ?? 0) + sample.value);
  }
  return sums;
}

function matches({ labels }: Sample, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

/** Whether a counter of the one before is ahead: another process answers than before. */
export function isRestart(before: Scrape, after: Scrape): boolean {
  const started = (scrape: Scrape) => sumOf(scrape.samples, 'dash_process_start_time_seconds');
  if (started(before) !== started(after)) return true;
  const ended = (scrape: Scrape) => sumOf(scrape.samples, 'dash_streams_ended_total') ?? 0;
  return ended(after) < ended(before);
}

export class Change {
  readonly #from: Samples;
  readonly #to: Samples;
  readonly seconds: number;

  constructor(from: Scrape, to: Scrape) {
    this.#from = from.samples;
    this.#to = to.samples;
    this.seconds = (to.at - from.at) / 1000;
  }

  /** Of a counter; undefined where the relay has none, or no time has passed. */
  increase(name: string, labels: Labels = {}): number | undefined {
    const now = sumOf(this.#to, name, labels);
    if (now === undefined || this.seconds <= 0) return undefined;
    return now - (sumOf(this.#from, name, labels) ?? 0);
  }

  /** A second. */
  rate(name: string, labels: Labels = {}): number | undefined {
    const increase = this.increase(name, labels);
    return increase === undefined ? undefined : increase / this.seconds;
  }

  /** By the values of a label, the largest first; none that stayed as it was. */
  increasesBy(name: string, label: string, labels: Labels = {}): [string, number][] {
    const before = sumsBy(this.#from, name, label, labels);
    return [...sumsBy(this.#to, name, label, labels)]
      .map(([value, now]): [string, number] => [value, now - (before.get(value) ?? 0)])
      .filter(([, increase]) => increase > 0)
      .toSorted(([, one], [, other]) => other - one);
  }

  /**
   * Of a histogram, as `histogram_quantile` of Prometheus has it: even within a bucket. Infinity: above its last bound.
   * Undefined where nothing was observed.
   */
  quantile(quantile: number, histogram: string): number | undefined {
    const buckets = this.#buckets(histogram);
    const total = buckets.at(-1)?.count ?? 0;
    if (total <= 0) return undefined;
    const rank = quantile * total;
    const at = buckets.findIndex(({ count }) => count >= rank);
    const [lower, upper] = [buckets[at - 1], buckets[at]];
    if (upper === undefined || upper.bound === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    const [start, below] = [lower?.bound ?? 0, lower?.count ?? 0];
    return start + ((upper.bound - start) * (rank - below)) / (upper.count - below);
  }

  /** Observed between the two, cumulated, by upper bound. */
  #buckets(histogram: string): { readonly bound: number; readonly count: number }[] {
    const name = `${histogram}_bucket`;
    const before = sumsBy(this.#from, name, 'le');
    return [...sumsBy(this.#to, name, 'le')]
      .map(([le, now]) => ({
        bound: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le),
        count: now - (before.get(le) ?? 0),
      }))
      .toSorted((one, other) => one.bound - other.bound);
  }
}
