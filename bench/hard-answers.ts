/**
 * What answers that are hard to draw cost the page that shows them, in Chromium at a phone's width: `node bench/hard-answers.ts`. Each
 * grows by eight characters a frame in a page of its own, so that the first formula and the first code load what they need; as the
 * machine is, and with a CPU that is four times as slow. Prints a table.
 */
import type { Browser, Page } from 'playwright-core';
import { type Growth, HARD_ANSWERS, longestFlicker } from '../test/support/hard-answers.ts';
import { printTable, type TaskTimes, timeTasks } from './page-tasks.ts';
import { runProgram } from './program.ts';

const PHONE = { width: 390, height: 844 };
const SLOWER = [1, 4];
const HEAD = `| answer | CPU | deltas | a raw mark was seen, deltas | layout shift | longest task, ms | of CPU, ms | over 50 ms, in all, ms |
|---|---|--:|--:|--:|--:|--:|--:|
`;

await runProgram(async () => {
  await printTable('hard-answers', HEAD, rows);
  return 0;
});

async function* rows(browser: Browser, origin: string): AsyncGenerator<string> {
  for (const slower of SLOWER)
    for (const name of Object.keys(HARD_ANSWERS)) yield await measure(browser, origin, name, slower);
}

/** A row of the table. */
async function measure(browser: Browser, origin: string, name: string, slower: number): Promise<string> {
  const page = await browser.newPage({ viewport: PHONE });
  await page.goto(origin);
  await ask(page);
  let growth: Growth = { seen: [], shift: 0, rendered: [] };
  const times = await timeTasks(browser, page, slower, async () => {
    growth = await page.evaluate<Growth>(`hard.stream(${JSON.stringify(name)})`);
  });
  const end = await page.evaluate<string>('hard.read()');
  await page.context().close();
  return rowOf(name, slower, growth, end, times);
}

async function ask(page: Page): Promise<void> {
  await page.getByRole('textbox').fill('Be hard');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByRole('group', { name: 'Dash' }).waitFor();
}

function rowOf(name: string, slower: number, { seen, shift }: Growth, end: string, times: TaskTimes): string {
  const cells = [times.longestMs, times.longestCpuMs, times.blockingMs].map(Math.round);
  const cpu = slower === 1 ? 'full' : `÷ ${slower}`;
  return `| ${[name, cpu, seen.length, longestFlicker(seen, end), shift.toFixed(3), ...cells].join(' | ')} |\n`;
}
