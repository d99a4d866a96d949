/**
 * One line of the relay's log for a person: columns for what streams have, and what else an event says after them, by
 * name. Fields hold text of clients too, and a terminal obeys what it is shown: none of it gets there as it came.
 */
import { withoutControls } from '../command-line/without-controls.ts';

/** A line of the relay, parsed. */
export type LogFields = Readonly<Record<string, unknown>>;

interface Column {
  readonly title: string;
  /** Characters; what is longer is cut. */
  readonly width: number;
  of(fields: LogFields): string;
}

/** Enough of an id to tell it from others, and to find it by. */
const ID_LENGTH = 8;

const COMMON: readonly Column[] = [
  { title: 'event', width: 25, of: ({ event }) => plain(event) },
  { title: 'door', width: 10, of: ({ door }) => plain(door) },
  {
    title: 'request',
    width: ID_LENGTH,
    of: ({ requestId, connectionId }) => short(requestId ?? connectionId),
  },
  { title: 'user', width: ID_LENGTH, of: ({ userId }) => short(userId) },
];

/** Of a relay of several processes: which it is of. */
const WORKER: Column = { title: 'worker', width: 'worker'.length, of: ({ worker }) => plain(worker) };

const OF_STREAMS: readonly Column[] = [
  { title: 'action', width: 16, of: ({ action }) => plain(action) },
  { title: 'model', width: 18, of: ({ model }) => plain(model) },
  { title: 'first', width: 7, of: ({ firstTokenMs }) => seconds(firstTokenMs) },
  { title: 'total', width: 7, of: ({ totalMs }) => seconds(totalMs) },
  { title: 'tokens', width: 13, of: tokens },
  {
    title: 'cost',
    width: 10,
    of: ({ costUsd }) => (typeof costUsd === 'number' ? `$${costUsd.toFixed(6)}` : ''),
  },
  { title: 'code', width: 'upstream_rate_limited'.length, of: ending },
];

/** Events with the columns of streams. */
const STREAM_EVENTS: ReadonlySet<unknown> = new Set(['stream_started', 'stream_ended']);
/** In a column, or the same in each line. */
const COMMON_FIELDS: ReadonlySet<string> = new Set([
  ...['level', 'time', 'version', 'instanceId', 'worker', 'event', 'msg'],
  ...['door', 'requestId', 'connectionId', 'userId'],
]);
/** Of streams, those that have no column but are worth a look where they are there. */
const MORE_OF_STREAMS = ['refusal', 'abortReason', 'tier', 'cause'] as const;
/** Lines of these levels ask for somebody: they say in words what is the matter. */
const IN_WORDS: ReadonlySet<unknown> = new Set(['warn', 'error']);

/** The titles of all columns, as `columns` has them. */
export function titles(hasWorkers = false): string {
  return [...commonColumns(hasWorkers), ...OF_STREAMS]
    .map(({ title, width }) => title.padEnd(width))
    .join(' ')
    .trimEnd();
}

/** The line, without its time and level. @param hasWorkers whether the log is one of several processes */
export function columns(fields: LogFields, hasWorkers = false): string {
  const isOfStream = STREAM_EVENTS.has(fields['event']);
  const common = commonColumns(hasWorkers);
  const cells = (isOfStream ? [...common, ...OF_STREAMS] : common).map((column) => cell(column, fields));
  const words = IN_WORDS.has(fields['level']) && !isOfStream ? [plain(fields['msg'])] : [];
  const more = isOfStream ? moreOfStream(fields) : named(fields, Object.keys(fields).filter(hasNoColumn));
  return oneLine([...cells, ...words, ...more].join(' ')).trimEnd();
}

function commonColumns(hasWorkers: boolean): readonly Column[] {
  return hasWorkers ? [WORKER, ...COMMON] : COMMON;
}

function cell({ width, of }: Column, fields: LogFields): string {
  const content = oneLine(of(fields));
  return (content.length > width ? `${content.slice(0, width - 1)}…` : content).padEnd(width);
}

/** Who answered, where that is no version of who was asked. */
function moreOfStream(fields: LogFields): string[] {
  const { model, servedModel } = fields;
  const other = typeof servedModel === 'string' && !servedModel.startsWith(plain(model));
  return named(fields, other ? ['servedModel', ...MORE_OF_STREAMS] : MORE_OF_STREAMS);
}

function named(fields: LogFields, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const value = fields[name];
    return value === undefined || value === null ? [] : [`${name}=${plain(value)}`];
  });
}

function hasNoColumn(name: string): boolean {
  return !COMMON_FIELDS.has(name);
}

/** How it ended: a code, or what is no ordinary end. */
function ending({ status, code, stopReason }: LogFields): string {
  if (typeof code === 'string') return code;
  if (status === 'done') return stopReason === 'end_turn' ? 'done' : plain(stopReason);
  return plain(status);
}

/** What was read and what was written; of the first, what came from a cache counts too. */
function tokens({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }: LogFields): string {
  if (typeof inputTokens !== 'number') return '';
  return `${inputTokens + count(cacheReadTokens) + count(cacheWriteTokens)}→${count(outputTokens)}`;
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function seconds(ms: unknown): string {
  return typeof ms === 'number' ? `${(ms / 1000).toFixed(2)}s` : '';
}

function short(id: unknown): string {
  return plain(id).slice(0, ID_LENGTH);
}

function plain(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function oneLine(text: string): string {
  return withoutControls(text).replaceAll(/[\n\t\u2028\u2029]/g, ' ');
}
