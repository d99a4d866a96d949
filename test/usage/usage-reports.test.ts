import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openUsageLedger } from '../../src/ledger/ledger.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { usage as usageCommand } from '../../src/reports/usage-command.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { runCommand } from '../support/run-command.ts';
import { intentOf, newDataDir, readingOf, STARTED_AT, settlementOf } from './runs.ts';

const DAY_MS = 86_400_000;

let dataDir: ReturnType<typeof newDataDir>;

beforeEach(async () => {
  dataDir = newDataDir();
  const clock = new ManualClock();
  const ledger = openUsageLedger({ dataDir: dataDir.path, prices: () => loadPrices(), clock, onError() {} });
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
  const { code, stdout, stderr } = await runCommand(usageCommand, args, { DATA_DIR: dataDir.path });
  const lines = stdout.split('\n').map((line) => line.trimEnd().replaceAll(/ {2,}/g, ' | '));
  return { code, lines, err: stderr };
}

it('a run that another model answered is summed by it, and compared by it', async () => {
  const ledger = openUsageLedger({
    dataDir: dataDir.path,
    prices: () => loadPrices(),
    clock: new ManualClock(),
    onError() {},
  });
  const intent = intentOf({ startedAt: STARTED_AT + 2 * DAY_MS });
  await ledger.open(intent, () => readingOf());
  const reading = readingOf({ inputTokens: 7, outputTokens: 3, model: 'claude-opus-4-5-20251101' });
  await ledger.settle(settlementOf(intent.epoch, { usage: reading }));
  await ledger.close();
  const day = ['--day', '2026-11-24'];
  expect((await usage(...day, '--by', 'model,served')).lines).toContain(
    'claude-sonnet-5-5 | claude-opus-4-5-20251101 | 1 | 7 | 3 | 0 | 0 | 0.000000 | 0.000110',
  );
  const file = join(dataDir.path, 'export.csv');
  const columns = ['usage_date_utc', 'model_version', 'usage_input_tokens_no_cache'];
  const kinds = [
    'output_tokens',
    'input_tokens_cache_read',
    'input_tokens_cache_write_5m',
    'input_tokens_cache_write_1h',
  ];
  const head = [...columns, ...kinds.map((kind) => `usage_${kind}`)].join();
  writeFileSync(file, `${head}\n2026-11-24,claude-opus-4-5-20251101,7,3,0,0,0\n`);
  const { lines } = await usage(...day, '--compare', file);
  expect(lines).toContain('2026-11-24 | claude-opus-4-5 | input | 7 | 7 | 0 | 0.00 %');
});

it('says what the cache saved or cost, by the terms and the prices of the day, 0 for a simulated answer', async () => {
  const us = { inferenceGeo: 'us', serviceTier: null, speed: null };
  const readings: [epoch: string, startedAt: number, usage: object, savedUsd: number][] = [
    // Written and not read: 1,000 × (2 − 2.50), for an hour 1,000 × (2 − 4) dollars per million.
    ['written', STARTED_AT, { cacheWriteTokens: 1000 }, -0.0005],
    ['for an hour', STARTED_AT, { cacheWriteTokens: 1000, cacheWrite1hTokens: 1000 }, -0.002],
    ['both', STARTED_AT, { cacheReadTokens: 1000, cacheWriteTokens: 100 }, 0.0019 - 0.00005],
    ['in the US', STARTED_AT, { cacheReadTokens: 1000, terms: us }, 0.0019 * 1.1],
    ['before 7 October', Date.UTC(2026, 9, 6), { cacheReadTokens: 1000 }, 0.0018],
    ['by Haiku', STARTED_AT, { cacheReadTokens: 100_001, model: 'claude-haiku-5-5' }, 0.04500045],
    ['refused', STARTED_AT, { cacheReadTokens: 1000, uncharged: true }, 0],
  ];
  const ledgerOf = (simulated: boolean) =>
    openUsageLedger({
      ...{ dataDir: dataDir.path, prices: () => loadPrices(), simulated, clock: new ManualClock() },
      onError() {},
    });
  const ledger = ledgerOf(false);
  for (const [epoch, startedAt, given] of readings) {
    await ledger.open(intentOf({ epoch, startedAt, userId: 'saver' }), () => readingOf());
    await ledger.settle(settlementOf(epoch, { usage: readingOf(given) }));
  }
  await ledger.close();
  const simulated = ledgerOf(true);
  await simulated.open(intentOf({ epoch: 'simulated', userId: 'saver' }), () => readingOf());
  await simulated.settle(settlementOf('simulated', { usage: readingOf({ cacheReadTokens: 1000 }) }));
  await simulated.close();
  const rows = (await usage('--json', '--user', 'saver')).lines.filter((line) => line !== '');
  const saved = rows.map((line) => JSON.parse(line) as { epoch: string; cacheSavedUsd: number });
  expect(saved.map(({ epoch, cacheSavedUsd }) => [epoch, Math.round(cacheSavedUsd * 1e9) / 1e9])).toEqual([
    ...readings.map(([epoch, , , usd]) => [epoch, Math.round(usd * 1e9) / 1e9]),
    ['simulated', 0],
  ]);
  const { lines } = await usage('--by', 'user', '--user', 'saver', '--day', '2026-10-06');
  expect(lines.find((line) => line.startsWith('total'))).toMatch(/ \| 1,000 \| 0 \| 0\.001800 \| 0\.00344/);
});

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
        ...{ costUsd: 0.0024005, cacheSavedUsd: 0.0000095 },
      },
    ]);
  });

  it('refuses what it does not know', async () => {
    const { code, err } = await usage('--by', 'day,weather');
    expect(code).toBe(2);
    expect(err).toContain('--by takes day, user, organization, model, served, action, source: weather');
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

  /** Two runs of Sonnet and one of Haiku, in a CSV whose form alone differs. */
  const SAME_DRIFT = [
    '2026-11-22 | claude-haiku-4-5 | input | 400 | 1,400 | -1,000 | -71.43 %',
    '2026-11-22 | claude-haiku-4-5 | output | 40 | 50 | -10 | -20.00 %',
    '2026-11-22 | claude-haiku-4-5 | cache read | 5 | 5 | 0 | 0.00 %',
    '2026-11-22 | claude-sonnet-5-5 | input | 300 | 300 | 0 | 0.00 %',
  ];
  const SHORT =
    'api_key,usage_date_utc,model_version,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens';
  const SONNET = '2026-11-22,claude-sonnet-5-5,300,0,0,10,30';
  const HAIKU = '2026-11-22,claude-haiku-4-5,1400,0,0,5,50';
  const lines = (...all: string[]) => `${all.join('\n')}\n`;
  const PLAIN = lines(SHORT, `k,${SONNET}`, `k,${HAIKU}`);

  it.each([
    ['an empty first cell', lines(SHORT, `,${SONNET}`, `,${HAIKU}`)],
    ['line breaks, commas and quotes in a cell', lines(SHORT, `"a\r\nkey,\n""x""",${SONNET}`, `k,${HAIKU}`)],
    ['a byte order mark before a quoted title', `\ufeff${PLAIN.replace('api_key', '"api_key"')}`],
    ['CRLF', PLAIN.replaceAll('\n', '\r\n')],
    ['CRLF in some lines', `${SHORT}\nk,${SONNET}\r\nk,${HAIKU}\r\n`],
    ['CRLF in other lines', `${SHORT}\r\nk,${SONNET}\nk,${HAIKU}`],
    ['CR', PLAIN.replaceAll('\n', '\r')],
    ['no end of the last line', PLAIN.trimEnd()],
    ['empty lines and empty records', lines(SHORT, '', `k,${SONNET}`, ',,,,,,,', `k,${HAIKU}`, '')],
    ['semicolons', PLAIN.replaceAll(',', ';')],
    ['semicolons and points in counts', PLAIN.replace('1400', '1.400').replaceAll(',', ';')],
    ['a first line that names the delimiter', `sep=;\r\n${PLAIN.replaceAll(',', ';')}`],
    ['a semicolon in a cell between commas', lines(SHORT, `a; b,${SONNET}`, `k,${HAIKU}`)],
    ['tabs', PLAIN.replaceAll(',', '\t')],
    ['commas in counts', PLAIN.replace('1400', '"1,400"')],
    ['spaces around cells', PLAIN.replaceAll(',', ' , ')],
    ['empty counts', PLAIN.replace('300,0,0', '300,,')],
  ])('a CSV with %s', async (_, content) => {
    const { lines: drift, err } = await usage('--compare', written('form.csv', content));
    expect(err).toBe('');
    expect(drift).toEqual(expect.arrayContaining(SAME_DRIFT));
  });

  it.each([
    ['little', (bytes: Buffer) => bytes],
    ['big', (bytes: Buffer) => bytes.swap16()],
  ])('a CSV in UTF-16, %s end first', async (order, ordered) => {
    const file = join(dataDir.path, `utf16-${order}.csv`);
    writeFileSync(file, ordered(Buffer.from(`\ufeff${PLAIN}`, 'utf16le')));
    expect((await usage('--compare', file)).lines).toEqual(expect.arrayContaining(SAME_DRIFT));
  });

  describe('rows of the Analytics API', () => {
    const row = (model: string | null, input: number, rest: object = {}) => ({
      starting_at: '2026-11-22T00:00:00Z',
      ending_at: '2026-11-23T00:00:00Z',
      group: { actor: null, model, product: null, service_tier: null, ...rest },
      usage: {
        uncached_input_tokens: input,
        cache_read_input_tokens: 10,
        cache_creation: { ephemeral_1h_input_tokens: 2, ephemeral_5m_input_tokens: 1 },
        output_tokens: 30,
        requests: 2,
        server_tool_use: { web_search_requests: 0 },
        total_tokens: input + 43,
      },
    });
    const page = (data: unknown[], more = false) => ({ data, has_more: more, next_page: more ? 'x' : null });
    const SONNET_DRIFT = [
      '2026-11-22 | claude-sonnet-5-5 | input | 300 | 300 | 0 | 0.00 %',
      '2026-11-22 | claude-sonnet-5-5 | output | 30 | 30 | 0 | 0.00 %',
      '2026-11-22 | claude-sonnet-5-5 | cache read | 10 | 10 | 0 | 0.00 %',
      '2026-11-22 | claude-sonnet-5-5 | cache write | 0 | 3 | -3 | -100.00 %',
    ];
    const full = row('claude-sonnet-5-5', 300);

    it.each([
      ['a page', page([full])],
      ['pages in a list', [page([full], true), page([row('claude-haiku-4-5', 1)])]],
      ['rows in a list', [full]],
      ['a model with its date', page([row('claude-sonnet-5-5-20260928', 300)])],
    ])('%s', async (_, content) => {
      const { lines: drift, err } = await usage('--compare', written('rows.json', JSON.stringify(content)));
      expect(err).toBe('');
      expect(drift).toEqual(expect.arrayContaining(SONNET_DRIFT));
    });

    it('hours of a day are summed, and what is about no model stands apart', async () => {
      const hour = (at: string, model: string | null, input: number) => ({
        ...row(model, input),
        starting_at: `2026-11-22T${at}:00:00+00:00`,
        ending_at: `2026-11-22T${at}:59:59Z`,
      });
      const execution = { ...full, group: { model: null }, usage: { requests: 3, output_tokens: null } };
      const data: object[] = [
        hour('03', 'claude-sonnet-5-5', 100),
        hour('04', 'claude-sonnet-5-5', 200),
        execution,
      ];
      const summed = await usage('--compare', written('hours.json', JSON.stringify(page(data))));
      expect(summed.lines).toContain('2026-11-22 | claude-sonnet-5-5 | input | 300 | 300 | 0 | 0.00 %');
      expect(summed.lines.join()).not.toContain('no model');
      data.push(hour('05', null, 7));
      const apart = await usage('--compare', written('hours.json', JSON.stringify(page(data))));
      expect(apart.lines).toContain('2026-11-22 | (no model) | input | 0 | 7 | -7 | -100.00 %');
    });

    it('not by model', async () => {
      const file = written('all.json', JSON.stringify(page([row(null, 700)])));
      const { lines: drift } = await usage('--compare', file);
      expect(drift).toContain('2026-11-22 | all | input | 700 | 700 | 0 | 0.00 %');
    });

    it.each([
      [
        'over more than a day',
        page([{ ...full, ending_at: '2026-11-23T01:00:00Z' }]),
        'time_bucket_width=1d',
      ],
      ['of groups that overlap', page([row('m', 1, { rbac_group_id: 'rbac_group_1' })]), 'ask without it'],
      ['of costs', page([{ ...full, usage: undefined, amount: '1.5' }]), 'nor rows of the Analytics API'],
      ['with a page missing', [page([full]), page([full], true)], 'its last page is missing'],
    ])('%s are refused with what to ask for', async (_, content, reason) => {
      const { code, err } = await usage('--compare', written('bad.json', JSON.stringify(content)));
      expect(code).toBe(1);
      expect(err).toContain(reason);
    });
  });

  it.each([
    ['a.csv', 'date,tokens\n2026-11-22,5\n', 'no column usage_date_utc'],
    [
      'b.csv',
      `${HEAD}\n2026-11-22,m,k,w,standard,c,many,0,0,0,0,0\n`,
      'line 2: usage_input_tokens_no_cache is no count',
    ],
    [
      'e.csv',
      PLAIN.replace('2026-11-22', '22.11.2026'),
      'line 2: usage_date_utc is no date such as 2026-11-22',
    ],
    ['f.csv', PLAIN.replace('2026-11-22', '2026-02-31'), 'line 2: usage_date_utc is no date'],
    ['g.csv', PLAIN.replace('300', '"1,5"'), 'line 2: usage_input_tokens_no_cache is no count'],
    ['h.csv', PLAIN.replace('0,0,10', '10'), 'Invalid Record Length: columns length is 8, got 6 on line 2'],
    ['i.csv', PLAIN.replace('k,', '"k,'), 'Quote Not Closed'],
    ['c.json', '{"data":[{"starting_at":"yesterday","results":[]}]}', 'not a usage report for messages'],
    ['d.json', '{"data":[],"has_more":true}', 'its last page is missing'],
  ])('%s that is no export is refused with its reason', async (name, content, reason) => {
    const { code, err } = await usage('--compare', written(name, content));
    expect(code).toBe(1);
    expect(err).toContain(`unable to read the usage export ${join(dataDir.path, name)}: ${reason}`);
  });
});
