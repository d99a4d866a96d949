import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openUsageLedger } from '../../src/ledger/ledger.ts';
import { loadPrices } from '../../src/pricing/prices.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { newDataDir, rowsIn } from './runs.ts';

const CHILD = fileURLToPath(new URL('./ledger-child.ts', import.meta.url));
const prices = loadPrices();
let dataDir: ReturnType<typeof newDataDir>;
let children: ChildProcess[];

beforeEach(() => {
  dataDir = newDataDir();
  children = [];
});

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  dataDir.remove();
});

function startChild() {
  const child = spawn(process.execPath, [CHILD], {
    env: { ...process.env, DATA_DIR: dataDir.path },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const exited = once(child, 'close');
  const lines = (word: string) =>
    output
      .split('\n')
      .slice(0, -1)
      .flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
  const firstOutput = once(child.stdout, 'data');
  return { child, exited, lines, firstOutput };
}

function reopen() {
  return openUsageLedger({
    dataDir: dataDir.path,
    prices: () => prices,
    clock: new ManualClock(),
    onError: () => {},
  });
}

it.each([0, 30, 80, 200, 700])(
  'killed %i ms into its load, every run that was accepted has one row, and after the next start every row is settled',
  async (ms) => {
    const { child, exited, lines, firstOutput } = startChild();
    await firstOutput;
    await wait(ms * (0.5 + Math.random()));
    child.kill('SIGKILL');
    await exited;
    expect(lines('failed')).toEqual([]);
    const open = new Set(lines('open'));
    const settled = new Set(lines('settled'));
    expect(open.size).toBeGreaterThan(0);

    const ledger = reopen();
    const rows = rowsIn(dataDir.path);
    await ledger.close();
    const byEpoch = new Map(rows.map((row) => [row.epoch, row]));
    expect(byEpoch.size, 'one row each').toBe(rows.length);
    for (const epoch of open) expect(byEpoch.has(epoch)).toBe(true);
    for (const epoch of settled)
      expect(byEpoch.get(epoch)).toMatchObject({ status: 'done', outputTokens: 300 });
    expect(rows.filter(({ status }) => status !== 'done' && status !== 'error')).toEqual([]);
    expect(ledger.interrupted).toBe(rows.filter(({ code }) => code === 'interrupted').length);
    expect(ledger.interrupted).toBeGreaterThan(0);
  },
);

it('the data directory of a living process is refused, with words that help; that of a killed one is not', async () => {
  const { child, exited, firstOutput } = startChild();
  await firstOutput;
  expect(reopen).toThrow(
    `${dataDir.path} is in use by another relay; stop that one, or give this one a DATA_DIR`,
  );
  child.kill('SIGKILL');
  await exited;
  await reopen().close();
});

it('two ledgers of one process cannot share a directory either', async () => {
  const ledger = reopen();
  expect(reopen).toThrow('in use by another relay');
  await ledger.close();
  await reopen().close();
});

it('a directory that cannot be made is named', () => {
  expect(() =>
    openUsageLedger({
      dataDir: '/dev/null/ledger',
      prices: () => prices,
      clock: new ManualClock(),
      onError: () => {},
    }),
  ).toThrow('unable to lock the data directory /dev/null/ledger');
});
