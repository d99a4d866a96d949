/** The assistant on two devices of one user, in a real browser, against the real relay: an answer grows on both, and stops on both. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { violationsOf } from '../support/axe.ts';
import { type PageServer, servePage } from './react-page.ts';

let pages: PageServer;
let relay: TestRelay;
beforeAll(async () => {
  pages = await servePage('assistant', 'production');
  relay = await startTestRelay({
    pace: { firstTokenMs: 5, deltasPerSecond: 10 },
    environment: { ALLOWED_ORIGINS: pages.origin },
  });
  relay.simulator.script({ deltas: Array.from({ length: 600 }, (_, at) => `word${at} `) });
});
afterAll(async () => {
  await pages?.close();
  await relay?.close();
});

const USER = '11111111-1111-4111-8111-111111111111';

/** A context of its own: nothing of it is kept where another page finds it. */
async function openPage(props: object): Promise<Page> {
  const page = await pages.open({ url: relay.url, token: await relay.token(USER), props });
  await page.getByRole('textbox', { name: 'Ask Dash' }).waitFor();
  return page;
}

const answerOn = (page: Page) => page.getByRole('group', { name: 'Dash', exact: true }).last();

it('shows an answer of another device as it grows, stops it there too, finds it again, and nothing where it is not wanted', async () => {
  const [phone, desk, plain] = [
    await openPage({ otherDevices: true, colorScheme: 'dark' }),
    await openPage({ otherDevices: true }),
    await openPage({}),
  ];
  await phone.getByRole('textbox', { name: 'Ask Dash' }).fill('Why is the sky blue?');
  await phone.keyboard.press('Enter');
  const note = desk.getByText('Dash is answering on another of your devices.');
  await note.waitFor();
  expect(await violationsOf(desk)).toEqual([]);

  // By the keyboard alone.
  await desk.getByRole('button', { name: 'Show it here' }).focus();
  await desk.keyboard.press('Enter');
  await answerOn(desk).getByText('word3').waitFor();
  await note.waitFor({ state: 'detached' });
  expect(await desk.getByText('Why is the sky blue?').count()).toBe(0); // the relay does not keep it
  expect(await phone.getByText('Dash is answering on another of your devices.').count()).toBe(0);
  await desk.getByRole('button', { name: 'Stop answering' }).click();
  await phone.getByRole('button', { name: 'Stop answering' }).waitFor({ state: 'detached' });
  const words = async (page: Page) => (await answerOn(page).innerText()).match(/word\d+/g);
  expect(await words(desk)).toEqual(await words(phone));

  // Who was away finds it, and reads it.
  const late = await openPage({ otherDevices: true, colorScheme: 'dark' });
  const entry = late.getByRole('list', { name: 'On your other devices' }).getByRole('button');
  await entry.waitFor();
  expect(await violationsOf(late)).toEqual([]);
  await entry.click();
  await answerOn(late).getByText('word3').waitFor();
  expect(await words(late)).toEqual(await words(phone));
  await entry.waitFor({ state: 'detached' });

  expect(await plain.getByText(/other devices|another/).count()).toBe(0);
});
