import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openUsageLedger } from '../../src/ledger/ledger.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { usage as usageCommand } from '../../src/reports/usage-command.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { relayProgram } from '../support/relay-program.ts';
import { runCommand } from '../support/run-command.ts';
import { intentOf, newDataDir, readingOf, STARTED_AT, settlementOf } from './runs.ts';

const CLI = await relayProgram('cli');
const ALICE = '8a6e0804-2bd0-4672-b79d-d97027f9071a';
const BOB = '11111111-2222-4333-8444-555555555555';
const DAY_MS = 86_400_000;
let dataDir: ReturnType<typeof newDataDir>;

beforeEach(() => {
  dataDir = newDataDir();
});

afterEach(() => dataDir.remove());

function open() {
  return openUsageLedger({
    dataDir: dataDir.path,
    prices: () => loadPrices(),
    clock: new ManualClock(),
    onError: () => {},
  });
}

function start(...args: string[]) {
  const child = spawn(process.execPath, [CLI, 'usage', ...args], {
    env: { ...process.env, DATA_DIR: dataDir.path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { child, closed: once(child, 'close') };
}

/** As an operator runs it. */
async function usageAsProcess(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { child, closed } = start(...args);
  const out = child.stdout.setEncoding('utf8').toArray();
  const err = child.stderr.setEncoding('utf8').toArray();
  const [code] = await closed;
  return { code, out: (await out).join(''), err: (await err).join('') };
}

async function usage(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await runCommand(usageCommand, args, { DATA_DIR: dataDir.path });
  return { code, out: stdout, err: stderr };
}

const rowsOf = (out: string) =>
  out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

/** Three of Alice on one day (one unpriced, one running), one of Bob the day after. */
async function fill() {
  const ledger = open();
  const runs = [
    intentOf({ epoch: 'epoch-1', organizationId: 'org-1', action: 'homework_help' }),
    intentOf({ epoch: 'epoch-2', model: 'claude-sonnet-9' }),
    intentOf({ epoch: 'epoch-3' }),
    intentOf({ epoch: 'epoch-4', userId: BOB, startedAt: STARTED_AT + DAY_MS }),
  ];
  for (const intent of runs) await ledger.open(intent, () => readingOf());
  await ledger.settle(
    settlementOf('epoch-1', {
      usage: readingOf({ cacheReadTokens: 1000, cacheWriteTokens: 50, model: 'claude-sonnet-5-5-20260928' }),
    }),
  );
  await ledger.settle(settlementOf('epoch-2'));
  const cut = { status: 'error', code: 'upstream_reset', endedAt: STARTED_AT + DAY_MS } as const;
  await ledger.settle(settlementOf('epoch-4', { ...cut, usage: readingOf({ source: 'estimated' }) }));
  return ledger;
}

it('--json prints one object a line for each run, while the relay runs and after it has stopped', async () => {
  const ledger = await fill();
  const running = await usageAsProcess('--json');
  expect(running).toMatchObject({ code: 0, err: '' });
  const rows = rowsOf(running.out);
  expect(rows[0]).toEqual({
    streamId: 'stream-1',
    epoch: 'epoch-1',
    userId: ALICE,
    organizationId: 'org-1',
    action: 'homework_help',
    model: 'claude-sonnet-5-5',
    servedModel: 'claude-sonnet-5-5-20260928',
    status: 'done',
    code: null,
    source: 'final',
    inputTokens: 120,
    outputTokens: 300,
    cacheReadTokens: 1000,
    cacheWriteTokens: 50,
    thinkingTokens: 0,
    webSearches: 0,
    inferenceGeo: null,
    serviceTier: null,
    speed: null,
    // 120 × 2 + 300 × 10 + 1,000 × 0.10 + 50 × 2.50 dollars per million.
    costUsd: 0.003465,
    // 1,000 × (2 − 0.10) − 50 × (2.50 − 2).
    cacheSavedUsd: 0.001875,
    startedAt: '2026-11-22T12:00:00.000Z',
    endedAt: '2026-11-22T12:00:02.000Z',
  });
  expect(rows.slice(1)).toMatchObject([
    { epoch: 'epoch-2', status: 'done', costUsd: null, cacheSavedUsd: null },
    {
      epoch: 'epoch-3',
      status: 'running',
      source: 'none',
      costUsd: null,
      cacheSavedUsd: null,
      endedAt: null,
    },
    {
      ...{ epoch: 'epoch-4', status: 'error', code: 'upstream_reset', source: 'estimated' },
      ...{ costUsd: 0.00324, cacheSavedUsd: 0 },
    },
  ]);
  await ledger.close();
  expect(await usageAsProcess('--json')).toEqual(running);
});

it('the table sums by day, user and model, and says what the sum does not hold', async () => {
  await (await fill()).close();
  const { code, out } = await usage();
  expect(code).toBe(0);
  const lines = out.split('\n').map((line) => line.trimEnd().replaceAll(/ {2,}/g, ' | '));
  expect(lines).toContain(
    `2026-11-22 | ${ALICE} | claude-sonnet-5-5 | 2 | 120 | 300 | 1,000 | 50 | 0.001875 | 0.003465`,
  );
  expect(lines).toContain(
    `2026-11-22 | ${ALICE} | claude-sonnet-9 | 1 | 120 | 300 | 0 | 0 | 0.000000 | 0.000000 *`,
  );
  expect(lines).toContain(
    `2026-11-23 | ${BOB} | claude-sonnet-5-5 | 1 | 120 | 300 | 0 | 0 | 0.000000 | 0.003240`,
  );
  expect(out).toMatch(/total +4 +360 +900 +1,000 +50 +0\.001875 +0\.006705/);
  expect(out).toContain('1 still running');
  expect(out).toContain('1 on models without a price');
});

it.each([
  ['--user', BOB, ['epoch-4']],
  ['--day', '2026-11-22', ['epoch-1', 'epoch-2', 'epoch-3']],
  ['--since', '2026-11-23', ['epoch-4']],
  ['--since', '2026-11-23T14:00:01+02:00', []],
])('%s %s keeps the runs it names', async (option, value, epochs) => {
  await (await fill()).close();
  const { code, out } = await usage('--json', option, value);
  expect(code).toBe(0);
  expect(rowsOf(out).map(({ epoch }) => epoch)).toEqual(epochs);
});

it('the table names what Postgres refuses, and why', async () => {
  const ledger = await fill();
  const { outbox } = ledger;
  await outbox.quarantine(outbox.waiting(0, 2), '22P02', 0);
  await ledger.close();
  const { out } = await usage();
  expect(out).toMatch(
    /\n2 runs are refused by Postgres: 22P02\. They stay here and are tried again each hour\.\n$/,
  );
});

it('without a ledger it says so on stderr and prints no row', async () => {
  for (const args of [[], ['--json']]) {
    const { code, out, err } = await usage(...args);
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(err).toContain(`${dataDir.path} holds no ledger`);
  }
});

it.each([
  [['--nonsense'], "Unknown option '--nonsense'"],
  [['extra'], "Unexpected argument 'extra'"],
  [['--user'], "Option '--user <value>' argument missing"],
  [['--day', '2026-02-30'], '--day is not a date such as 2026-11-22: 2026-02-30'],
  [['--since', 'yesterday'], '--since is not a date'],
])('%j is refused with words and exit code 2', async (args, words) => {
  const { code, out, err } = await usage(...args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(words);
  expect(err).toContain('Usage: dash-relay usage');
});

it('--help explains itself on stdout', async () => {
  const { code, out } = await usage('--help');
  expect(code).toBe(0);
  expect(out).toContain('--json');
});

it('a reader that goes away early is no failure', async () => {
  const ledger = open();
  const intents = Array.from({ length: 5000 }, () => intentOf());
  await Promise.all(intents.map((intent) => ledger.open(intent, () => readingOf())));
  await ledger.close();
  const { child, closed } = start('--json');
  const err = child.stderr.setEncoding('utf8').toArray();
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = await closed;
  expect({ code, err: (await err).join('') }).toEqual({ code: 0, err: '' });
});

it('reading under write load sees whole rows, and neither side fails the other', async () => {
  const ledger = open();
  let reading = true;
  let opened = 0;
  const writing = (async () => {
    while (reading) {
      const intents = Array.from({ length: 20 }, () => intentOf());
      await Promise.all(intents.map((intent) => ledger.open(intent, () => readingOf())));
      await Promise.all(intents.map(({ epoch }) => ledger.settle(settlementOf(epoch))));
      opened += intents.length;
      await nextTurn();
    }
  })();
  const results = await Promise.all([usageAsProcess('--json'), usageAsProcess('--json'), usageAsProcess()]);
  reading = false;
  await writing;
  for (const { code, err } of results) expect({ code, err }).toEqual({ code: 0, err: '' });
  const rows = rowsOf(results[0].out);
  expect(rows.length).toBeGreaterThan(0);
  expect(new Set(rows.map(({ epoch }) => epoch)).size).toBe(rows.length);
  for (const { status, costUsd } of rows) expect(costUsd).toBe(status === 'done' ? 0.00324 : null);
  expect(ledger.degraded).toBe(false);
  await ledger.close();
  expect(rowsOf((await usage('--json')).out)).toHaveLength(opened);
});

it('prints nothing that a terminal obeys, and JSON says the same to a program', async () => {
  const model = 'm\u001b[2J\u009b31m\u202e\u2028\u{e0041}\u007f';
  const ledger = open();
  await ledger.open(intentOf({ model }), () => readingOf());
  await ledger.close();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  const obeyed = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028\u{e0041}]/u;
  for (const options of [[], ['--json'], ['--json', '--by', 'model'], ['--by', 'model']]) {
    const { out } = await usage(...options);
    expect(out).not.toMatch(obeyed);
    if (options.includes('--json')) expect(rowsOf(out)).toMatchObject([{ model }]);
  }
});
