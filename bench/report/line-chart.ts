/** A line chart as SVG text: title, axes, one line a series with whiskers, names at the lines' ends. Pure. */
import { short } from './numbers.ts';
import type { Scale } from './scale.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
  /** A whisker at a dot, part of a band without dots. */
  readonly low?: number;
  readonly high?: number;
}

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  readonly colour: string;
  /** Ours: drawn thicker. */
  readonly own?: boolean;
  /** A dot at each point: for few points. */
  readonly dots?: boolean;
}

export interface Axis {
  readonly label: string;
  readonly scale: Scale;
}

export interface LineChart {
  readonly title: string;
  readonly subtitle: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

const WIDTH = 860;
const HEIGHT = 480;
const PLOT = { left: 70, top: 92, right: WIDTH - 150, bottom: HEIGHT - 56 };
const INK = '#1f2430';
const SOFT_INK = '#5b6472';
const GRID = '#e4e7ec';
/** Names at the right must not overlap. */
const NAME_HEIGHT = 15;

export function lineChart(chart: LineChart): string {
  const { title, subtitle, x, y, series } = chart;
  const ends = spreadNames(series.map((each) => lastPlace(each, y.scale)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ` +
      `font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(24, 30, title, { size: 17, weight: 600 }),
    text(24, 51, subtitle, { size: 12.5, colour: SOFT_INK }),
    ...y.scale.ticks.map((tick) => horizontal(tick, y.scale)),
    ...x.scale.ticks.map((tick) => vertical(tick, x.scale)),
    text(24, PLOT.top - 14, y.label, { size: 12, colour: SOFT_INK }),
    text((PLOT.left + PLOT.right) / 2, HEIGHT - 14, x.label, {
      size: 12,
      colour: SOFT_INK,
      anchor: 'middle',
    }),
    ...series.map((each, index) => drawn(each, chart, ends[index] ?? 0)),
    '</svg>',
    '',
  ].join('\n');
}

function drawn(series: Series, { x, y }: LineChart, nameAt: number): string {
  const { name, points, colour, own, dots } = series;
  const places = points.map((point) => `${px(point.x, x.scale)},${py(point.y, y.scale)}`);
  const spread = dots
    ? points.flatMap((point) => whisker(point, colour, x.scale, y.scale))
    : [band(points, colour, x.scale, y.scale)];
  const last = points.at(-1);
  const nameX = last === undefined ? PLOT.right : px(last.x, x.scale);
  const leader =
    PLOT.right - nameX > 12
      ? `<line x1="${nameX + 6}" y1="${py(last?.y ?? 0, y.scale)}" x2="${PLOT.right + 4}" y2="${nameAt}" stroke="${colour}" stroke-width="0.8" stroke-dasharray="2 3"/>`
      : '';
  return [
    `<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="${own ? 3 : 1.8}" stroke-linejoin="round"/>`,
    ...spread,
    ...(dots
      ? points.map(
          (point) =>
            `<circle cx="${px(point.x, x.scale)}" cy="${py(point.y, y.scale)}" r="${own ? 4.5 : 3.2}" fill="${colour}"/>`,
        )
      : []),
    leader,
    text(PLOT.right + 10, nameAt + 4, name, { size: 12.5, colour, weight: own ? 700 : 400 }),
  ].join('\n');
}

function whisker({ x, low, high }: Point, colour: string, xs: Scale, ys: Scale): readonly string[] {
  if (low === undefined || high === undefined || low === high) return [];
  const at = px(x, xs);
  const [top, bottom] = [py(high, ys), py(low, ys)];
  const path = `M${at} ${top}V${bottom}M${at - 4} ${top}h8M${at - 4} ${bottom}h8`;
  return [`<path d="${path}" stroke="${colour}" stroke-width="1.2" fill="none"/>`];
}

function band(points: readonly Point[], colour: string, xs: Scale, ys: Scale): string {
  const upper = points.map(({ x, y, high = y }) => `${px(x, xs)},${py(high, ys)}`);
  const lower = points.map(({ x, y, low = y }) => `${px(x, xs)},${py(low, ys)}`).toReversed();
  return `<polygon points="${[...upper, ...lower].join(' ')}" fill="${colour}" fill-opacity="0.13"/>`;
}

function horizontal(tick: number, scale: Scale): string {
  const y = py(tick, scale);
  return (
    `<line x1="${PLOT.left}" y1="${y}" x2="${PLOT.right}" y2="${y}" stroke="${GRID}"/>` +
    text(PLOT.left - 8, y + 4, short(tick), { size: 12, colour: SOFT_INK, anchor: 'end' })
  );
}

function vertical(tick: number, scale: Scale): string {
  const x = px(tick, scale);
  // 99.99 would lose its last nine to three figures.
  const label = tick > 99 && tick < 100 ? String(tick) : short(tick);
  return (
    `<line x1="${x}" y1="${PLOT.top}" x2="${x}" y2="${PLOT.bottom}" stroke="${GRID}"/>` +
    text(x, PLOT.bottom + 18, label, { size: 12, colour: SOFT_INK, anchor: 'middle' })
  );
}

function lastPlace({ points }: Series, scale: Scale): number {
  return py(points.at(-1)?.y ?? 0, scale);
}

/** Moves names apart, the lower ones down, and all up again where the last would leave the plot. */
export function spreadNames(places: readonly number[]): readonly number[] {
  const order = places.map((place, index) => ({ place, index })).toSorted((a, b) => a.place - b.place);
  const spread: number[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (const { place, index } of order) {
    spread[index] = Math.max(place, least);
    least = spread[index] + NAME_HEIGHT;
  }
  let most = PLOT.bottom;
  for (const { index } of order.toReversed()) {
    spread[index] = Math.min(spread[index] ?? 0, most);
    most = spread[index] - NAME_HEIGHT;
  }
  return spread;
}

interface TextStyle {
  readonly size: number;
  readonly colour?: string;
  readonly weight?: number;
  readonly anchor?: 'middle' | 'end';
}

function text(x: number, y: number, content: string, style: TextStyle): string {
  const { size, colour = INK, weight = 400, anchor = 'start' } = style;
  return `<text x="${x}" y="${y}" font-size="${size}" fill="${colour}" font-weight="${weight}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

function px(value: number, scale: Scale): number {
  return round(PLOT.left + scale.place(value) * (PLOT.right - PLOT.left));
}

function py(value: number, scale: Scale): number {
  return round(PLOT.bottom - scale.place(value) * (PLOT.bottom - PLOT.top));
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
