/** Pages of test/react/page in a real browser, bundled as an app's own build would: react-native is react-native-web. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { launchChromium } from '../support/chromium.ts';

export interface PageServer {
  readonly origin: string;
  /** Closed at the end of the test, which fails where the page complained of anything but `mayComplain`. */
  open(setting: object, context?: BrowserContextOptions, mayComplain?: RegExp): Promise<Page>;
  close(): Promise<void>;
}

/** Of React: `development` renders twice and warns, `production` is what people get. */
export type Mode = 'development' | 'production';

/** `name`: of a module in test/react/page. */
export async function servePage(name: string, mode: Mode): Promise<PageServer> {
  const script = await bundle(name, mode);
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html; charset=utf-8' });
    response.end(isScript ? script : HTML);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
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
      server.closeAllConnections();
      server.close();
    },
  };
}

async function bundle(name: string, mode: Mode): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`page/${name}.tsx`, import.meta.url))],
    bundle: true,
    format: 'iife',
    jsx: 'automatic',
    alias: { 'react-native': 'react-native-web' },
    define: { 'process.env.NODE_ENV': JSON.stringify(mode) },
    minifySyntax: true, // leaves out what is only for the other mode
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

const HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Assistant</title>
<style>html, body { height: 100%; margin: 0 } #root { display: flex; height: 100% }</style>
<div id="root"></div>
<script src="/page.js"></script>
</html>`;
