/** The ledger as a table for people: one line per day, user and model, and the totals. */
import { formatUsd } from './pico-dollars.ts';
import type { UsageSummary } from './usage-reader.ts';

/** Widths are fixed, so that lines leave as they are read however many there are. Numbers stand to the right. */
const COLUMNS = [
  { title: 'day (UTC)', width: 10, cell: (line: UsageSummary) => line.day },
  { title: 'user', width: -36, cell: (line: UsageSummary) => printable(line.userId) },
  { title: 'model', width: -20, cell: (line: UsageSummary) => printable(line.model) },
  { title: 'runs', width: 7, cell: (line: UsageSummary) => grouped(line.runs) },
  { title: 'input', width: 13, cell: (line: UsageSummary) => grouped(line.inputTokens) },
  { title: 'output', width: 13, cell: (line: UsageSummary) => grouped(line.outputTokens) },
  { title: 'cache read', width: 13, cell: (line: UsageSummary) => grouped(line.cacheReadTokens) },
  { title: 'cache write', width: 13, cell: (line: UsageSummary) => grouped(line.cacheWriteTokens) },
  { title: 'US dollars', width: 14, cell: (line: UsageSummary) => formatUsd(line.costPico) },
] as const;

const NOTHING: UsageSummary = {
  day: 'total',
  userId: '',
  model: '',
  runs: 0,
  running: 0,
  unpriced: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  costPico: 0n,
};

/** The lines of the table, each with its newline. */
export function* usageTable(summaries: Iterable<UsageSummary>): Generator<string> {
  let total = NOTHING;
  for (const summary of summaries) {
    if (total.runs === 0) yield* heading();
    yield lineOf(summary);
    total = plus(total, summary);
  }
  if (total.runs === 0) {
    yield 'No runs.\n';
    return;
  }
  yield rule();
  yield lineOf(total);
  if (total.running > 0) yield `${grouped(total.running)} still running: as last saved, not in the cost.\n`;
  if (total.unpriced > 0) {
    yield `${grouped(total.unpriced)} on models without a price: not in the cost. Marked with *.\n`;
  }
}

function* heading(): Generator<string> {
  yield `${COLUMNS.map(({ title, width }) => padded(title, width)).join('  ')}\n`;
  yield rule();
}

function rule(): string {
  return `${COLUMNS.map(({ width }) => '-'.repeat(Math.abs(width))).join('  ')}\n`;
}

function lineOf(summary: UsageSummary): string {
  const mark = summary.unpriced > 0 ? ' *' : '';
  return `${COLUMNS.map(({ cell, width }) => padded(cell(summary), width)).join('  ')}${mark}\n`;
}

function plus(total: UsageSummary, line: UsageSummary): UsageSummary {
  return {
    ...total,
    runs: total.runs + line.runs,
    running: total.running + line.running,
    unpriced: total.unpriced + line.unpriced,
    inputTokens: total.inputTokens + line.inputTokens,
    outputTokens: total.outputTokens + line.outputTokens,
    cacheReadTokens: total.cacheReadTokens + line.cacheReadTokens,
    cacheWriteTokens: total.cacheWriteTokens + line.cacheWriteTokens,
    costPico: total.costPico + line.costPico,
  };
}

/** A negative width pads on the right. */
function padded(text: string, width: number): string {
  return width < 0 ? text.padEnd(-width) : text.padStart(width);
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** Control characters could move a terminal's cursor or forge a line. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd');
}
