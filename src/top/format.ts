/** Figures as words of a screen: short, and none that is wider than its column. */

const BARS = '▁▂▃▄▅▆▇█';

/** Without a figure: a dash. */
type Figure = number | null;

export function count(value: Figure): string {
  if (value === null) return '-';
  if (value < 10_000) return String(Math.round(value));
  return value < 10_000_000 ? `${(value / 1000).toFixed(1)}k` : `${(value / 1_000_000).toFixed(1)}M`;
}

export function perSecond(value: Figure): string {
  if (value === null) return '-';
  return value < 10 ? value.toFixed(2) : count(value);
}

export function dollars(value: Figure): string {
  if (value === null) return '-';
  return `$${value < 10 ? value.toFixed(3) : value.toFixed(0)}`;
}

/** Infinity: above what the histogram can tell. */
export function time(seconds: Figure): string {
  if (seconds === null) return '-';
  if (seconds === Number.POSITIVE_INFINITY) return '> 600 s';
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 10 ? `${seconds.toFixed(2)} s` : `${Math.round(seconds)} s`;
}

/** How long something has lasted: its two largest units. */
export function age(seconds: Figure): string {
  if (seconds === null) return '-';
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  const at = units.findIndex(([size]) => seconds >= size);
  const [size, name] = units[at] ?? [1, 's'];
  const whole = Math.floor(seconds / size);
  const next = units[at + 1];
  const rest = next === undefined ? 0 : Math.floor((seconds - whole * size) / next[0]);
  return rest > 0 && next !== undefined ? `${whole} ${name} ${rest} ${next[1]}` : `${whole} ${name}`;
}

export function bytes(value: Figure): string {
  if (value === null) return '-';
  return value < 1e9 ? `${Math.round(value / 1e6)} MB` : `${(value / 1e9).toFixed(2)} GB`;
}

export function percent(share: Figure): string {
  return share === null ? '-' : `${Math.round(share * 100)} %`;
}

/** A line of bars, one for each value, the highest full; of as many values as there is room for. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const most = Math.max(1, ...shown);
  return shown.map((value) => BARS[Math.round((value / most) * (BARS.length - 1))] ?? '').join('');
}
