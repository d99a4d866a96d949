/** Pages of test/react/page in a real browser. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { type Mode, serveBundle } from '../support/page-bundle.ts';

export interface PageServer {
  readonly origin: string;
  /** Closed at the end of the test, which fails where the page complained of anything but `mayComplain`. */
  open(setting: object, context?: BrowserContextOptions, mayComplain?: RegExp): Promise<Page>;
  close(): Promise<void>;
}

/** `name`: of a module in test/react/page. `policy`: the page's Content-Security-Policy. */
export async function servePage(name: string, mode: Mode, policy?: string): Promise<PageServer> {
  const bundled = await serveBundle(name, mode, policy);
  const { origin } = bundled;
  const browser: Browser = await launchChromium();
  return {
    origin,
    async open(setting, contextOptions = {}, mayComplain = /ERR_INTERNET_DISCONNECTED/) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...contextOptions });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(error.message));
      onTestFinished(async () => {
        await context.close();
        const unexpected = complaints.filter(
          (text) => !/ERR_INTERNET_DISCONNECTED|WebSocket connection/.test(text) && !mayComplain.test(text),
        );
        if (unexpected.length > 0) throw new Error(`the page complained: ${unexpected.join('\n')}`);
      });
      await page.goto(`${origin}/#${encodeURIComponent(JSON.stringify(setting))}`);
      return page;
    },
    async close() {
      await browser.close();
      bundled.close();
    },
  };
}
