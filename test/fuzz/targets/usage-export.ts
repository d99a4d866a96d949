/** An export of what the API's owner counted, and the words of the command that reads it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dayOf, instantOf } from '../../../src/command-line/dates.ts';
import { CommandLineError } from '../../../src/command-line/subcommand.ts';
import { usageDrift } from '../../../src/reports/usage-drift.ts';
import { readUsageExport } from '../../../src/reports/usage-export.ts';
import type { UsageRecords } from '../../../src/reports/usage-records.ts';
import type { FuzzSubject, FuzzTarget } from '../fuzz-target.ts';
import { requireSentence } from '../refused.ts';

const HEADER =
  'usage_date_utc,model_version,usage_input_tokens_no_cache,usage_output_tokens,usage_input_tokens_cache_read,usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h';
const counts = {
  uncached_input_tokens: 10,
  output_tokens: 5,
  cache_read_input_tokens: 1,
  cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 3 },
};
const span = { starting_at: '2026-11-22T00:00:00Z', ending_at: '2026-11-23T00:00:00Z' };

/** Lines of the terminal hold none but line ends. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/;
const LONGEST_MESSAGE = 4 * 1024 * 1024;
const DAY_MS = 86_400_000;

const EMPTY: Pick<UsageRecords, 'summaries'> = { *summaries() {} };

export const usageExport: FuzzTarget = {
  name: 'usage export',
  corpus: [
    `${HEADER}\n2026-11-22,claude-sonnet-5-5,1000,"1,000",5,6,7\n2026-11-23,claude-haiku-5,,,,,\n`,
    `sep=;\r\n${HEADER.replaceAll(',', ';')}\r\n2026-11-22T00:00;m;1.000;2;3;4;5\r\n`,
    `\ufeff${HEADER.replaceAll(',', '\t')}\r2026-11-22\t\u001b[31mred\t1\t2\t3\t4\t5\r`,
    JSON.stringify({
      data: [{ ...span, results: [{ model: 'claude-sonnet-5-5', ...counts }] }],
      has_more: false,
    }),
    JSON.stringify([
      { data: [{ ...span, group: { model: 'm' }, usage: counts }], has_more: true },
      { data: [] },
    ]),
    JSON.stringify([{ ...span, group: null, usage: counts }]),
    '2026-11-22',
    '2026-11-22T08:00:00+02:00',
    '[]',
  ],
  words: [
    '"data":',
    '"has_more":true',
    'ending_at',
    '2026-02-30',
    '-0001-01-01',
    '99999-12-31',
    ',,,',
    '""',
    '9'.repeat(30),
  ],
  cases: 250,
  open,
};

function open(): FuzzSubject {
  const directory = mkdtempSync(join(tmpdir(), 'fuzz-'));
  const file = join(directory, 'export.csv');
  return {
    check(input) {
      writeFileSync(file, input);
      checkExport(file);
      for (const read of [dayOf, instantOf]) checkDate(read, input);
    },
    async [Symbol.asyncDispose]() {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function checkExport(file: string): void {
  try {
    const usages = readUsageExport(file);
    for (const { day, model: _, ...tokens } of usages) {
      assert.match(day, /^\d{4}-\d{2}-\d{2}$/);
      for (const count of Object.values(tokens))
        assert.ok(Number.isSafeInteger(count) && count >= 0, `${count} tokens`);
    }
    const all = { from: 0, before: Number.MAX_SAFE_INTEGER, userId: null };
    for (const line of usageDrift(EMPTY as UsageRecords, all, usages)) assert.doesNotMatch(line, CONTROL);
  } catch (error) {
    if (!(error instanceof Error) || error instanceof assert.AssertionError) throw error;
    assert.ok(error.message.startsWith(`unable to read the usage export ${file}: `), error.message);
    requireSentence(error.message, LONGEST_MESSAGE);
  }
}

function checkDate(read: (option: string, text: string) => number, input: string): void {
  try {
    const at = read('--day', input);
    assert.ok(Number.isInteger(at) && Math.abs(at) < 8.64e15 + DAY_MS);
  } catch (error) {
    if (!(error instanceof CommandLineError)) throw error;
  }
}
