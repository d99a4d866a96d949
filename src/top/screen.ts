/**
 * One screen of `top`: figures in two columns, as lines of plain text with the style of each part beside it. Made for 80
 * columns and 24 lines; in fewer columns one stands below the other, and what does not fit is left out from the bottom.
 */
import { withoutControls } from '../command-line/without-controls.ts';
import { type Figures, isServing, type Quantiles, type WorkerFigures } from './figures.ts';
import { age, bytes, count, dollars, percent, perSecond, sparkline, time } from './format.ts';

export type Style = 'title' | 'good' | 'warn' | 'bad' | 'dim' | 'plain';

export interface Part {
  readonly text: string;
  readonly style: Style;
}

export type ScreenLine = readonly Part[];

export interface View {
  /** Undefined before the first answer. */
  readonly figures: Figures | undefined;
  readonly address: string;
  /** Why there is no answer now, and since when. */
  readonly away: { readonly why: string; readonly since: Date } | undefined;
  readonly paused: boolean;
  readonly restarts: number;
  readonly live: readonly number[];
  readonly now: Date;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** A row of a section: a name, a value, and how it is. */
type Row = readonly [name: string, value: string, style?: Style];

interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

const COLUMN = 39;
const BETWEEN = 2;
const SPARKLINE = 14;
const TWO_COLUMNS = 2 * COLUMN + BETWEEN;
/** Limits from which on a figure is shown as one to act on; the alerts have the same. */
const SLOW_FIRST_TOKEN_SECONDS = 1.5;
const SLOW_LOOP_SECONDS = 0.1;
const OLD_ROW_SECONDS = 300;
const LITTLE_HEADROOM = 0.1;

export function screenOf(view: View, { columns, rows }: Size): ScreenLine[] {
  const head = headOf(view, columns);
  if (view.figures === undefined) return head.slice(0, rows);
  const [left, right] = sectionsOf(view.figures, view.live);
  const body = columns >= TWO_COLUMNS ? besideEachOther(left, right) : [...left, ...right].flatMap(linesOf);
  const style = view.away === undefined ? undefined : 'dim';
  const shown =
    style === undefined ? body : body.map((line) => line.map(({ text }) => ({ text, style }) as const));
  return [...head, ...shown].slice(0, rows).map((line) => cut(line, columns));
}

function headOf({ figures, address, away, paused, restarts, now }: View, columns: number): ScreenLine[] {
  const clock = now.toTimeString().slice(0, 8);
  const name = [`dash-relay ${figures?.version ?? ''}`.trim(), address];
  if (figures?.process.upSeconds != null && away === undefined)
    name.push(`up ${age(figures.process.upSeconds)}`);
  if (restarts > 0) name.push(restarts === 1 ? 'restarted once' : `restarted ${restarts} times`);
  const window = figures === undefined ? '' : `rates over the last ${figures.windowSeconds} s`;
  return [
    [...stateOf(figures, away), plain(`  ${name.join('  ')}`)],
    spread(
      [{ text: paused ? 'PAUSED' : window, style: paused ? 'warn' : 'dim' }],
      `q quit  p pause  ${clock}`,
      columns,
    ),
  ].map((line) => cut(line, columns));
}

function stateOf(figures: Figures | undefined, away: View['away']): ScreenLine {
  if (away !== undefined) {
    const since = away.since.toTimeString().slice(0, 8);
    return [{ text: ` AWAY since ${since} `, style: 'bad' }, plain(` ${away.why}`)];
  }
  if (figures === undefined) return [{ text: ' … ', style: 'dim' }];
  const { status } = figures;
  if (status === null) return [{ text: ' UP ', style: 'good' }];
  return [{ text: ` ${withoutControls(status).toUpperCase()} `, style: status === 'ready' ? 'good' : 'bad' }];
}

/** What is of a fixed height stands above what is not. */
function sectionsOf(figures: Figures, live: readonly number[]): readonly [Section[], Section[]] {
  return [
    [
      streamsSection(figures, live),
      rowsSection(figures),
      dependenciesSection(figures),
      ...workersSections(figures),
    ],
    [
      timeSection(figures),
      processSection(figures),
      { title: 'ERRORS BY CODE', rows: named(figures.errors) },
      { title: 'REFUSALS BY REASON', rows: named(figures.refusals) },
    ],
  ];
}

function streamsSection({ streams, slowReaders }: Figures, live: readonly number[]): Section {
  const pair = (one: number | null, other: number | null) => `${perSecond(one)}, ${perSecond(other)}`;
  const errors = streams.errorsPerSecond;
  return {
    title: 'STREAMS',
    rows: [
      ['live', `${sparkline(live, SPARKLINE)} ${count(streams.live)}`],
      ['connections', count(streams.connections)],
      ['starts / s', perSecond(streams.startsPerSecond)],
      ['done, cancelled / s', pair(streams.donePerSecond, streams.cancelledPerSecond)],
      ['errors / s', perSecond(errors), errors !== null && errors > 0 ? 'warn' : 'plain'],
      ['resumes, deltas / s', pair(streams.resumesPerSecond, streams.deltasPerSecond)],
      ['tokens in, out / s', pair(streams.tokensInPerSecond, streams.tokensOutPerSecond)],
      ['dollars / hour', dollars(streams.usdPerHour)],
      ...Object.entries(slowReaders).map(
        ([outcome, times]): Row => [`slow readers ${outcome}`, count(times), 'warn'],
      ),
    ],
  };
}

function rowsSection({ rows }: Figures): Section {
  const { waiting, oldestSeconds, refused, ledgerDegraded, quotaAlone } = rows;
  return {
    title: 'USAGE ROWS',
    rows: [
      ['waiting, oldest', `${count(waiting)}, ${age(oldestSeconds)}`, isOver(oldestSeconds, OLD_ROW_SECONDS)],
      ['refused by Postgres', count(refused), isOver(refused, 0)],
      ['ledger', ledgerDegraded === 1 ? 'TAKES NO ROWS' : 'ok', isOver(ledgerDegraded, 0)],
      ...(quotaAlone === 1 ? [['quotas', 'COUNTED HERE ALONE', 'bad'] satisfies Row] : []),
    ],
  };
}

function dependenciesSection({ dependencies, keysAgeSeconds, upstream }: Figures): Section {
  const fails = upstream.accountFails === 1;
  return {
    title: 'DEPENDS ON',
    rows: [
      ['model API', fails ? 'ACCOUNT FAILS' : `${count(upstream.open)} open`, fails ? 'bad' : 'plain'],
      ...leastLeft(upstream.headroom),
      ...Object.entries(dependencies).map(
        ([name, up]): Row => [withoutControls(name), up ? 'up' : 'DOWN', up ? 'good' : 'bad'],
      ),
      ...(keysAgeSeconds === null ? [] : [['keys fetched', `${age(keysAgeSeconds)} ago`] satisfies Row]),
    ],
  };
}

/** Of the limits of the model's API, the one that is nearest. */
function leastLeft(headroom: Readonly<Record<string, number>>): Row[] {
  const [least] = Object.entries(headroom).toSorted(([, one], [, other]) => one - other);
  if (least === undefined) return [];
  const [limit, share] = least;
  return [
    [`  least left: ${withoutControls(limit)}`, percent(share), share < LITTLE_HEADROOM ? 'warn' : 'plain'],
  ];
}

function timeSection({ latency }: Figures): Section {
  return {
    title: 'TIME  p50, p95',
    rows: [
      quantileRow('first token', latency.firstToken, SLOW_FIRST_TOKEN_SECONDS),
      ...optional('  of the model', latency.firstTokenModel),
      ...optional('  of the relay', latency.firstTokenRelay),
      ...optional('  at clients', latency.client),
      ...optional('between deltas', latency.deltaGap),
      quantileRow('whole stream', latency.stream),
      quantileRow('cancel to closed', latency.cancel),
    ],
  };
}

function processSection({ process, switches }: Figures): Section {
  const { residentBytes, heapBytes, eventLoopP99Seconds, cpu, openFiles, maxFiles } = process;
  return {
    title: 'PROCESS',
    rows: [
      ['memory, heap', `${bytes(residentBytes)}, ${bytes(heapBytes)}`],
      ['event loop p99', time(eventLoopP99Seconds), isOver(eventLoopP99Seconds, SLOW_LOOP_SECONDS)],
      ['CPU, files', `${percent(cpu)}, ${count(openFiles)} of ${count(maxFiles)}`],
      ...switchRows(switches),
    ],
  };
}

/** Those that do not serve come first: there may be more than there is room for. */
function workersSections({ workers }: Figures): Section[] {
  const rows = Object.entries(workers)
    .toSorted(([, one], [, other]) => Number(isServing(one)) - Number(isServing(other)))
    .map(workerRow);
  return rows.length === 0 ? [] : [{ title: 'WORKERS  streams, connections, CPU', rows }];
}

function workerRow([number, worker]: [string, WorkerFigures]): Row {
  const { state, live, connections, cpu, eventLoopP99Seconds } = worker;
  const name = withoutControls(`${number} ${state ?? ''}`);
  const style = isServing(worker) ? isOver(eventLoopP99Seconds, SLOW_LOOP_SECONDS) : 'bad';
  return [name, `${count(live)}, ${count(connections)}, ${percent(cpu)}`, style];
}

function quantileRow(name: string, { p50, p95 }: Quantiles, slow = Number.POSITIVE_INFINITY): Row {
  return [name, `${time(p50)}, ${time(p95)}`, isOver(p95, slow)];
}

/** What a relay of before does not have takes no line. */
function optional(name: string, quantiles: Quantiles): Row[] {
  return quantiles.p50 === null ? [] : [quantileRow(name, quantiles)];
}

function named(counts: Readonly<Record<string, number>>): Row[] {
  const rows = Object.entries(counts).map(
    ([name, times]): Row => [withoutControls(name), count(times), 'warn'],
  );
  return rows.length > 0 ? rows : [['none', '', 'dim']];
}

/** Only those that hold something back. */
function switchRows(switches: Readonly<Record<string, number>>): Row[] {
  return Object.entries(switches).flatMap(([name, value]): Row[] => {
    const full = name === 'websocket_percent' ? 100 : 1;
    if (value === full) return [];
    return [[`switch ${withoutControls(name)}`, full === 100 ? `${value} %` : 'off', 'warn']];
  });
}

function isOver(value: number | null, limit: number): Style {
  return value !== null && value > limit ? 'bad' : 'plain';
}

function linesOf({ title, rows }: Section): ScreenLine[] {
  return [[{ text: title.padEnd(COLUMN), style: 'title' }], ...rows.map(rowLine)];
}

/** As wide as a column: the name begins it, and the value ends it. */
function rowLine([name, value, style = 'plain']: Row): ScreenLine {
  const room = Math.max(0, COLUMN - value.length - 2);
  return [plain(` ${name.slice(0, room).padEnd(room)} `), { text: value.slice(0, COLUMN), style }];
}

function besideEachOther(left: readonly Section[], right: readonly Section[]): ScreenLine[] {
  const [one, other] = [left.flatMap(linesOf), right.flatMap(linesOf)];
  return Array.from({ length: Math.max(one.length, other.length) }, (_, at) => [
    ...(one[at] ?? [plain(' '.repeat(COLUMN))]),
    plain(' '.repeat(BETWEEN)),
    ...(other[at] ?? []),
  ]);
}

function spread(left: ScreenLine, right: string, columns: number): ScreenLine {
  const used = left.reduce((sum, { text }) => sum + text.length, 0);
  return [
    ...left,
    plain(' '.repeat(Math.max(1, columns - used - right.length))),
    { text: right, style: 'dim' },
  ];
}

function cut(line: ScreenLine, columns: number): ScreenLine {
  let room = columns;
  return line.map(({ text, style }) => {
    const kept = text.slice(0, room);
    room -= kept.length;
    return { text: kept, style };
  });
}

function plain(text: string): Part {
  return { text, style: 'plain' };
}
