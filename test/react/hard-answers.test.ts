/** Hard answers as they grow: no mark is seen that is not there in the end, nothing moves, and all is drawn as it was meant. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Growth, HARD_ANSWERS } from '../support/hard-answers.ts';
import { type PageServer, servePage } from './react-page.ts';

/** As the demo page has it: no style, font or image from elsewhere. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; " +
  "img-src 'self' data:; connect-src 'self'";
/** More than these in a row, at 60 deltas a second, are seen for over 100 ms. */
const UNSEEN = 6;
const STEADY = 0.05;
const SOON = { timeout: 20_000 };
/** Of Markdown and TeX. */
const MARKS = /\$|\\[A-Za-z()[\]]|\*\*|__|~~|\^|`|~(?=\S)|\|/g;

let pages: PageServer;
beforeAll(async () => {
  pages = await servePage('hard-answers', 'production', POLICY);
});
afterAll(() => pages?.close());

function marksIn(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [mark] of text.matchAll(MARKS)) counts.set(mark, (counts.get(mark) ?? 0) + 1);
  return counts;
}

/** The most deltas in a row after which a mark was seen that is not there in the end. */
function longestFlicker(seen: readonly string[], end: string): number {
  const whole = marksIn(end);
  let longest = 0;
  let run = 0;
  for (const text of seen) {
    const isRaw = [...marksIn(text)].some(([mark, count]) => count > (whole.get(mark) ?? 0));
    run = isRaw ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}

async function grow(page: Page, name: string): Promise<Growth> {
  await page.getByRole('button', { name: 'New conversation' }).first().click();
  await page.getByRole('textbox').fill('Be hard');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByRole('group', { name: 'Dash' }).waitFor();
  return await page.evaluate<Growth>(`hard.stream(${JSON.stringify(name)})`);
}

it('are steady as they grow, and what they were meant to be in the end', async () => {
  const page = await pages.open({ colorScheme: 'light' });
  await page.getByRole('textbox').waitFor();
  const table: Record<string, object> = {};
  for (const [name, { shows, formulas = 0 }] of Object.entries(HARD_ANSWERS)) {
    const { seen, shift } = await grow(page, name);
    const typeset = page.locator('.katex');
    if (formulas > 0) await expect.poll(() => typeset.count(), SOON).toBe(formulas);
    const end = await page.evaluate<string>('hard.read()');
    const line = (text: string): string => text.replaceAll(/\s+/g, ' ');
    table[name] = {
      flicker: longestFlicker(seen, end) <= UNSEEN || longestFlicker(seen, end),
      shift: shift <= STEADY || shift,
      missing: shows.filter((words) => !line(end).includes(words)),
      formulas: await typeset.count(),
    };
    const shots = process.env['DASH_SCREENSHOTS'];
    if (shots) await page.screenshot({ path: `${shots}/${name.replaceAll(/\W+/g, '-')}.png` });
  }
  expect(table).toEqual(
    Object.fromEntries(
      Object.entries(HARD_ANSWERS).map(([name, { formulas = 0 }]) => [
        name,
        { flicker: true, shift: true, missing: [], formulas },
      ]),
    ),
  );
}, 180_000);
