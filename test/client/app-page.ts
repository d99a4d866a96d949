/** A page of an app on an origin of its own, in a real browser, with the client as a bundler gives it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';

const CLIENT = fileURLToPath(new URL('../../src/client/index.ts', import.meta.url));

/** What the page shows of its stream. */
export interface PageStream {
  readonly phase: string;
  readonly content: string;
  readonly phases: readonly string[];
  readonly chunks: readonly string[];
}

export interface App {
  readonly origin: string;
  open(): Promise<AppPage>;
  close(): Promise<void>;
}

export async function startApp(browserOptions: { readonly keepsPages?: boolean } = {}): Promise<App> {
  const options = { bundle: true, format: 'iife', globalName: 'DashRelay', write: false } as const;
  const { outputFiles } = await build({ entryPoints: [CLIENT], ...options });
  const script = outputFiles[0]?.text ?? '';
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<script>${script}</script>${PAGE}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser: Browser = await launchChromium(browserOptions);
  return {
    origin,
    async open() {
      const page = await browser.newPage();
      await page.goto(origin);
      return new AppPage(page);
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** `ask(url, token)` and `attach(url, token)`, the latter from what the page before has stored. */
const PAGE = `<script>
  function show(stream) {
    window.stream = stream;
    window.phases = [stream.phase];
    window.chunks = [];
    stream.subscribe(() => {
      if (phases.at(-1) !== stream.phase) phases.push(stream.phase);
      sessionStorage.position = JSON.stringify({ ...stream.position, content: stream.content });
    });
    (async () => { for await (const text of stream) chunks.push(text); })().catch(() => {});
  }
  function clientOf(url, token) {
    window.metrics = [];
    return DashRelay.createDashClient({ url, getToken: () => token, onMetrics: (_, fields) => metrics.push(fields) });
  }
  function ask(url, token) {
    show(clientOf(url, token).stream({ action: 'chat', messages: [{ role: 'user', content: 'Why is the sky blue?' }] }));
  }
  function attach(url, token) {
    const { id, epoch, after, content } = JSON.parse(sessionStorage.position);
    show(clientOf(url, token).attach(id, epoch, after, { content }));
  }
</script>`;

export class AppPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async ask(url: string, token: string): Promise<void> {
    await this.page.evaluate(`ask(${JSON.stringify(url)}, ${JSON.stringify(token)})`);
  }

  async attach(url: string, token: string): Promise<void> {
    await this.page.evaluate(`attach(${JSON.stringify(url)}, ${JSON.stringify(token)})`);
  }

  async read(): Promise<PageStream> {
    const source = '({ phase: stream.phase, content: stream.content, phases, chunks })';
    return await this.page.evaluate(source);
  }

  /** Resolves once the page's stream is in that phase, or has at least so much text. */
  async reached({ phase, length = 0 }: { phase?: string; length?: number }): Promise<PageStream> {
    const condition = `(${JSON.stringify(phase ?? null)} ?? stream.phase) === stream.phase && stream.content.length >= ${length}`;
    await this.page.waitForFunction(condition, undefined, { timeout: 18_000 });
    return await this.read();
  }

  async metrics(): Promise<readonly { readonly transport: string; readonly resumes: number }[]> {
    return await this.page.evaluate('metrics');
  }
}
