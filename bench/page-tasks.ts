/** How long a page in Chromium keeps its main thread: what a person feels as a page that does not answer. */
import { loadavg } from 'node:os';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../test/support/chromium.ts';
import { serveBundle } from '../test/support/page-bundle.ts';
import { describeMachine } from './machine.ts';

export interface TaskTimes {
  /** Of one task, ms: by the clock, and of CPU alone, which other work of the machine lengthens less. */
  readonly longestMs: number;
  readonly longestCpuMs: number;
  /** What all tasks over 50 ms had beyond that, ms. */
  readonly blockingMs: number;
  readonly cpuMs: number;
}

const WATCH = `
  globalThis.longTasks = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: 'longtask' });
`;

/** Prints the machine, `head` and each row as it is measured, on the pages of test/react/page by that name. */
export async function printTable(
  bundle: string,
  head: string,
  rows: (browser: Browser, origin: string) => AsyncIterable<string>,
): Promise<void> {
  const page = await serveBundle(bundle, 'production');
  const browser = await launchChromium();
  const { cpu, cores, node } = describeMachine();
  process.stdout.write(`${cpu}, ${cores} cores, Node ${node}, load ${loadavg()[0]?.toFixed(1)}\n\n${head}`);
  try {
    for await (const row of rows(browser, page.origin)) process.stdout.write(row);
  } finally {
    await browser.close();
    page.close();
  }
}

/** The tasks of what `act` does to the page, with a CPU that is `slower` times as slow. */
export async function timeTasks(
  browser: Browser,
  page: Page,
  slower: number,
  act: () => Promise<unknown>,
): Promise<TaskTimes> {
  await page.evaluate(WATCH);
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: slower });
  await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline'] });
  await act();
  const cpu = cpuOfTasks(await browser.stopTracing());
  const longTasks = await page.evaluate<number[]>('longTasks');
  await session.detach();
  return {
    longestMs: Math.max(0, ...longTasks),
    longestCpuMs: Math.max(0, ...cpu),
    blockingMs: longTasks.reduce((sum, ms) => sum + ms - 50, 0),
    cpuMs: cpu.reduce((sum, ms) => sum + ms, 0),
  };
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** CPU, µs. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** Of each task of the page's main thread, ms. */
function cpuOfTasks(trace: Buffer): number[] {
  const { traceEvents } = JSON.parse(trace.toString()) as { readonly traceEvents: readonly TraceEvent[] };
  const main = traceEvents.filter(
    ({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain',
  );
  const isOfMain = ({ pid, tid }: TraceEvent): boolean =>
    main.some((thread) => thread.pid === pid && thread.tid === tid);
  const tasks = traceEvents.filter((event) => event.name.endsWith('RunTask') && isOfMain(event));
  return tasks.map(({ tdur = 0 }) => tdur / 1000);
}
