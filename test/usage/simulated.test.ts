import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openUsageLedger } from '../../src/ledger/ledger.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { relayProgram } from '../support/relay-program.ts';
import { intentOf, newDataDir, readingOf, rowsIn, settlementOf } from './runs.ts';

const CLI = await relayProgram('cli');
/** Of one run of 120 and 300 tokens. */
const COST_USD = 0.00324;

let dataDir: ReturnType<typeof newDataDir>;

beforeEach(() => {
  dataDir = newDataDir();
});
afterEach(() => dataDir.remove());

function open(simulated: boolean) {
  const clock = new ManualClock();
  const prices = loadPrices();
  return openUsageLedger({ dataDir: dataDir.path, prices: () => prices, simulated, clock, onError() {} });
}

/** One process with one run; what its settlement says, undefined where a crash comes first. */
async function answer(simulated: boolean, ending: 'settled' | 'crash' = 'settled') {
  const ledger = open(simulated);
  const intent = intentOf();
  await ledger.open(intent, () => readingOf());
  ledger.touch(intent.epoch);
  if (ending === 'settled') {
    const { costUsd } = await ledger.settle(settlementOf(intent.epoch));
    await ledger.close();
    return costUsd;
  }
  // What was saved is on disk, the row is open: as a killed process leaves it.
  await ledger.close();
  return undefined;
}

async function usage(...args: string[]): Promise<string> {
  const env = { ...process.env, DATA_DIR: dataDir.path };
  return (await promisify(execFile)(process.execPath, [CLI, 'usage', ...args], { env })).stdout;
}

it('a simulated answer costs nothing and says so; others cost what they cost', async () => {
  expect(await answer(true)).toBe(0);
  expect(await answer(false)).toBe(COST_USD);
  expect(rowsIn(dataDir.path)).toMatchObject([
    { simulated: true, costUsd: 0, outputTokens: 300, model: 'claude-sonnet-5-5' },
    { costUsd: COST_USD },
  ]);
});

it.each([
  ['the real model', false],
  ['the simulated one', true],
])('what a crash left open keeps its own price at a boot with %s', async (_, simulated) => {
  await answer(true, 'crash');
  await open(simulated).close();
  await answer(false, 'crash');
  await open(simulated).close();
  expect(rowsIn(dataDir.path)).toMatchObject([
    { code: 'interrupted', simulated: true, costUsd: 0 },
    { code: 'interrupted', costUsd: COST_USD },
  ]);
});

it('the table counts them apart, and sums say how many they are', async () => {
  await answer(true);
  await answer(true);
  await answer(false);
  const table = await usage();
  expect(table).toMatch(/total .* 0\.003240\n/);
  expect(table).toContain('2 answered by the simulated model: they cost nothing.');
  expect(JSON.parse(await usage('--json', '--by', 'model'))).toMatchObject({
    runs: 3,
    simulated: 2,
    costUsd: COST_USD,
  });
});

it('--compare leaves them out: Anthropic knows nothing of them', async () => {
  await answer(true);
  await answer(false);
  const file = join(dataDir.path, 'usage.json');
  const results = [{ model: 'claude-sonnet-5-5', uncached_input_tokens: 120, output_tokens: 300 }];
  writeFileSync(file, JSON.stringify({ data: [{ starting_at: '2026-11-22T00:00:00Z', results }] }));
  expect(await usage('--compare', file)).toMatch(/total .* output +300 +300 +0 +0\.00 %/);
});
