/** A screen that stays while its user changes, in a real browser against the real relay. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { type PageServer, servePage } from './react-page.ts';

const SECRET = 'The secret of Alice';

let pages: PageServer;
let relay: TestRelay;
beforeAll(async () => {
  pages = await servePage('users', 'production');
  relay = await startTestRelay({ environment: { ALLOWED_ORIGINS: pages.origin } });
});
afterAll(async () => {
  await pages?.close();
  await relay?.close();
});

/** Alice has one whole answer, one that is under way, a single one, and words that are not sent. */
async function pageOfAlice(): Promise<Page> {
  const token = await relay.token(crypto.randomUUID());
  const page = await pages.open({ url: relay.url, token });
  for (const deltas of [[`${SECRET} 1`], [`${SECRET} 2`]]) relay.simulator.script({ deltas });
  await page.getByRole('button', { name: 'single' }).click();
  await page.getByText(`${SECRET} 1`).first().waitFor();
  await ask(page, SECRET);
  await page.getByText(`${SECRET} 2`).first().waitFor();
  relay.simulator.script({
    deltas: Array.from({ length: 400 }, () => `${SECRET} 3 `),
    pace: { firstTokenMs: 0, deltasPerSecond: 20 },
  });
  await ask(page, `${SECRET} again`);
  await page.getByText(`${SECRET} 3`).first().waitFor();
  await page.getByRole('textbox').fill(`${SECRET} is not sent`);
  return page;
}

async function ask(page: Page, question: string): Promise<void> {
  await page.getByRole('textbox').fill(question);
  await page.getByRole('button', { name: 'Send' }).click();
}

/** All that is to be seen, and typed. */
async function shown(page: Page): Promise<string> {
  return (await page.locator('body').innerText()) + (await page.getByRole('textbox').inputValue());
}

/** Bob is signed in, also after a reload. */
async function comes(page: Page): Promise<void> {
  const token = await relay.token(crypto.randomUUID());
  await page.evaluate(`sessionStorage.setItem('token', window.token = ${JSON.stringify(token)})`);
}

it('shows the next user nothing of the one before, on the page and after a reload', async () => {
  const page = await pageOfAlice();
  await comes(page);
  relay.simulator.script({ deltas: ['For Bob'] });
  await page.getByRole('button', { name: 'single' }).click();
  await page.getByText('For Bob').first().waitFor();
  expect(await shown(page)).not.toContain('secret');
  relay.simulator.script({ deltas: ['Also for Bob'] });
  await ask(page, 'Mine');
  await page.getByText('Also for Bob').first().waitFor();
  await page.reload();
  await page.getByText('Also for Bob').first().waitFor();
  expect(await shown(page)).not.toContain('secret');
});

it('asks what the next user asks in place of the one before, and nothing of the one before with it', async () => {
  const page = await pageOfAlice();
  await comes(page);
  const calls = relay.simulator.requests.length;
  relay.simulator.script({ deltas: ['For Bob'] });
  await page.getByRole('button', { name: 'Stop answering' }).click();
  await ask(page, 'Mine');
  await page.getByText('For Bob').first().waitFor();
  expect(await shown(page)).not.toContain('secret');
  expect(relay.simulator.requests).toHaveLength(calls + 1);
  expect(JSON.stringify(relay.simulator.requests.at(-1))).not.toContain('secret');
});

it('shows nothing of it after a reload alone', async () => {
  const page = await pageOfAlice();
  await comes(page);
  await page.reload();
  await page.getByRole('textbox').waitFor();
  relay.simulator.script({ deltas: ['For Bob'] });
  await ask(page, 'Mine');
  await page.getByText('For Bob').first().waitFor();
  expect(await shown(page)).not.toContain('secret');
});

it('forgets all at `signOut`, at once and in the storage', async () => {
  const page = await pageOfAlice();
  await page.evaluate('window.token = null; window.client.signOut()');
  expect(await shown(page)).not.toContain('secret');
  expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toContain('secret');
});
