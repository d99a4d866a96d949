import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openUsageLedger } from '../../src/usage/ledger.ts';
import { loadPrices } from '../../src/usage/prices.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { intentOf, newDataDir, readingOf, STARTED_AT, settlementOf } from './runs.ts';

const CLI = new URL('../../src/usage/cli.ts', import.meta.url).pathname;
const DAY_MS = 86_400_000;

let dataDir: ReturnType<typeof newDataDir>;

beforeEach(async () => {
  dataDir = newDataDir();
  const clock = new ManualClock();
  const ledger = openUsageLedger({ dataDir: dataDir.path, prices: loadPrices(), clock, onError() {} });
  const runs = [
    [
      { organizationId: 'school', action: 'chat' },
      { inputTokens: 100, outputTokens: 10 },
    ],
    [
      { organizationId: 'school', action: 'homework_help' },
      { inputTokens: 200, outputTokens: 20 },
    ],
    [
      { action: 'chat', model: 'claude-haiku-4-5' },
      { inputTokens: 400, outputTokens: 40, source: 'estimated' },
    ],
    [
      { action: 'chat', startedAt: STARTED_AT + DAY_MS },
      { inputTokens: 800, outputTokens: 80 },
    ],
  ] as const;
  for (const [given, usage] of runs) {
    const intent = intentOf(given);
    await ledger.open(intent, () => readingOf());
    await ledger.settle(settlementOf(intent.epoch, { usage: readingOf({ ...usage, cacheReadTokens: 5 }) }));
  }
  await ledger.close();
});
afterEach(() => dataDir.remove());

async function usage(...args: string[]): Promise<{ code: number; lines: string[]; err: string }> {
  const env = { ...process.env, DATA_DIR: dataDir.path };
  const run = promisify(execFile)(process.execPath, [CLI, ...args], { env });
  const { code, stdout, stderr } = await run.then(
    (done) => ({ ...done, code: 0 }),
    (failed: { code: number; stdout: string; stderr: string }) => failed,
  );
  const lines = stdout.split('\n').map((line) => line.trimEnd().replaceAll(/ {2,}/g, ' | '));
  return { code, lines, err: stderr };
}

describe('--by', () => {
  it.each([
    ['organization', ['| 2 | 1,200', 'school | 2 | 300']],
    ['action', ['chat | 3 | 1,300', 'homework_help | 1 | 200']],
    ['source', ['estimated | 1 | 400', 'final | 3 | 1,100']],
    ['day', ['2026-11-22 | 3 | 700', '2026-11-23 | 1 | 800']],
    ['model,source', ['claude-haiku-4-5 | estimated | 1 | 400', 'claude-sonnet-5-5 | final | 3 | 1,100']],
  ])('%s', async (by, expected) => {
    const { code, lines } = await usage('--by', by);
    expect(code).toBe(0);
    for (const line of expected) expect(lines.filter((each) => each.includes(line))).toHaveLength(1);
    expect(lines.filter((line) => /^total \| .*4 \| 1,500/.test(line))).toHaveLength(1);
  });

  it('prints sums as JSON where asked', async () => {
    const { lines } = await usage('--json', '--by', 'action,day', '--day', '2026-11-23');
    expect(lines.filter((line) => line !== '').map((line) => JSON.parse(line))).toEqual([
      {
        ...{ action: 'chat', day: '2026-11-23', runs: 1, running: 0, unpriced: 0 },
        ...{ inputTokens: 800, outputTokens: 80, cacheReadTokens: 5, cacheWriteTokens: 0 },
        costUsd: 0.0024005,
      },
    ]);
  });

  it('refuses what it does not know', async () => {
    const { code, err } = await usage('--by', 'day,weather');
    expect(code).toBe(2);
    expect(err).toContain('--by takes day, user, organization, model, action, source: weather');
  });
});

describe('--compare', () => {
  function written(name: string, content: string): string {
    const file = join(dataDir.path, name);
    writeFileSync(file, content);
    return file;
  }
  const HEAD =
    'usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,web_search_count';

  it('a CSV of the Console: each day and model, and what drifts', async () => {
    const file = written(
      'usage.csv',
      `\ufeff${HEAD}\r
2026-11-22,claude-sonnet-5-5-20260301,"a key, with a comma",Default,standard,≤ 200k,250,0,0,10,20,0\r
2026-11-22,claude-sonnet-5-5-20260301,other,Default,standard,≤ 200k,50,0,0,0,10,0\r
2026-11-22,claude-haiku-4-5,other,Default,standard,≤ 200k,400,0,0,5,50,0\r
`,
    );
    const { code, lines } = await usage('--compare', file);
    expect(code).toBe(0);
    expect(lines).toEqual([
      'day (UTC) | model | tokens | ledger | Anthropic | drift',
      '2026-11-22 | claude-haiku-4-5 | input | 400 | 400 | 0 | 0.00 %',
      '2026-11-22 | claude-haiku-4-5 | output | 40 | 50 | -10 | -20.00 %',
      '2026-11-22 | claude-haiku-4-5 | cache read | 5 | 5 | 0 | 0.00 %',
      '2026-11-22 | claude-sonnet-5-5 | input | 300 | 300 | 0 | 0.00 %',
      '2026-11-22 | claude-sonnet-5-5 | output | 30 | 30 | 0 | 0.00 %',
      '2026-11-22 | claude-sonnet-5-5 | cache read | 10 | 10 | 0 | 0.00 %',
      'total | input | 700 | 700 | 0 | 0.00 %',
      'total | output | 70 | 80 | -10 | -12.50 %',
      'total | cache read | 15 | 15 | 0 | 0.00 %',
      '',
    ]);
  });

  it('the Admin API, in pages and not by model', async () => {
    const page = (day: string, uncached: number, more: boolean) => ({
      data: [
        {
          starting_at: `${day}T00:00:00Z`,
          ending_at: `${day}T23:59:59Z`,
          results: [
            {
              uncached_input_tokens: uncached,
              cache_creation: { ephemeral_1h_input_tokens: 3, ephemeral_5m_input_tokens: 4 },
              cache_read_input_tokens: 0,
              output_tokens: 0,
              model: null,
            },
          ],
        },
      ],
      has_more: more,
      next_page: null,
    });
    const pages = [page('2026-11-22', 700, true), page('2026-11-23', 1000, false)];
    const { lines } = await usage('--compare', written('usage.json', JSON.stringify(pages)));
    expect(lines).toContain('2026-11-22 | all | input | 700 | 700 | 0 | 0.00 %');
    expect(lines).toContain('2026-11-23 | all | input | 800 | 1,000 | -200 | -20.00 %');
    expect(lines).toContain('2026-11-23 | all | output | 80 | 0 | +80 | not theirs');
    expect(lines).toContain('2026-11-23 | all | cache write | 0 | 7 | -7 | -100.00 %');
  });

  it.each([
    ['a.csv', 'date,tokens\n2026-11-22,5\n', 'no column usage_date_utc'],
    [
      'b.csv',
      `${HEAD}\n2026-11-22,m,k,w,standard,c,many,0,0,0,0,0\n`,
      'line 2: usage_input_tokens_no_cache is no count',
    ],
    ['c.json', '{"data":[{"starting_at":"yesterday","results":[]}]}', 'not a usage report for messages'],
    ['d.json', '{"data":[],"has_more":true}', 'its last page is missing'],
  ])('%s that is no export is refused with its reason', async (name, content, reason) => {
    const { code, err } = await usage('--compare', written(name, content));
    expect(code).toBe(1);
    expect(err).toContain(`unable to read the usage export ${join(dataDir.path, name)}: ${reason}`);
  });
});
