/**
 * Every state of the assistant in every language, without a violation of accessibility. `STATES_DIR=<folder>` also draws pictures
 * of each, light and dark, on a phone and on a desktop.
 */
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PageServer, servePage } from './react-page.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const FOLDER = process.env['STATES_DIR'];
/** Of the page: test/react/page/states.tsx. */
interface Stage {
  readonly STATES: readonly string[];
  showState(state: string, locale: string, scheme: 'light' | 'dark'): Promise<void>;
}

const LOCALES = ['en', 'de', 'fr', 'ar'];
const WIDTHS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };

let pages: PageServer;
beforeAll(async () => {
  pages = await servePage('states', 'production');
});
afterAll(() => pages.close());

/** Each violation by its rule and where it is. */
async function violationsOn(page: Page): Promise<string[]> {
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>;
      };
    };
    const { violations } = await axe.run();
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

/** All, where pictures are drawn; else of each state two languages or so: width and scheme take turns. */
function looksOf(states: readonly string[]): Look[] {
  return states.flatMap((state, at) =>
    LOCALES.flatMap((locale, n): Look[] => {
      if (FOLDER !== undefined) {
        return (['phone', 'desktop'] as const).flatMap((width) =>
          (['light', 'dark'] as const).map((scheme) => ({ state, locale, width, scheme })),
        );
      }
      if ((at + n) % 3 > 0 && n > 0) return [];
      const width = (at + (n >> 1)) % 2 === 0 ? 'phone' : 'desktop';
      return [{ state, locale, width, scheme: (at + n) % 2 === 0 ? 'light' : 'dark' }];
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
  FOLDER === undefined ? 240_000 : 1_200_000,
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
