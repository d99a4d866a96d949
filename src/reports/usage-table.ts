/** The ledger as a table for people: one line per group of runs, and the totals. */
import { formatUsd } from '../pricing/cost.ts';
import type { Dimension, UsageSummary } from './usage-records.ts';

/** Widths are fixed, so that lines leave as they are read however many there are. Numbers stand to the right. */
const GROUP_COLUMNS: Readonly<Record<Dimension, { readonly title: string; readonly width: number }>> = {
  day: { title: 'day (UTC)', width: -10 },
  user: { title: 'user', width: -36 },
  organization: { title: 'organization', width: -36 },
  model: { title: 'model', width: -20 },
  served: { title: 'answered by', width: -26 },
  action: { title: 'action', width: -20 },
  source: { title: 'source', width: -10 },
};
const SUM_COLUMNS = [
  { title: 'runs', width: 7, cell: (line: UsageSummary) => grouped(line.runs) },
  { title: 'input', width: 13, cell: (line: UsageSummary) => grouped(line.inputTokens) },
  { title: 'output', width: 13, cell: (line: UsageSummary) => grouped(line.outputTokens) },
  { title: 'cache read', width: 13, cell: (line: UsageSummary) => grouped(line.cacheReadTokens) },
  { title: 'cache write', width: 13, cell: (line: UsageSummary) => grouped(line.cacheWriteTokens) },
  { title: 'cache saved', width: 14, cell: (line: UsageSummary) => formatUsd(line.cacheSavedPico) },
  { title: 'US dollars', width: 14, cell: (line: UsageSummary) => formatUsd(line.costPico) },
] as const;

interface Column {
  readonly title: string;
  /** Negative: the text stands to the left. */
  readonly width: number;
  readonly cell: (line: UsageSummary) => string;
}

const NOTHING: UsageSummary = {
  group: ['total'],
  runs: 0,
  running: 0,
  unpriced: 0,
  simulated: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  costPico: 0n,
  cacheSavedPico: 0n,
};

/** The lines of the table, each with its newline. */
export function* usageTable(summaries: Iterable<UsageSummary>, by: readonly Dimension[]): Generator<string> {
  const columns = columnsOf(by);
  let total = NOTHING;
  for (const summary of summaries) {
    if (total.runs === 0) yield* heading(columns);
    yield lineOf(columns, summary);
    total = plus(total, summary);
  }
  if (total.runs === 0) {
    yield 'No runs.\n';
    return;
  }
  yield rule(columns);
  yield lineOf(columns, total);
  if (total.running > 0) yield `${grouped(total.running)} still running: as last saved, not in the cost.\n`;
  if (total.unpriced > 0) {
    yield `${grouped(total.unpriced)} on models without a price: not in the cost. Marked with *.\n`;
  }
  if (total.simulated > 0)
    yield `${grouped(total.simulated)} answered by the simulated model: they cost nothing.\n`;
}

function columnsOf(by: readonly Dimension[]): readonly Column[] {
  const groups = by.map((dimension, place) => ({
    ...GROUP_COLUMNS[dimension],
    cell: ({ group }: UsageSummary) => printable(group[place] ?? ''),
  }));
  return [...groups, ...SUM_COLUMNS];
}

function* heading(columns: readonly Column[]): Generator<string> {
  yield `${columns.map(({ title, width }) => padded(title, width)).join('  ')}\n`;
  yield rule(columns);
}

function rule(columns: readonly Column[]): string {
  return `${columns.map(({ width }) => '-'.repeat(Math.abs(width))).join('  ')}\n`;
}

function lineOf(columns: readonly Column[], summary: UsageSummary): string {
  const mark = summary.unpriced > 0 ? ' *' : '';
  return `${columns.map(({ cell, width }) => padded(cell(summary), width)).join('  ')}${mark}\n`;
}

function plus(total: UsageSummary, line: UsageSummary): UsageSummary {
  return {
    ...total,
    runs: total.runs + line.runs,
    running: total.running + line.running,
    unpriced: total.unpriced + line.unpriced,
    simulated: total.simulated + line.simulated,
    inputTokens: total.inputTokens + line.inputTokens,
    outputTokens: total.outputTokens + line.outputTokens,
    cacheReadTokens: total.cacheReadTokens + line.cacheReadTokens,
    cacheWriteTokens: total.cacheWriteTokens + line.cacheWriteTokens,
    costPico: total.costPico + line.costPico,
    cacheSavedPico: total.cacheSavedPico + line.cacheSavedPico,
  };
}

/** A negative width pads on the right. */
export function padded(text: string, width: number): string {
  return width < 0 ? text.padEnd(-width) : text.padStart(width);
}

export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** Control characters could move a terminal's cursor or forge a line. */
export const UNPRINTABLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, '\ufffd');
}
