/**
 * `node test/browser/take-screenshots.ts`: the demo page in each of its states, on a phone and on a desktop, light and
 * dark, into test/output/ (git-ignored). For people to look at.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { type AssistantPage, assistantPage } from '../support/assistant-page.ts';
import { launchChromium } from '../support/chromium.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';

const OUTPUT = fileURLToPath(new URL('../output/', import.meta.url));
const BUILD = fileURLToPath(new URL('../../scripts/build-demo.mjs', import.meta.url));
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } } as const;
const QUESTION = 'Explain photosynthesis to a 10-year-old';
const ENOUGH_MS = 3000;

interface State {
  readonly name: string;
  reach(demo: AssistantPage): Promise<unknown>;
}

/** In the order in which one page goes through them. */
const STATES: readonly State[] = [
  { name: 'empty', reach: async () => {} },
  {
    name: 'thinking',
    async reach(demo) {
      await choose(demo, 'Very long answer');
      await demo.ask(QUESTION);
      await demo.page.getByText('Thinking…').first().waitFor();
    },
  },
  { name: 'streaming', reach: (demo) => demo.page.waitForTimeout(ENOUGH_MS) },
  {
    name: 'reconnecting',
    async reach(demo) {
      await press(demo, 'Cut the network');
      await demo.page.getByText('Reconnecting…').first().waitFor();
    },
  },
  {
    name: 'stopped',
    async reach(demo) {
      await demo.page.getByText('Writing…').first().waitFor();
      await demo.page.waitForTimeout(500);
      await demo.stop.click();
      await demo.page.getByText('You stopped this answer.').waitFor();
    },
  },
  {
    name: 'error',
    async reach(demo) {
      await choose(demo, 'Breaks off midway');
      await demo.ask('How do volcanoes work?');
      await demo.page.getByRole('button', { name: 'Try again' }).waitFor();
    },
  },
  {
    name: 'several',
    async reach(demo) {
      await choose(demo, 'Very long answer');
      await press(demo, 'Ask three at once');
      await closePanelOnPhone(demo);
      await showOther(demo);
      await demo.page.waitForTimeout(ENOUGH_MS);
    },
  },
  {
    name: 'panel',
    async reach(demo) {
      await demo.page.waitForTimeout(ENOUGH_MS);
      await openPanel(demo);
    },
  },
  {
    name: 'offline',
    async reach(demo) {
      await closePanelOnPhone(demo);
      await demo.page.context().setOffline(true);
      await demo.page
        .getByText(/^You are offline/)
        .first()
        .waitFor();
    },
  },
];

async function openPanel(demo: AssistantPage): Promise<void> {
  if (!(await demo.panel.isVisible()))
    await demo.page.getByRole('button', { name: 'Under the hood' }).click();
}

async function closePanelOnPhone(demo: AssistantPage): Promise<void> {
  const isPhone = demo.page.viewportSize()?.width === SIZES.phone.width;
  if (isPhone && (await demo.panel.isVisible())) await demo.page.keyboard.press('Escape');
}

async function choose(demo: AssistantPage, model: string): Promise<void> {
  await openPanel(demo);
  await demo.panel.getByLabel('Simulated model').selectOption(model);
  await closePanelOnPhone(demo);
}

async function showOther({ page, conversations }: AssistantPage): Promise<void> {
  if (await conversations.isHidden()) await page.getByRole('button', { name: /^Show conversations/ }).click();
  await conversations.getByRole('button', { name: /^Lesson plan/ }).click();
}

async function press(demo: AssistantPage, name: string): Promise<void> {
  await openPanel(demo);
  await demo.panel.getByRole('button', { name }).click();
}

async function take(
  browser: Browser,
  { url }: SimulatedRelay,
  size: keyof typeof SIZES,
  colorScheme: 'light' | 'dark',
): Promise<void> {
  const page = await browser.newPage({ viewport: SIZES[size], colorScheme, reducedMotion: 'reduce' });
  const demo = assistantPage(page);
  await page.goto(url);
  await demo.question.waitFor();
  for (const { name, reach } of STATES) {
    await reach(demo);
    await page.screenshot({ path: `${OUTPUT}${name}-${size}-${colorScheme}.png` });
  }
  await page.context().close();
}

mkdirSync(OUTPUT, { recursive: true });
execFileSync(process.execPath, [BUILD, '--if-stale'], { stdio: 'inherit' });
await using relay = await startSimulatedRelay({ pace: { firstTokenMs: 700, deltasPerSecond: 15 } });
const browser = await launchChromium();
try {
  for (const scheme of ['light', 'dark'] as const) {
    await Promise.all([take(browser, relay, 'phone', scheme), take(browser, relay, 'desktop', scheme)]);
  }
} finally {
  await browser.close();
}
