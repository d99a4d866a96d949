/**
 * Every state of the assistant, on a phone and a desk, light and dark: fits. What states.test does not show to axe is judged
 * here; in the long run all of it. `DASH_SCREENSHOTS=<folder>` draws a picture of each.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { violationsOf } from '../support/axe.ts';
import { type ComposedRelay, dataDirectory, startRelay } from '../support/relay-process.ts';
import { startSteppedModel } from '../support/stepped-model.ts';
import { LONG } from '../support/test-run.ts';
import { startScene } from '../tools/scene.ts';
import { type PageServer, servePage } from './react-page.ts';

const FOLDER = process.env['DASH_SCREENSHOTS'];
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const DESK = { viewport: { width: 1280, height: 800 } };

const RICH = `## Fractions in the kitchen

A fraction says **how many equal parts** you have. Half a pizza is \`1/2\`, and *two quarters* are the same amount.

1. Cut the pizza into four equal pieces.
2. Take one piece: that is 1/4.
   - The lower number says how many pieces there are.
   - The upper one says how many you have.
3. Compare with [this picture](https://www.example.org/lessons/fractions?grade=5).

> Equal parts matter: half a pizza is only a half if both pieces are the same size.

| Fraction | In words | As a decimal |
|---|---|--:|
| 1/2 | a half | 0.5 |
| 1/4 | a quarter | 0.25 |

\`\`\`js
const half = 1 / 2;
console.log(half === 2 / 4); // true
\`\`\`

Now you: **which is larger, 1/3 or 1/4?**`;
const PIECES = RICH.match(/[\s\S]{1,6}/g) ?? [];

/** Goes so far, and then says nothing more. */
const ENDLESS = { deltas: PIECES, broken: { afterDeltas: 62, by: 'stall' } } as const;

/** Resolves once what has been asked for is drawn, and nothing that ends is under way. */
const STILL = `new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))).then(() =>
  Promise.allSettled(document.getAnimations()
    .filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity)
    .map(({ finished }) => finished))).then(() => undefined)`;

let pages: PageServer;
let relay: TestRelay;
beforeAll(async () => {
  if (FOLDER !== undefined) await mkdir(FOLDER, { recursive: true });
  pages = await servePage('assistant', 'development');
  relay = await startTestRelay({ environment: { ALLOWED_ORIGINS: pages.origin } });
});
afterAll(async () => {
  await pages?.close();
  await relay?.close();
});

class Screens {
  readonly page: Page;
  readonly #name: string;

  constructor(page: Page, name: string) {
    this.page = page;
    this.#name = name;
  }

  /** Fails where the page is wider than the screen, once what fades in is there. */
  async look(state: string): Promise<void> {
    await this.page.evaluate(STILL);
    const name = `assistant-${this.#name}-${state}.png`;
    if (FOLDER !== undefined) await this.page.screenshot({ path: join(FOLDER, name) });
    const overflow = await this.page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect([state, overflow]).toEqual([state, 0]);
    if (LONG) await this.#judge(state);
  }

  /** Fails also where axe finds anything. */
  async judge(state: string): Promise<void> {
    await this.look(state);
    if (!LONG) await this.#judge(state);
  }

  async #judge(state: string): Promise<void> {
    expect([state, await violationsOf(this.page)]).toEqual([state, []]);
  }

  async stop(): Promise<void> {
    await this.page.getByRole('button', { name: 'Stop answering' }).click();
    await this.page.getByText('You stopped this answer.').waitFor();
  }

  async ask(question: string): Promise<void> {
    await this.page.getByRole('textbox').fill(question);
    await this.page.getByRole('button', { name: 'Send' }).click();
  }
}

async function openScreens(
  name: string,
  context: BrowserContextOptions,
  props: object = {},
  at: Pick<ComposedRelay, 'url' | 'token'> = { url: relay.url, token: () => relay.token() },
): Promise<Screens> {
  const page = await pages.open({ url: at.url, token: await at.token(), props }, context);
  await page.getByRole('heading', { level: 2 }).last().waitFor();
  return new Screens(page, name);
}

/** Each size and each scheme once; all four pairs where there is time. */
const CONTEXTS = [
  ['phone-light', { ...PHONE, colorScheme: 'light' }],
  ['desktop-dark', { ...DESK, colorScheme: 'dark' }],
  ...(LONG
    ? ([
        ['phone-dark', { ...PHONE, colorScheme: 'dark' }],
        ['desktop-light', { ...DESK, colorScheme: 'light' }],
      ] as const)
    : []),
] as const;

it.each(CONTEXTS)('looks right in every state: %s', async (name, context) => {
  const screens = await openScreens(name, context);
  const { page } = screens;
  await screens.look('1-empty');

  relay.simulator.script('silent');
  await screens.ask('Explain fractions to grade 5, with something from the kitchen.');
  await page.getByText('Thinking…').waitFor();
  await screens.look('2-thinking');
  await screens.stop();

  relay.simulator.script(ENDLESS);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('Compare with').first().waitFor();
  await screens.look('3-streaming');
  await screens.stop();
  await screens.look('4-stopped');

  relay.simulator.script({ deltas: PIECES });
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('which is larger').first().waitFor();
  await page.getByRole('button', { name: 'Ask again' }).waitFor();
  await screens.judge('5-done');
  await page.getByRole('link', { name: 'this picture' }).click();
  await page.getByRole('dialog').waitFor();
  await page.waitForTimeout(350); // the dialog fades in, and contrast is judged as drawn
  await screens.judge('6-link');
  await page.keyboard.press('Escape');

  relay.simulator.script('overloaded-midway');
  await screens.ask('And how do I add them?');
  await page.getByText('What had arrived is kept.').first().waitFor();
  await screens.look('7-error');

  relay.simulator.script(ENDLESS);
  await screens.ask('Once more, slowly.');
  await page.getByText('Writing…').waitFor();
  await page.context().setOffline(true);
  await page.getByText('Your answer goes on').waitFor();
  await screens.look('8-offline');
  await page.context().setOffline(false);
  await page.getByText('Your answer goes on').waitFor({ state: 'detached' });
});

it('says which tool is called, until it has answered', async () => {
  const waiting: ServerResponse[] = [];
  await using scene = await startScene({
    handler: (_call, response) => void waiting.push(response),
    environment: { ALLOWED_ORIGINS: pages.origin },
  });
  scene.relay.simulator.script({ deltas: ['I look.'], tool: { calls: [{ name: 'lessons' }] } });
  scene.relay.simulator.script({ deltas: [], tool: { calls: [{ name: 'books' }], times: 2 } });
  const context = { ...PHONE, colorScheme: 'light' } as const;
  const screens = await openScreens('phone-tools', context, { action: 'chat' }, scene.relay);
  const { page } = screens;
  await screens.ask('What is light?');
  await page.getByText('Looking in your lessons…').waitFor();
  await screens.look('16-tool-with-words');
  await expect.poll(() => waiting.length).toBe(1);
  waiting[0]?.end('{}');
  await page.getByText('Looking something up…').waitFor();
  await expect.poll(() => waiting.length).toBe(2);
  waiting[1]?.end('{}');
  await expect.poll(() => page.getByText('Looking something up…').count()).toBe(0);
  await page.getByRole('button', { name: 'Copy' }).first().waitFor();
});

it.each(LONG ? CONTEXTS : CONTEXTS.slice(0, 1))(
  'looks right while the model thinks, and where it declines: %s',
  async (name, context) => {
    using directory = dataDirectory();
    const actions = join(directory.path, 'actions.json');
    const thinking = { display: 'summarized' };
    await writeFile(
      actions,
      JSON.stringify({ chat: { system: '', defaultMaxTokens: 1024, maxTokens: 4096, thinking } }),
    );
    await using model = await startSteppedModel();
    const environment = { ...model.environment, ACTIONS_FILE: actions, ALLOWED_ORIGINS: pages.origin };
    await using thinker = await startRelay(environment);
    const screens = await openScreens(name, context, { action: 'chat' }, thinker);
    const { page } = screens;

    await screens.ask('Which of these two shares is fairer?');
    const call = await model.call(0);
    call.think();
    await page.getByText('Thinking it through…').waitFor();
    await screens.look('11-thinking-unseen');
    call.say('The pupil wants to share a pizza. ', 'I compare the two ways step by step. '.repeat(8));
    await page.getByText(/^… .* step by step/).waitFor();
    await screens.look('12-thinking-shown');
    call.text('Cut it into **four** pieces');
    await page.getByText('Writing…').waitFor();
    await expect.poll(() => page.getByText('step by step').count()).toBe(0);
    call.refuse();
    await page
      .getByText(/^Dash does not answer this, because it could hurt somebody\./)
      .first()
      .waitFor();
    await expect.poll(() => page.getByText('four').count()).toBe(0);
    expect(await page.getByRole('button', { name: /Ask again|Try again|Copy/ }).count()).toBe(0);
    await screens.look('13-declined');

    await screens.ask('Then something else: what is a half?');
    const next = await model.call(1);
    const asked = JSON.parse(model.requests.at(-1)?.body ?? '') as { messages: object[] };
    expect(asked.messages).toEqual([{ role: 'user', content: 'Then something else: what is a half?' }]);
    next.text('One of two equal parts.');
    next.end();
    await page.getByText('One of two equal parts.').first().waitFor();
  },
);

it('looks right from right to left, with words of the app’s own', async () => {
  const strings = { greeting: 'بماذا نبدأ اليوم؟', placeholder: 'اسأل داش', newConversation: 'محادثة جديدة' };
  for (const [name, context] of [
    ['phone-rtl', PHONE],
    ['desktop-rtl', DESK],
  ] as const) {
    const screens = await openScreens(name, context, { direction: 'rtl', strings });
    await screens.look('1-empty');
    relay.simulator.script({
      deltas: ['## الكسور\n\nالكسر يخبرنا **كم جزءًا متساويًا** لدينا.\n\n1. نصف\n2. ربع\n'],
    });
    await screens.page.getByRole('textbox').fill('ما هو الكسر؟');
    await screens.page.keyboard.press('Enter');
    await screens.page.getByRole('button', { name: 'Ask again' }).waitFor();
    await screens.judge('2-done');
  }
});

it.each([
  ['phone-light', { ...PHONE, colorScheme: 'light' }, { direction: 'rtl' }],
  ['desktop-dark', { ...DESK, colorScheme: 'dark' }, {}],
  ['zoomed', { ...DESK, viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }, {}],
] as const)(
  'looks right where questions are changed and conversations listed: %s',
  async (name, context, props) => {
    const screens = await openScreens(name, context, props);
    const { page } = screens;
    const press = (label: string | RegExp) => page.getByRole('button', { name: label }).first().click();
    relay.simulator.script({
      deltas: ['Equal parts of a whole.'],
      pace: { firstTokenMs: 1, deltasPerSecond: 100 },
    });
    await screens.ask('What is a fraction?');
    await page.getByRole('button', { name: 'Ask again' }).waitFor();
    await press('Change the question');
    const field = page.getByRole('textbox', { name: 'Your question' });
    await field.fill('What is a fraction, in short?');
    await screens.look('20-edited');
    relay.simulator.script(ENDLESS);
    await field.press('Enter');
    await page.getByText('Compare with').first().waitFor();
    await screens.stop();
    await screens.look('21-versions');
    if (name === 'phone-light') expect(await tooSmall(page)).toEqual([]);

    if (name !== 'desktop-dark') await press('Show conversations');
    await press(/^More for/);
    await page.waitForTimeout(350); // the drawer fades in
    await screens.judge('22-list');
    if (name === 'phone-light') expect(await tooSmall(page)).toEqual([]);
    await press('Rename');
    await screens.judge('23-renamed');
    await press('Cancel');
    await page.getByRole('searchbox').fill('fraction');
    await screens.judge('24-found');
    await press(/^More for/);
    await press(/^Delete/);
    await page.getByText('was deleted.').waitFor();
    await screens.look('25-deleted');
  },
);

/** The names of what fingers press and would miss. */
function tooSmall(page: Page): Promise<string[]> {
  return page.evaluate(`Array.from(document.querySelectorAll('button'))
    .filter((each) => { const { width, height } = each.getBoundingClientRect(); return width < 44 || height < 44; })
    .map((each) => each.ariaLabel ?? each.innerText)`);
}

it('fits 360 px, with the conversations in a drawer', async () => {
  const screens = await openScreens('360', { ...PHONE, viewport: { width: 360, height: 640 } });
  await screens.look('1-empty');
  relay.simulator.script({ deltas: PIECES });
  await screens.ask('Explain fractions to grade 5, with something from the kitchen.');
  await screens.page.getByRole('button', { name: 'Ask again' }).waitFor();
  await screens.look('2-done');
  await screens.page.getByRole('button', { name: 'Show conversations' }).click();
  await screens.page.getByRole('dialog').waitFor();
  await screens.page.waitForTimeout(350);
  await screens.judge('3-drawer');
});
