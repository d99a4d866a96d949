/**
 * Anthropic's own account of an organisation's usage, as its operator exports it: the Console's CSV, or the JSON of the
 * Analytics API's usage or of the older usage report for messages: a page, several pages in a list, or their rows.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import * as z from 'zod';

/** What was used of one model on one day (UTC). */
export interface ExportedUsage {
  readonly day: string;
  /** Undefined where the export is not by model. */
  readonly model: string | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
}

const count = z
  .int()
  .nonnegative()
  .nullish()
  .transform((tokens) => tokens ?? 0);

const tokens = {
  uncached_input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation: z.object({ ephemeral_5m_input_tokens: count, ephemeral_1h_input_tokens: count }).nullish(),
};

const time = z.iso.datetime({ offset: true });
const span = { starting_at: time, ending_at: time.nullish() };

/** A day or hour of the usage report for messages. */
const bucket = z.object({
  ...span,
  results: z.array(z.object({ model: z.string().nullish(), ...tokens })),
});

/** A row of `GET /v1/organizations/analytics/usage`. */
const row = z.object({
  ...span,
  group: z.object({ model: z.string().nullish(), rbac_group_id: z.string().nullish() }).nullish(),
  usage: z.object(tokens),
});

const page = z.object({ data: z.array(z.unknown()), has_more: z.boolean().default(false) });

const CSV = {
  day: 'usage_date_utc',
  model: 'model_version',
  input: 'usage_input_tokens_no_cache',
  output: 'usage_output_tokens',
  cacheRead: 'usage_input_tokens_cache_read',
  cacheWrite5m: 'usage_input_tokens_cache_write_5m',
  cacheWrite1h: 'usage_input_tokens_cache_write_1h',
} as const;

/** Digits, or groups of three of them: 1234567, 1,234,567, 1.234.567. */
const COUNT = /^\d+$|^\d{1,3}(?:[,.'\s]\d{3})+$/;

/** @throws Error naming the file and what of it cannot be read */
export function readUsageExport(file: string): ExportedUsage[] {
  try {
    const text = decoded(readFileSync(file));
    const usages = /^\s*[[{]/.test(text) ? readReport(JSON.parse(text)) : readCsv(text);
    // Rows about no model (code execution) may have no tokens either.
    return usages.filter((usage) => usage.model !== undefined || hasTokens(usage));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`unable to read the usage export ${file}: ${reason}`, { cause });
  }
}

/** UTF-8, or UTF-16 as spreadsheets and PowerShell write it; without the byte order mark. */
function decoded(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex');
  return new TextDecoder({ fffe: 'utf-16le', feff: 'utf-16be' }[mark] ?? 'utf-8').decode(bytes);
}

function hasTokens(usage: ExportedUsage): boolean {
  return usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens > 0;
}

function readReport(value: unknown): ExportedUsage[] {
  const parts = [value].flat();
  const rows = parts.flatMap((part, index) => {
    if (!isObject(part) || !('data' in part)) return [part];
    const { data, has_more } = checked(page, part);
    if (has_more && index === parts.length - 1) throw new Error('its last page is missing: has_more is true');
    return data;
  });
  return rows.flatMap((each) =>
    isObject(each) && 'results' in each
      ? usagesOfBucket(checked(bucket, each))
      : usageOfRow(checked(row, each)),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function checked<Shape extends z.ZodType>(shape: Shape, value: unknown): z.output<Shape> {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(
    `not a usage report for messages, nor rows of the Analytics API:\n${z.prettifyError(parsed.error)}`,
  );
}

function usagesOfBucket({ results, ...when }: z.output<typeof bucket>): ExportedUsage[] {
  return results.map(({ model, ...counts }) => usageOf(when, model, counts));
}

function usageOfRow({ group, usage, ...when }: z.output<typeof row>): ExportedUsage {
  if (group?.rbac_group_id != null) {
    throw new Error('rows by rbac_group_id count a user of several groups several times: ask without it');
  }
  return usageOf(when, group?.model, usage);
}

interface Tokens {
  readonly uncached_input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation?:
    | { readonly ephemeral_5m_input_tokens: number; readonly ephemeral_1h_input_tokens: number }
    | null
    | undefined;
}

interface Span {
  readonly starting_at: string;
  readonly ending_at?: string | null | undefined;
}

function usageOf(when: Span, model: string | null | undefined, counts: Tokens): ExportedUsage {
  const { cache_creation: written } = counts;
  return {
    day: dayOf(when),
    model: model ?? undefined,
    inputTokens: counts.uncached_input_tokens,
    outputTokens: counts.output_tokens,
    cacheReadTokens: counts.cache_read_input_tokens,
    cacheWriteTokens: (written?.ephemeral_5m_input_tokens ?? 0) + (written?.ephemeral_1h_input_tokens ?? 0),
  };
}

/** The one day (UTC) that a row is about. */
function dayOf({ starting_at, ending_at }: Span): string {
  const dayAt = (at: number) => new Date(at).toISOString().slice(0, 10);
  const day = dayAt(Date.parse(starting_at));
  if (ending_at == null || dayAt(Date.parse(ending_at) - 1) === day) return day;
  throw new Error(
    `a row goes from ${starting_at} to ${ending_at}, over more than one day (UTC): ask with time_bucket_width=1d (bucket_width=1d for the older report)`,
  );
}

/** A first line by which some spreadsheets are told, and the header tells as well. */
const NAMED_DELIMITER = /^\s*sep=.\r?\n/i;

interface CsvRecord {
  readonly record: Readonly<Record<string, string>>;
  /** `lines`: the one the record ends on. */
  readonly info: { readonly lines: number };
}

function readCsv(whole: string): ExportedUsage[] {
  const text = whole.replace(NAMED_DELIMITER, '');
  const records = parse(text, {
    delimiter: delimiterOf(text),
    // By itself it takes the first ending it meets for that of every line.
    record_delimiter: ['\r\n', '\n', '\r'],
    columns: columnsOf,
    trim: true,
    info: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
  }) as unknown as readonly CsvRecord[];
  return records.map(usageOfRecord);
}

/** Spreadsheets of many countries separate by semicolons. */
function delimiterOf(text: string): string {
  const [header = ''] = text.trimStart().split(/[\r\n]/, 1);
  const times = (delimiter: string) => header.split(delimiter).length;
  return [',', ';', '\t'].toSorted((a, b) => times(b) - times(a))[0] ?? ',';
}

function columnsOf(header: readonly string[]): string[] {
  const missing = Object.values(CSV).filter((column) => !header.includes(column));
  if (missing.length > 0) throw new Error(`no column ${missing.join(', ')}`);
  return [...header];
}

function usageOfRecord({ record, info }: CsvRecord): ExportedUsage {
  const cell = (name: keyof typeof CSV) => record[CSV[name]] ?? '';
  const wrong = (name: keyof typeof CSV, what: string) =>
    new Error(`line ${info.lines}: ${CSV[name]} is no ${what}`);
  const counted = (name: keyof typeof CSV) => {
    const digits = cell(name).replaceAll(/\D/g, '');
    const value = Number(digits);
    if (cell(name) === '') return 0;
    if (!COUNT.test(cell(name)) || !Number.isSafeInteger(value)) throw wrong(name, 'count');
    return value;
  };
  const day = z.iso.date().safeParse(cell('day').slice(0, 10));
  if (!day.success) throw wrong('day', 'date such as 2026-11-22');
  return {
    day: day.data,
    model: cell('model') || undefined,
    inputTokens: counted('input'),
    outputTokens: counted('output'),
    cacheReadTokens: counted('cacheRead'),
    cacheWriteTokens: counted('cacheWrite5m') + counted('cacheWrite1h'),
  };
}
