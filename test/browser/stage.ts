/** A relay with a simulated model, and a browser, for the tests of one file. */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { type AssistantPage, assistantPage } from '../support/assistant-page.ts';
import { launchChromium } from '../support/chromium.ts';
import { type SimulatedRelay, startSimulatedRelay } from '../support/relay-process.ts';

/** Git-ignored: what the page looked like where a test failed. */
const OUTPUT = fileURLToPath(new URL('../output/', import.meta.url));
const DESKTOP = { width: 1280, height: 800 };

/** For polls of what takes a model's time. */
export const SOON = { timeout: 15_000 };
export const PACE = { firstTokenMs: 150, deltasPerSecond: 60 } as const;

export interface OpenOptions extends BrowserContextOptions {
  /** Before the page is asked for. */
  readonly prepare?: (page: Page) => Promise<unknown>;
  /** Instead of the relay's own address. */
  readonly url?: string;
  /** What the browser says of a network that is bad on purpose. */
  readonly mayComplain?: RegExp;
}

export interface Stage {
  readonly relay: SimulatedRelay;
  /** Whatever the page complains about, its policy included, fails the test. */
  open(options?: OpenOptions): Promise<AssistantPage>;
}

export function setStage(): Stage {
  let browser: Browser;
  let relay: SimulatedRelay;
  beforeAll(async () => {
    await mkdir(OUTPUT, { recursive: true });
    [relay, browser] = await Promise.all([startSimulatedRelay({ pace: PACE }), launchChromium()]);
  });
  afterAll(async () => {
    await browser?.close();
    await relay?.[Symbol.asyncDispose]();
  });
  return {
    get relay() {
      return relay;
    },
    async open({ prepare, url = relay.url, mayComplain = /^\b$/, ...context } = {}) {
      const page = await browser.newPage({ viewport: DESKTOP, ...context });
      page.setDefaultTimeout(SOON.timeout);
      const demo = assistantPage(page);
      onTestFinished(async ({ task }) => {
        const picture = `${OUTPUT}${task.name.replaceAll(/\W+/g, '-').slice(0, 60)}.png`;
        if (task.result?.state === 'fail') await page.screenshot({ path: picture });
        await page.context().close();
        expect(demo.complaints.filter((complaint) => !mayComplain.test(complaint))).toEqual([]);
      });
      await prepare?.(page);
      await page.goto(url);
      await demo.question.waitFor();
      return demo;
    },
  };
}

/** Words that tell where they belong. */
export function numberedWords(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i === 0 ? '' : ' '}word-${i + 1}`);
}
