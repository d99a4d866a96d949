/** The example for browsers: type-checked and built with the packed client, then used in Chromium. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { PACKED_MS } from '../packages/packed.ts';
import { assistantPage } from '../support/assistant-page.ts';
import { launchChromium } from '../support/chromium.ts';
import { installExample } from './example-project.ts';

const MINUTE_MS = 60_000;
/** Of the page, px. */
const HEIGHT = 900;

let example: Awaited<ReturnType<typeof installExample>>;
let relay: TestRelay;
let browser: Browser;
let preview: { readonly url: string } & AsyncDisposable;
beforeAll(async () => {
  example = await installExample('browser');
  await runTool('typescript/bin/tsc');
  await runTool('vite/bin/vite.js', 'build');
  relay = await startTestRelay();
  preview = await startPreview();
  browser = await launchChromium();
}, PACKED_MS + MINUTE_MS);
afterAll(async () => {
  await browser?.close();
  await preview?.[Symbol.asyncDispose]();
  await relay?.close();
  await example?.[Symbol.asyncDispose]();
});

it('answers by the hook and in the assistant, over one WebSocket', async () => {
  const assistant = assistantPage(await open());
  const { page, complaints } = assistant;
  relay.simulator.script({ deltas: ['Plants make ', 'sugar from light.'] });
  await page.getByRole('textbox', { name: 'Explain the word' }).fill('photosynthesis');
  await page.getByRole('button', { name: 'Explain', exact: true }).click();
  await page.getByText('Plants make sugar from light.', { exact: true }).waitFor();
  await page.getByText(/^Done: \d+ tokens in, \d+ out$/).waitFor();
  relay.simulator.script({ deltas: ['Air bends ', '**blue** light.'] });
  await assistant.ask('Why is the sky blue?');
  await assistant.answer.getByText('Air bends blue light.').waitFor();
  await assistant.ended();
  expect(await assistant.text()).toBe('Air bends blue light.');
  expect(await page.getByRole('status').first().innerText()).toBe('Connected');
  expect(assistant.sent.filter(({ type }) => type === 'start')).toHaveLength(2);
  expect(complaints).toEqual([]);
  const typing = await assistant.question.boundingBox();
  expect(HEIGHT - (typing?.y ?? 0)).toBeLessThan(HEIGHT / 8); // the assistant fills the page
});

it('stops, and says in words what went wrong', async () => {
  const page = await open();
  const ask = async (): Promise<void> => {
    await page.getByRole('textbox', { name: 'Explain the word' }).fill('gravity');
    await page.getByRole('button', { name: 'Explain', exact: true }).click();
  };
  relay.simulator.script('stall');
  await ask();
  await page.locator('.answer:not(:empty)').waitFor();
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByText(/^Stopped: \d+ tokens in, \d+ out$/).waitFor();
  relay.simulator.script('bad-request', { deltas: ['All is well.'] });
  await ask();
  expect((await page.getByRole('alert').innerText()).trim()).toBe('This question could not be answered.');
  expect(await page.getByText(/tokens in/).count()).toBe(0);
  await ask();
  await page.getByText('All is well.').waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
});

async function open(): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1100, height: HEIGHT } });
  await page.goto(preview.url);
  return page;
}

function runTool(path: string, ...options: string[]) {
  const arguments_ = [`node_modules/${path}`, ...options];
  return promisify(execFile)(process.execPath, arguments_, { cwd: example.folder });
}

/** `npm run preview`, on a free port. */
async function startPreview() {
  const vite = ['node_modules/vite/bin/vite.js', 'preview', '--host', '127.0.0.1', '--port', '0'];
  const child = spawn(process.execPath, vite, {
    cwd: example.folder,
    env: { ...process.env, NO_COLOR: '1', DASH_RELAY_URL: relay.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = ''; // of connections that end with the test, too
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const exited = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.kill();
    await exited;
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /Local:\s+(\S+)/.exec(line) ?? [];
    if (url !== undefined) return { url, [Symbol.asyncDispose]: stop };
  }
  throw new Error(`vite preview ended before it listened: ${errors}`);
}
