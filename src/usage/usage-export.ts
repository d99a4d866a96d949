/**
 * Anthropic's own account of an organisation's usage, as its operator exports it: the Console's CSV, or the JSON of the
 * Admin API's usage report for messages, one page or several pages in a list.
 */
import { readFileSync } from 'node:fs';
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

const count = z.int().nonnegative().default(0);

const page = z.object({
  has_more: z.boolean().default(false),
  data: z.array(
    z.object({
      starting_at: z.iso.datetime({ offset: true }),
      results: z.array(
        z.object({
          model: z.string().nullish(),
          uncached_input_tokens: count,
          output_tokens: count,
          cache_read_input_tokens: count,
          cache_creation: z
            .object({ ephemeral_5m_input_tokens: count, ephemeral_1h_input_tokens: count })
            .default({ ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 }),
        }),
      ),
    }),
  ),
});

const CSV = {
  day: 'usage_date_utc',
  model: 'model_version',
  input: 'usage_input_tokens_no_cache',
  output: 'usage_output_tokens',
  cacheRead: 'usage_input_tokens_cache_read',
  cacheWrite5m: 'usage_input_tokens_cache_write_5m',
  cacheWrite1h: 'usage_input_tokens_cache_write_1h',
} as const;

/** @throws Error naming the file and what of it cannot be read */
export function readUsageExport(file: string): ExportedUsage[] {
  try {
    const text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
    return /^\s*[[{]/.test(text) ? readReport(JSON.parse(text)) : readCsv(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`unable to read the usage export ${file}: ${reason}`, { cause });
  }
}

function readReport(value: unknown): ExportedUsage[] {
  const parsed = z.array(page).min(1).safeParse([value].flat());
  if (!parsed.success) throw new Error(`not a usage report for messages:\n${z.prettifyError(parsed.error)}`);
  if (parsed.data.at(-1)?.has_more === true) throw new Error('its last page is missing: has_more is true');
  return parsed.data.flatMap(({ data }) =>
    data.flatMap(({ starting_at, results }) =>
      results.map((result) => ({
        day: new Date(starting_at).toISOString().slice(0, 10),
        model: result.model ?? undefined,
        inputTokens: result.uncached_input_tokens,
        outputTokens: result.output_tokens,
        cacheReadTokens: result.cache_read_input_tokens,
        cacheWriteTokens:
          result.cache_creation.ephemeral_5m_input_tokens + result.cache_creation.ephemeral_1h_input_tokens,
      })),
    ),
  );
}

function readCsv(text: string): ExportedUsage[] {
  const [head = '', ...lines] = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const columns = cellsOf(head);
  for (const column of Object.values(CSV)) {
    if (!columns.includes(column)) throw new Error(`no column ${column}`);
  }
  return lines.map((line, index) => {
    const cells = cellsOf(line);
    const cell = (name: keyof typeof CSV) => cells[columns.indexOf(CSV[name])] ?? '';
    const tokens = (name: keyof typeof CSV) => {
      const value = Number(cell(name).replaceAll(',', ''));
      if (!Number.isSafeInteger(value) || value < 0)
        throw new Error(`line ${index + 2}: ${CSV[name]} is no count`);
      return value;
    };
    if (!/^\d{4}-\d{2}-\d{2}/.test(cell('day'))) throw new Error(`line ${index + 2}: ${CSV.day} is no date`);
    return {
      day: cell('day').slice(0, 10),
      model: cell('model') || undefined,
      inputTokens: tokens('input'),
      outputTokens: tokens('output'),
      cacheReadTokens: tokens('cacheRead'),
      cacheWriteTokens: tokens('cacheWrite5m') + tokens('cacheWrite1h'),
    };
  });
}

/** One line of CSV; a cell in quotes may hold commas, and quotes as two. */
function cellsOf(line: string): string[] {
  return Array.from(line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain = '']) =>
    (quoted?.replaceAll('""', '"') ?? plain).trim(),
  );
}
