/** The pages of the AI SDK and of assistant-ui: type-checked and built with the packed client, then used in Chromium. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { PACKED_MS } from '../packages/packed.ts';
import { violationsOf } from '../support/axe.ts';
import { launchChromium } from '../support/chromium.ts';
import { deltasFor } from '../support/deltas-for.ts';
import { type SteppedCall, type SteppedModel, startSteppedModel } from '../support/stepped-model.ts';
import { INSTALLING_MS, installExample } from './example-project.ts';
import { type StaticPage, servePage } from './static-page.ts';

const MINUTE_MS = 60_000;
/** The page of assistant-ui lies in the other one's folder: one server has both. */
const ASSISTANT_UI = '/assistant-ui/';
/** Written into the pages by Vite. What serves them puts the real address in its place. */
const RELAY = 'https://relay.example.test';
const OVERLOADED = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };

let examples: Awaited<ReturnType<typeof installExample>>[];
let model: SteppedModel;
let relay: TestRelay;
let served: StaticPage;
let browser: Browser;
let calls = 0;
beforeAll(async () => {
  examples = [await installExample('ai-sdk'), await installExample('assistant-ui')];
  const [aiSdk = '', assistantUi = ''] = examples.map(({ folder }) => folder);
  for (const folder of [aiSdk, assistantUi]) await runTool(folder, 'typescript/bin/tsc');
  await runTool(aiSdk, 'vite/bin/vite.js', 'build');
  const outDir = join(aiSdk, 'dist', ASSISTANT_UI);
  await runTool(assistantUi, 'vite/bin/vite.js', 'build', '--base', ASSISTANT_UI, '--outDir', outDir);
  const addresses = new Map<string, string>();
  served = await servePage(join(aiSdk, 'dist'), addresses);
  model = await startSteppedModel();
  relay = await startTestRelay({ environment: { ...model.environment, ALLOWED_ORIGINS: served.origin } });
  addresses.set(RELAY, relay.url);
  browser = await launchChromium();
}, PACKED_MS + INSTALLING_MS);
afterAll(async () => {
  await browser?.close();
  await served?.[Symbol.asyncDispose]();
  await relay?.close();
  await model?.[Symbol.asyncDispose]();
  for (const example of examples ?? []) await example[Symbol.asyncDispose]();
});

it.each([
  // A browser has six connections of HTTP/1.1 to a host, and each answer has one.
  { way: 'events', receipt: /^Stopped: \d+ tokens in/, chats: 5, path: undefined },
  { way: 'websocket', receipt: /^Stopped$/, chats: 10, path: '/v1/ai-sdk' },
  { way: 'dash', receipt: /^Stopped: \d+ tokens in/, chats: 10, path: '/v1/ws' },
])(
  'useChat by ?way=$way: whole text, a stop, a reload in mid-answer, $chats chats of which one fails',
  async ({ way, receipt, chats, path }) => {
    const view = await open(`?way=${way}`);
    const { page, sockets, complaints } = view;
    await answersWhole(view);
    await stops(view, receipt);
    sockets.length = 0;
    await goesOnAfterReload(view);
    const opened: SteppedCall[] = [];
    for (let at = 0; at < chats; at += 1) {
      await page.getByRole('button', { name: 'New chat' }).click();
      opened.push(await view.ask(`question ${at}`));
    }
    for (const [at, call] of opened.entries()) {
      call.text(`answer ${at}, `);
      if (at === 1) call.send(OVERLOADED);
    }
    const chatItem = (at: number) => page.getByRole('button', { name: `question ${at}` });
    await chatItem(1).getByText('failed').waitFor();
    await chatItem(1).click();
    expect(await view.text()).toBe('answer 1, ');
    expect(await page.getByRole('alert').innerText()).toContain('The model is busy.');
    for (const [at, call] of opened.entries()) {
      if (at === 1) continue;
      call.text('whole.');
      call.end();
      await chatItem(at).click();
      await view.receipt.getByText(/^Done/).waitFor();
      expect(await view.text()).toBe(`answer ${at}, whole.`);
    }
    expect(model.requests).toHaveLength(calls);
    if (path) expect(sockets.map((url) => new URL(url).pathname)).toEqual([path]);
    if (way === 'dash') expect(await violationsOf(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
  },
  MINUTE_MS,
);

it(
  'assistant-ui: whole text, a stop with its receipt, a reload in mid-answer',
  async () => {
    const view = await open(ASSISTANT_UI);
    await answersWhole(view);
    await stops(view, /^Stopped: \d+ tokens in/);
    await goesOnAfterReload(view);
    const call = await view.ask('And at night?');
    call.text('It is ');
    call.send(OVERLOADED);
    await view.page.getByRole('alert').getByText('The model is busy.').waitFor();
    expect(await violationsOf(view.page)).toEqual([]);
    await view.page.getByRole('button', { name: 'Ask again' }).click();
    const again = await model.call(calls++);
    again.text('It is dark.');
    again.end();
    await view.receipt.getByText(/^Done/).waitFor();
    expect(await view.text()).toBe('It is dark.');
    expect(view.complaints).toEqual([]);
  },
  MINUTE_MS,
);

type View = Awaited<ReturnType<typeof open>>;

async function open(path: string) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 800 } });
  const page: Page = await context.newPage();
  const sockets: string[] = [];
  const complaints: string[] = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(new URL(path, served.origin).href);
  const answer = page.getByRole('article', { name: 'Answer' }).last();
  return {
    page,
    sockets,
    complaints,
    answer,
    receipt: answer.locator('.receipt'),
    /** Resolves with what the model then has to say. */
    async ask(question: string): Promise<SteppedCall> {
      await page.getByRole('textbox', { name: 'Your question' }).fill(question);
      await page.keyboard.press('Enter');
      return await model.call(calls++);
    },
    text: async () => (await answer.locator('.text').allTextContents()).join(''),
  };
}

async function answersWhole(view: View): Promise<void> {
  const deltas = deltasFor('Why?');
  const call = await view.ask('Why is the sky blue?');
  call.text(...deltas);
  call.end();
  await view.receipt.getByText(/^Done: \d+ tokens in, 42 out/).waitFor();
  expect(await view.text()).toBe(deltas.join(''));
}

async function stops(view: View, receipt: RegExp): Promise<void> {
  (await view.ask('Tell me more')).text('Light ');
  await view.answer.getByText('Light ').waitFor();
  await view.page.getByRole('button', { name: 'Stop' }).click();
  await model.idle();
  await view.receipt.getByText(receipt).waitFor();
  expect(await view.text()).toBe('Light ');
}

async function goesOnAfterReload(view: View): Promise<void> {
  const call = await view.ask('And the sea?');
  call.text('The sea ');
  await view.answer.getByText('The sea').waitFor();
  await view.page.reload();
  await view.answer.getByText('The sea').waitFor();
  call.text('is blue by itself.');
  call.end();
  await view.receipt.getByText(/^Done/).waitFor();
  expect(await view.text()).toBe('The sea is blue by itself.');
  expect(model.requests).toHaveLength(calls);
}

async function runTool(folder: string, path: string, ...options: string[]): Promise<void> {
  const child = promisify(execFile)(process.execPath, [`node_modules/${path}`, ...options], {
    cwd: folder,
    env: { ...process.env, VITE_DASH_RELAY_URL: RELAY },
  });
  await child.catch((error: Error & { readonly stdout: string }) => {
    throw new Error(`${path}: ${error.stdout}`, { cause: error });
  });
}
