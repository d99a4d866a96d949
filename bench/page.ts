/**
 * What a person at the demo page waits for, in Chromium: `node bench/page.ts`. The relay runs as it stands, with its
 * simulated model at a lifelike pace (first token after 400 to 900 ms). Prints a table.
 */
import { execFileSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { type AssistantPage, assistantPage, ofType, type WireFrame } from '../test/support/assistant-page.ts';
import { launchChromium } from '../test/support/chromium.ts';
import { dataDirectory, spawnRelay } from '../test/support/relay-process.ts';
import { describeMachine } from './machine.ts';

const BUILD = fileURLToPath(new URL('../scripts/build-demo.mjs', import.meta.url));
const SENDS = 50;
const RUNS = 5;
/** Before each run: until all three are streaming. */
const WARM_UP_MS = 2000;
const STREAMING_MS = 8000;

interface Timing {
  readonly firstTokenMs: number;
}

interface FirstWords {
  /** From the key press to the paint that shows them, ms. */
  readonly visibleMs: number;
  /** The same without what the model needed, as the relay measured it, ms. */
  readonly afterModelMs: number;
}

/** Questions in conversations of their own, one after the other. */
async function measureFirstWords(browser: Browser, url: string): Promise<FirstWords[]> {
  const demo = await open(browser, url);
  await demo.page.evaluate(WATCH_FIRST_WORDS);
  const sends: FirstWords[] = [];
  for (let i = 0; i < SENDS; i++) {
    await demo.ask(`What is ${i + 2} times seven?`);
    const visibleMs = await demo.page.evaluate<number>('firstWords()');
    await demo.ended();
    const { timing } = ofType(demo.received, 'done').at(-1) as WireFrame & { readonly timing: Timing };
    sends.push({ visibleMs, afterModelMs: visibleMs - timing.firstTokenMs });
    await demo.page.getByRole('button', { name: 'New conversation' }).click();
  }
  await demo.page.context().close();
  return sends;
}

interface ThreeAtOnce {
  /** Below 50 a task is not reported: then 0. */
  readonly longestTaskMs: number;
  /** In all. */
  readonly deltasPerSecond: number;
  /** Between two pieces of any one of the three. */
  readonly longestPauseMs: number;
}

async function measureThreeAtOnce(browser: Browser, url: string): Promise<ThreeAtOnce> {
  const demo = await open(browser, url);
  const chunks = watchChunks(demo);
  await demo.panel.getByLabel('Simulated model').selectOption('Very long answer');
  await demo.panel.getByRole('button', { name: 'Ask three at once' }).click();
  // One of them is on the screen: it is drawn as it grows.
  await demo.conversations.getByRole('button', { name: /^Explain photosynthesis/ }).click();
  await demo.page.evaluate(WATCH_LONG_TASKS);
  await demo.page.waitForTimeout(WARM_UP_MS);
  chunks.clear();
  await demo.page.evaluate('longTasks.splice(0)');
  await demo.page.waitForTimeout(STREAMING_MS);
  const tasks = await demo.page.evaluate<number[]>('longTasks');
  const streams = [...chunks.values()];
  await demo.page.context().close();
  return {
    longestTaskMs: Math.max(0, ...tasks),
    deltasPerSecond: (streams.flat().length * 1000) / STREAMING_MS,
    longestPauseMs: Math.max(
      ...streams.flatMap((times) => times.slice(1).map((at, i) => at - (times[i] ?? at))),
    ),
  };
}

/** When the pieces of each stream came. Those of a lifelike model are single deltas. */
function watchChunks({ page }: AssistantPage): Map<string, number[]> {
  const times = new Map<string, number[]>();
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => {
      const { type, id } = JSON.parse(String(payload)) as { readonly type: string; readonly id: string };
      if (type === 'chunk') times.set(id, [...(times.get(id) ?? []), performance.now()]);
    }),
  );
  return times;
}

async function open(browser: Browser, url: string): Promise<AssistantPage> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const demo = assistantPage(page);
  await page.goto(url);
  await demo.question.waitFor();
  return demo;
}

/** The press of Enter is the input's own time stamp; the words are there in the frame after the change was drawn. */
const WATCH_FIRST_WORDS = `
  let sentAt;
  addEventListener('keydown', (event) => { if (event.key === 'Enter') sentAt = event.timeStamp; }, true);
  const hasWords = () => {
    const answer = [...document.querySelectorAll('[role=group][aria-label=Dash]')].at(-1);
    const words = answer?.lastElementChild?.children;
    return words !== undefined && words.length > 1 && words[0].textContent.trim() !== '';
  };
  globalThis.firstWords = () => new Promise((resolve) => {
    const look = () => {
      if (!hasWords()) return requestAnimationFrame(look);
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve(performance.now() - sentAt);
      requestAnimationFrame(() => port2.postMessage(null));
    };
    look();
  });
`;

const WATCH_LONG_TASKS = `
  globalThis.longTasks = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: 'longtask' });
`;

/** `share` 0.5: the median. */
function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN);
}

function print(sends: readonly FirstWords[], runs: readonly ThreeAtOnce[]): void {
  const spread = (of: keyof FirstWords): string => {
    const values = sends.map((send) => send[of]);
    return `p50 ${percentile(values, 0.5)}, p95 ${percentile(values, 0.95)}`;
  };
  const each = (of: keyof ThreeAtOnce): string => {
    const values = runs.map((run) => run[of]);
    return `median ${percentile(values, 0.5)} (${values.map((value) => Math.round(value)).join(', ')})`;
  };
  const { cpu, cores, node } = describeMachine();
  const rows = [
    ['what', 'figure', 'target'],
    ['---', '---', '---'],
    [`Send → first visible words, ${sends.length} sends, ms`, spread('visibleMs'), '< 1500'],
    ['… without the model’s own time, ms', spread('afterModelMs'), '< 1000'],
    ['three conversations at once, deltas/s in all', each('deltasPerSecond'), ''],
    ['… longest task, ms (0: none over 50)', each('longestTaskMs'), '≤ 50'],
    ['… longest pause in any of the three, ms', each('longestPauseMs'), ''],
  ];
  process.stdout.write(`${cpu}, ${cores} cores, Node ${node}, load ${loadavg()[0]?.toFixed(1)}\n\n`);
  process.stdout.write(`${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`);
}

execFileSync(process.execPath, [BUILD, '--if-stale'], { stdio: 'inherit' });
using data = dataDirectory();
await using relay = await spawnRelay(data.path);
const browser = await launchChromium();
try {
  const sends = await measureFirstWords(browser, relay.url);
  const runs: ThreeAtOnce[] = [];
  for (let i = 0; i < RUNS; i++) runs.push(await measureThreeAtOnce(browser, relay.url));
  print(sends, runs);
} finally {
  await browser.close();
}
