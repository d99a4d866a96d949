/**
 * What long answers cost the page that shows them, in Chromium at a phone's width: `node bench/long-answers.ts`. Each is opened
 * from history, and streamed 400 characters a frame, which is some fifty times as fast as a model writes; as the machine is, and
 * with a CPU that is four times as slow. `--share=0.5`: half of each answer. Prints a table.
 */
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { LONG_ANSWERS, type LongAnswer } from '../test/support/long-answers.ts';
import { printTable, type TaskTimes, timeTasks } from './page-tasks.ts';
import { runProgram } from './program.ts';

const PHONE = { width: 390, height: 844 };
const CHARACTERS_PER_FRAME = 400;
/** Nothing was added for so long: it is drawn, ms. */
const QUIET_MS = 1000;
const DRAWER_MS = 600;
const PATIENCE_MS = 300_000;
const SLOWER = [1, 4];
const WAYS = ['opened', 'streamed'] as const;

interface Figures extends TaskTimes {
  readonly answer: LongAnswer;
  readonly way: (typeof WAYS)[number];
  /** How many times as slow the CPU is. */
  readonly slower: number;
}

const HEAD = `| answer | way | CPU | longest task, ms | of CPU, ms | over 50 ms, in all, ms | CPU in all, ms |
|---|---|---|--:|--:|--:|--:|
`;
const WATCH = `
  globalThis.untilQuiet = () => new Promise((resolve) => {
    const wait = () => setTimeout(resolve, ${QUIET_MS});
    let timer = wait();
    new MutationObserver(() => { clearTimeout(timer); timer = wait(); })
      .observe(document.querySelector('[role=main], main'), { subtree: true, childList: true });
  });
`;

await runProgram(async (args) => {
  const { values } = parseArgs({ args: [...args], options: { share: { type: 'string', default: '1' } } });
  const share = Number(values.share);
  await printTable('long-answers', HEAD, (browser, origin) => rows(browser, origin, share));
  return 0;
});

async function* rows(browser: Browser, origin: string, share: number): AsyncGenerator<string> {
  for (const answer of Object.keys(LONG_ANSWERS) as LongAnswer[])
    for (const way of WAYS)
      for (const slower of SLOWER)
        yield rowOf(await measure(browser, origin, { answer, way, slower }, share));
}

async function measure(
  browser: Browser,
  origin: string,
  what: Pick<Figures, 'answer' | 'way' | 'slower'>,
  share: number,
): Promise<Figures> {
  const page = await browser.newPage({ viewport: PHONE, reducedMotion: 'reduce' });
  page.setDefaultTimeout(PATIENCE_MS);
  const kept = what.way === 'opened' ? [what.answer] : [];
  await page.goto(`${origin}/#${encodeURIComponent(JSON.stringify({ kept, share }))}`);
  const show = await prepare(page, what);
  await page.evaluate(WATCH);
  const times = await timeTasks(browser, page, what.slower, async () => {
    await show();
    await page.evaluate('untilQuiet()');
  });
  await page.context().close();
  return { ...what, ...times };
}

/** Up to where only the answer is missing. Resolves with what brings it. */
async function prepare(
  page: Page,
  { answer, way }: Pick<Figures, 'answer' | 'way'>,
): Promise<() => Promise<unknown>> {
  await page.getByRole('textbox').fill('Be long');
  if (way === 'opened') {
    await page.getByRole('button', { name: /conversations/i }).click();
    await page.waitForTimeout(DRAWER_MS);
    return () => page.getByRole('button', { name: new RegExp(`^${answer}`) }).click(); // its date follows
  }
  await page.getByRole('button', { name: 'Send' }).click();
  return () => page.evaluate(`answers.stream(${JSON.stringify(answer)}, ${CHARACTERS_PER_FRAME})`);
}

function rowOf(figures: Figures): string {
  const { answer, way, slower, ...times } = figures;
  const cells = [times.longestMs, times.longestCpuMs, times.blockingMs, times.cpuMs].map(Math.round);
  return `| ${[answer, way, slower === 1 ? 'full' : `÷ ${slower}`, ...cells].join(' | ')} |\n`;
}
