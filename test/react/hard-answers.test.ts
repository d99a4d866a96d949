/** Hard answers as they grow: no mark is seen that is not there in the end, nothing moves, and all is drawn as it was meant. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { contrast, lowContrasts } from '../../src/react/assistant/contrast.ts';
import { DARK, LIGHT } from '../../src/react/assistant/theme.ts';
import { type Growth, HARD_ANSWERS, longestFlicker } from '../support/hard-answers.ts';
import { type PageServer, servePage } from './react-page.ts';

/** As the demo page has it: no style, font or image from elsewhere. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; " +
  "img-src 'self' data:; connect-src 'self'";
/** More than these in a row, at 60 deltas a second, are seen for over 100 ms. */
const UNSEEN = 6;
const STEADY = 0.05;
/** Of code, in characters. */
const LINE = 64;
/** Elements with one delta, and where an answer ends: as many beside one conversation as beside thirty. */
const MOST_RENDERED = 160;
const SOON = { timeout: 20_000 };

let pages: PageServer;
beforeAll(async () => {
  pages = await servePage('hard-answers', 'production', POLICY);
});
afterAll(() => pages?.close());

/** `delta`: characters with each frame; absent: as a model says them. */
async function grow(page: Page, name: string, delta?: number): Promise<Growth> {
  await page.getByRole('button', { name: 'New conversation' }).first().click();
  await page.getByRole('textbox').fill('Be hard');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByRole('group', { name: 'Dash' }).waitFor();
  return await page.evaluate<Growth>(
    `hard.stream(${[name, delta].map((each) => JSON.stringify(each)).join()})`,
  );
}

it('are steady as they grow, and what they were meant to be in the end', async () => {
  const page = await pages.open({ colorScheme: 'light' });
  await page.getByRole('textbox').waitFor();
  const table: Record<string, object> = {};
  for (const [name, { shows, formulas = 0 }] of Object.entries(HARD_ANSWERS)) {
    const { seen, shift, rendered } = await grow(page, name);
    const typeset = page.locator('.katex');
    if (formulas > 0) await expect.poll(() => typeset.count(), SOON).toBe(formulas);
    const end = await page.evaluate<string>('hard.read()');
    const line = (text: string): string => text.replaceAll(/\s+/g, ' ');
    table[name] = {
      flicker: longestFlicker(seen, end) <= UNSEEN || longestFlicker(seen, end),
      shift: shift <= STEADY || shift,
      work: Math.max(...rendered) <= MOST_RENDERED || rendered,
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
        { flicker: true, shift: true, work: true, missing: [], formulas },
      ]),
    ),
  );
}, 180_000);

interface Coloured {
  readonly words: string;
  /** `#rrggbb` */
  readonly colour: string;
}

/** What has a colour of its own in code that is on the page, and what is left of code that is not. */
const COLOURED = `(() => {
  const hex = (rgb) => '#' + rgb.match(/\\d+/g).map((part) => Number(part).toString(16).padStart(2, '0')).join('');
  return [...CSS.highlights].flatMap(([name, ranges]) => [...ranges].map((range) => ({
    words: range.startContainer.data.slice(range.startOffset, range.endOffset),
    colour: range.startContainer.isConnected
      ? hex(getComputedStyle(range.startContainer.parentElement, '::highlight(' + name + ')').color)
      : 'left',
  })));
})()`;

it('have code in colours where its language is known, which come with the first of it and are no elements', async () => {
  const page = await pages.open({});
  await page.getByRole('textbox').waitFor();
  const scripts: string[] = [];
  page.on('request', (request) => scripts.push(request.url().replace(/^.*\/|-\w{8}\.js$/g, '')));
  const coloured = (): Promise<Coloured[]> => page.evaluate<Coloured[]>(COLOURED);
  const coloursOf = async (words: string): Promise<string[]> => [
    ...new Set((await coloured()).filter((each) => each.words === words).map(({ colour }) => colour)),
  ];

  await grow(page, 'powers without dollars');
  await grow(page, 'code in a language that nobody knows');
  expect(await coloured()).toEqual([]);
  expect(scripts.splice(0).filter((name) => name !== 'chunk')).toEqual(['transcript-parts']);

  const { seen } = await grow(page, 'code with marks in it', LINE);
  await expect.poll(() => coloursOf('def'), SOON).toEqual([LIGHT.codeKeyword]);
  expect(scripts.filter((name) => name !== 'chunk').sort()).toEqual(['code-engine', 'python']);
  expect(await coloursOf('# **not bold** $x$')).toEqual([LIGHT.codeComment]);
  expect(await coloursOf('"a_b"')).toEqual([LIGHT.codeString]);
  expect(await coloursOf('23')).toEqual([LIGHT.codeNumber]);
  expect(await coloursOf('f23')).toEqual([LIGHT.codeName]);
  expect(seen.at(-1)).toContain('return "a_b" * 23');
  const code = page.getByRole('region', { name: 'python' });
  expect(await code.locator('span').count()).toBe(0);

  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(() => coloursOf('def'), SOON).toEqual([DARK.codeKeyword]);
  for (const { colour } of await coloured()) expect(contrast(colour, DARK.code)).toBeGreaterThanOrEqual(4.5);
  expect([...lowContrasts(LIGHT), ...lowContrasts(DARK)]).toEqual([]);

  await page.getByRole('button', { name: 'New conversation' }).first().click();
  await expect.poll(coloured, SOON).toEqual([]);
});

it('lead from the mark of a footnote to the note, and back', async () => {
  const page = await pages.open({ colorScheme: 'light' });
  await page.getByRole('textbox').waitFor();
  await grow(page, 'footnotes and links');
  const focused = (): Promise<string> => page.evaluate<string>('document.activeElement.role');
  await page.getByRole('link', { name: 'Footnote 1' }).press('Enter');
  await expect.poll(focused, SOON).toBe('note');
  await page.getByRole('link', { name: 'Back to the text' }).click();
  await expect.poll(focused, SOON).toBe('link');
});
