/** From values to places on an axis, and the ticks between. Pure. */

export interface Scale {
  /** 0 at the low end, 1 at the high. */
  place(value: number): number;
  readonly ticks: readonly number[];
}

const TICKS = 5;

/** From 0 to a round number above all values. */
export function linearScale(values: readonly number[]): Scale {
  const top = Math.max(...values, Number.MIN_VALUE);
  const step = roundStep(top / TICKS);
  const end = Math.ceil(top / step) * step;
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, index) => clean(index * step));
  return { place: (value) => value / end, ticks };
}

/** From 0 to the largest value, wherever that falls. */
export function timeScale(values: readonly number[]): Scale {
  const end = Math.max(...values, Number.MIN_VALUE);
  const step = roundStep(end / (2 * TICKS));
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => clean(index * step));
  return { place: (value) => value / end, ticks };
}

/** Ticks at 1, 2 and 5 of each decade the values touch. None may be 0 or less. */
export function logScale(values: readonly number[]): Scale {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const candidates = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    candidates.push(...[1, 2, 5].map((digit) => clean(digit * 10 ** power)));
  }
  const begin = candidates.findLast((tick) => tick <= low) ?? low;
  const end = candidates.find((tick) => tick >= high && tick > begin) ?? high;
  const ticks = candidates.filter((tick) => tick >= begin && tick <= end);
  return { place: logPlace(begin, end), ticks: thinned(ticks) };
}

/** A logarithmic axis whose ticks are the values themselves, with a little room at both ends. */
export function stepScale(values: readonly number[]): Scale {
  const ticks = [...new Set(values)].toSorted((left, right) => left - right);
  const [low = 1, high = 1] = [ticks[0], ticks.at(-1)];
  const place = low === high ? () => 0.5 : logPlace(low, high);
  return { place: (value) => 0.04 + 0.92 * place(value), ticks };
}

/** Percentiles, each further nine as far from the last as the one before: 0, 90, 99, 99.9 …  */
export function nineScale(values: readonly number[]): Scale {
  const nines = (percentile: number) => -Math.log10(1 - percentile / 100);
  const end = Math.max(...values.map(nines));
  const ticks = [0, 50, 90, 99, 99.9, 99.99].filter((tick) => nines(tick) <= end + 1e-9);
  return { place: (percentile) => nines(percentile) / end, ticks };
}

function logPlace(low: number, high: number): (value: number) => number {
  return (value) => Math.log(value / low) / Math.log(high / low);
}

/** Too many lines hide the curves: then only the decades and their fives. */
function thinned(ticks: readonly number[]): readonly number[] {
  if (ticks.length <= 9) return ticks;
  return ticks.filter(
    (tick) =>
      !String(tick)
        .replace(/^[0.]*/, '')
        .startsWith('2'),
  );
}

/** 1, 2 or 5 times a power of ten: the next at or above. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const digit = [1, 2, 5, 10].find((each) => each * power >= least * 0.999) ?? 10;
  return digit * power;
}

/** Without the last bits of binary fractions. */
function clean(value: number): number {
  return Number(value.toPrecision(12));
}
