/** Pieces of PromQL that several dashboards use. */

/** Seconds below which this share of observations lies, by these labels as well. */
export function quantile(share: number, histogram: string, selector: string, ...by: string[]): string {
  const labels = ['le', ...by].join(', ');
  return `histogram_quantile(${share}, sum by (${labels}) (rate(${histogram}_bucket{${selector}}[$__rate_interval])))`;
}

/** A second, summed by these labels. */
export function rate(counter: string, selector: string, ...by: string[]): string {
  return `sum by (${by.join(', ')}) (rate(${counter}{${selector}}[$__rate_interval]))`;
}

/** The same, without the labels under which nothing happens. */
export function rateAbove0(counter: string, selector: string, ...by: string[]): string {
  return `${rate(counter, selector, ...by)} > 0`;
}
