/**
 * Every state of the assistant in every language, without a violation of accessibility. `STATES_DIR=<folder>` also draws pictures
 * of each, light and dark, on a phone and on a desktop.
 */
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QuotaState } from '../../src/client/index.ts';
import { ENGLISH } from '../../src/react/assistant/strings.ts';
import { ARABIC } from '../../src/react/languages/ar.ts';
import { LONG } from '../support/test-run.ts';
import type { FakeClient } from './fake-client.ts';
import { type PageServer, servePage } from './react-page.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const FOLDER = process.env['STATES_DIR'];
/** Of the page: test/react/page/states.tsx. */
interface Stage {
  readonly STATES: readonly string[];
  readonly fakeClient: FakeClient;
  whenStill(): Promise<void>;
  showState(state: string, locale: string, scheme: 'light' | 'dark'): Promise<void>;
}

interface Window {
  getComputedStyle(of: unknown): { readonly direction: string };
}

const LOCALES = ['en', 'de', 'fr', 'ar'];
const WIDTHS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };

let pages: PageServer;
beforeAll(async () => {
  pages = await servePage('states', 'production');
});
afterAll(() => pages.close());

/** Each violation by its rule and where it is. What is only fading in is looked at once it is there. */
async function violationsOn(page: Page): Promise<string[]> {
  await page.evaluate(() => (globalThis as unknown as Stage).whenStill());
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(
          options: object,
        ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>;
      };
    };
    const { violations } = await axe.run({ resultTypes: ['violations'], preload: false });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
    );
  });
}

interface Look {
  readonly state: string;
  readonly locale: string;
  readonly width: keyof typeof WIDTHS;
  readonly scheme: 'light' | 'dark';
}

/** All, where pictures are drawn and in the long run; else each state once: languages, widths and schemes take turns. */
function looksOf(states: readonly string[]): Look[] {
  return states.flatMap((state, at) =>
    LOCALES.flatMap((locale, n): Look[] => {
      if (FOLDER !== undefined || LONG) {
        return (['phone', 'desktop'] as const).flatMap((width) =>
          (['light', 'dark'] as const).map((scheme) => ({ state, locale, width, scheme })),
        );
      }
      if ((at + n) % LOCALES.length > 0) return [];
      const round = Math.floor(at / LOCALES.length);
      const width = (at + round) % 2 === 0 ? 'phone' : 'desktop';
      return [{ state, locale, width, scheme: ((at >> 1) + round) % 2 === 0 ? 'light' : 'dark' }];
    }),
  );
}

async function show(page: Page, { state, locale, width, scheme }: Look): Promise<void> {
  await page.setViewportSize(WIDTHS[width]);
  await page.evaluate(([s, l, c]) => (globalThis as unknown as Stage).showState(s, l, c), [
    state,
    locale,
    scheme,
  ] as const);
  await page.evaluate(() => (globalThis as unknown as Stage).whenStill());
}

async function draw(page: Page, { state, locale, width, scheme }: Look): Promise<void> {
  if (FOLDER === undefined) return;
  mkdirSync(FOLDER, { recursive: true });
  const name = `${state.replaceAll(/\W+/g, '-')}-${locale}-${width}-${scheme}.png`;
  await page.screenshot({ path: join(FOLDER, name) });
}

it(
  'has no violation in any state, in any language',
  async () => {
    const page = await pages.open({});
    await page.addScriptTag({ path: AXE });
    const states = await page.evaluate(() => (globalThis as unknown as Stage).STATES);
    const found: string[] = [];
    for (const look of looksOf(states)) {
      await show(page, look);
      await draw(page, look);
      const { state, locale, width, scheme } = look;
      for (const violation of await violationsOn(page))
        found.push(`${state} ${locale} ${width} ${scheme}: ${violation}`);
    }
    expect(found).toEqual([]);
  },
  FOLDER === undefined && !LONG ? 240_000 : 1_200_000,
);

it('sends a report by the keyboard alone: a category, and words only where they were ticked', async () => {
  const page = await pages.open({});
  await page.addScriptTag({ path: AXE });
  const look: Look = { state: 'answered', locale: 'ar', width: 'desktop', scheme: 'dark' };
  await show(page, look);
  await page.getByRole('button', { name: 'الإبلاغ عن هذه الإجابة' }).focus();
  await page.keyboard.press('Enter');
  const radios = page.getByRole('radio');
  await radios.first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  expect(await radios.nth(2).getAttribute('aria-checked')).toBe('true');
  expect(await violationsOn(page)).toEqual([]);
  await page.getByRole('checkbox').first().focus();
  await page.keyboard.press(' ');
  expect(await page.getByRole('checkbox').first().getAttribute('aria-checked')).toBe('true');
  await draw(page, { ...look, state: 'report' });
  await page.getByRole('button', { name: 'إرسال البلاغ' }).press('Enter');
  // The client of this page reaches no relay.
  await page.getByRole('alert').waitFor();
  await page.keyboard.press('Escape');
  await expect.poll(() => radios.count()).toBe(0);
});

it('tells of a network that lets nothing through, and no longer once the answer goes on', async () => {
  const page = await pages.open({});
  await show(page, { state: 'waiting for the network', locale: 'ar', width: 'phone', scheme: 'light' });
  const banner = page.getByRole('status').filter({ hasText: ARABIC.networkWaits });
  await expect.poll(() => banner.count()).toBe(1);
  await page.evaluate(() => (globalThis as unknown as Stage).fakeClient.latest.say(' '));
  await expect.poll(() => banner.count()).toBe(0);
});

it('says that photos are sent again, which takes a while, and not that it connects', async () => {
  const page = await pages.open({});
  await show(page, { state: 'photo sent again', locale: 'en', width: 'phone', scheme: 'light' });
  await page.getByText(ENGLISH.sendingFiles).waitFor();
  expect(await page.getByText(ENGLISH.connecting).count()).toBe(0);
});

describe('the note of a limit that is near', () => {
  async function askedAgain(page: Page, more: Partial<QuotaState> = {}): Promise<void> {
    await page.getByRole('textbox', { name: ENGLISH.placeholder }).fill('And at night?');
    await page.keyboard.press('Enter');
    await page.evaluate(async (changed) => {
      const { fakeClient: client } = globalThis as unknown as Stage;
      const [asked] = client.asked;
      if (asked?.warning === undefined) throw new Error('there was no warning');
      client.latest.warning = { ...asked.warning, ...changed };
      await client.latest.accept().say('It is black.').end();
    }, more);
    await page.getByText('It is black.').last().waitFor();
  }

  const FOREIGN = { locale: 'en-ZA', timezoneId: 'Africa/Johannesburg' };

  it('says what is left and, by the clock of the device, when it begins anew; once, until it is closed', async () => {
    const page = await pages.open({}, FOREIGN);
    await show(page, { state: 'near the limit', locale: 'en', width: 'phone', scheme: 'light' });
    const note = page.getByRole('status').filter({ hasText: /You (can ask|have used)/ });
    const words = (await note.innerText()).replaceAll(/\s+/g, ' ');
    expect(words).toMatch(
      /^You can ask 8 more questions this month\. It starts again on Friday,? 0?1 January.* 0?2:00/,
    );
    await note.getByRole('button', { name: ENGLISH.dismiss }).click();
    await note.waitFor({ state: 'detached' });
    await askedAgain(page);
    expect(await note.count()).toBe(0);
  });

  it('comes again for another limit, and is not repeated with the next answer', async () => {
    const page = await pages.open({}, FOREIGN);
    await show(page, { state: 'near the limit of a school', locale: 'en', width: 'phone', scheme: 'light' });
    await page
      .getByRole('status')
      .filter({ hasText: /^Your school has used 92\s?% of what can be asked today\./ })
      .waitFor();
    const own = page.getByRole('status').filter({ hasText: /^You have used 97\s?% of what can be asked/ });
    await askedAgain(page, { scope: 'user', used: 97 });
    await own.waitFor();
    await askedAgain(page, { scope: 'user', used: 98 });
    expect(
      await page
        .getByRole('status')
        .filter({ hasText: /used \d+/ })
        .count(),
    ).toBe(0);
  });
});

it('has its placeholders where its language begins, and what is typed where that begins', async () => {
  const page = await pages.open({});
  await show(page, { state: 'answered', locale: 'ar', width: 'desktop', scheme: 'light' });
  for (const field of [
    page.getByRole('searchbox', { name: ARABIC.searchConversations }),
    page.getByRole('textbox', { name: ARABIC.placeholder }),
  ]) {
    const direction = () =>
      field.evaluate((input) => (globalThis as unknown as Window).getComputedStyle(input).direction);
    expect(await direction()).toBe('rtl');
    await field.fill('sky');
    expect(await direction()).toBe('ltr');
  }
});
