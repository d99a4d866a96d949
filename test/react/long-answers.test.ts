/** Long answers hold the page up at no time: what is done in one turn is counted, as time depends on the machine. */
import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LONG_ANSWERS, type LongAnswer } from '../support/long-answers.ts';
import { type PageServer, servePage } from './react-page.ts';

const PHONE = { viewport: { width: 390, height: 844 } };
const DESK = { viewport: { width: 1280, height: 800 } };
const SOON = { timeout: 20_000 };
/** Of each answer: what is done in one turn is the same. */
const SHARE = 0.16;
/** Elements that are added in one turn: those of one frame with what is begun in it. */
const MOST = 400;

let pages: PageServer;
beforeAll(async () => {
  pages = await servePage('long-answers', 'production');
});
afterAll(() => pages?.close());

/** Before anything is drawn: `added` has the number of elements of each turn, `removed` of all. */
const WATCH = `
  window.added = [];
  window.removed = 0;
  const sizeOf = (nodes) => [...nodes].reduce((sum, node) => sum + 1 + (node.querySelectorAll?.('*').length ?? 0), 0);
  new MutationObserver((all) => {
    added.push(all.reduce((sum, { addedNodes }) => sum + sizeOf(addedNodes), 0));
    removed += all.reduce((sum, { removedNodes }) => sum + sizeOf(removedNodes), 0);
  }).observe(document.querySelector('[role=main], main'), { subtree: true, childList: true });
`;

/** The element that scrolls. */
const MESSAGES = 'document.querySelector("[aria-label=Messages]")';
const fromEnd = (page: Page): Promise<number> =>
  page.evaluate(
    `(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)(${MESSAGES})`,
  );
const mostAdded = async (page: Page): Promise<number> =>
  Math.max(...(await page.evaluate<number[]>('added')));

interface Opened {
  readonly page: Page;
  readonly answer: Locator;
}

async function openFromHistory(name: LongAnswer, context: BrowserContextOptions = DESK): Promise<Opened> {
  const page = await pages.open({ kept: [name], share: SHARE }, context);
  await page.getByRole('textbox').waitFor();
  await page.evaluate(WATCH);
  await page.getByRole('button', { name: new RegExp(`^${name}`) }).click(); // its date follows
  return { page, answer: page.getByRole('group', { name: 'Dash' }) };
}

/** `rendered`: how many elements were rendered, anew or again, with each frame. */
async function stream(name: LongAnswer): Promise<Opened & { readonly rendered: readonly number[] }> {
  const page = await pages.open({ share: SHARE }, PHONE);
  await page.getByRole('textbox').fill('Be long');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.evaluate(WATCH);
  const rendered = await page.evaluate<number[]>(`answers.stream(${JSON.stringify(name)}, 400)`);
  return { page, answer: page.getByRole('group', { name: 'Dash' }), rendered };
}

describe.each([
  ['a table of 1,000 rows', '[role=row]', 161],
  ['a list of 1,500 items', '[role=listitem]', 240],
  ['5,000 lines of code', '[role=region] div[dir=auto]', 7],
  ['5,000 lines of text', 'div[dir=auto] > span', 800],
  ['one line of 200 KB', 'div[dir=auto]', 4],
  ['lists in lists', '[role=listitem]', 240],
] as const)('%s', (name, parts, count) => {
  it('is opened with its end in sight at once, and drawn a bounded part at a time', async () => {
    const { page, answer } = await openFromHistory(name);
    const lastWord = /\w+(?=\W*$)/.exec(LONG_ANSWERS[name](SHARE))?.[0] ?? '';
    await expect.poll(() => answer.innerText(), SOON).toContain(lastWord);
    await expect.poll(() => fromEnd(page), SOON).toBeLessThan(2);
    await expect.poll(() => answer.locator(parts).count(), SOON).toBeGreaterThanOrEqual(count);
    expect(await mostAdded(page)).toBeLessThanOrEqual(MOST);
    await expect.poll(() => fromEnd(page), SOON).toBeLessThan(2);
  });

  it('costs at its end what it cost at its beginning while it grows, and is drawn once', async () => {
    const { page, answer, rendered } = await stream(name);
    await expect.poll(() => answer.locator(parts).count(), SOON).toBeGreaterThanOrEqual(count);
    const third = Math.floor(rendered.length / 3);
    const [early, late] = [Math.max(...rendered.slice(0, third)), Math.max(...rendered.slice(-third))];
    expect(late).toBeLessThanOrEqual(1.5 * early + 60);
    expect(await mostAdded(page)).toBeLessThanOrEqual(MOST);
    const all = await page.evaluate<number>('document.querySelectorAll("[role=main] *, main *").length');
    expect(await page.evaluate<number>('removed')).toBeLessThan(100 + all / 4);
    await expect.poll(() => fromEnd(page), SOON).toBeLessThan(2);
  });
});

it('keeps what a person has scrolled up to in its place while more is drawn above', async () => {
  const { page, answer } = await openFromHistory('a list of 1,500 items');
  await answer.getByText('item 239').waitFor();
  await page.getByRole('region', { name: 'Messages' }).hover();
  await page.mouse.wheel(0, -300);
  await page.getByRole('button', { name: 'Jump to latest' }).waitFor();
  const places = await page.evaluate<number[]>(`new Promise((resolve) => {
    const seen = document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest('[role=listitem]');
    const places = [];
    const read = () => {
      places.push(seen.getBoundingClientRect().top);
      if (document.querySelectorAll('[role=listitem]').length < 240) requestAnimationFrame(read);
      else resolve(places);
    };
    requestAnimationFrame(read);
  })`);
  expect(Math.max(...places) - Math.min(...places)).toBeLessThanOrEqual(1);
});

it('is one text to those who copy or search it, though it is drawn in parts', async () => {
  const { page, answer } = await openFromHistory('5,000 lines of code');
  const code = answer.getByRole('region', { name: 'js' });
  await expect.poll(() => code.locator('div[dir=auto]').count(), SOON).toBe(8); // of 100 lines each, all of them drawn
  const selected = await code.evaluate((element) => {
    const { getSelection } = globalThis as unknown as { getSelection(): Selection };
    getSelection().selectAllChildren(element);
    return String(getSelection());
  });
  expect(`\`\`\`js\n${selected.trim()}`).toBe(
    LONG_ANSWERS['5,000 lines of code'](SHARE).replace(/\s*```$/, ''),
  );
  expect(await page.evaluate('getSelection().removeAllRanges(), find("value300 =")')).toBe(true);
});

interface Selection {
  selectAllChildren(element: unknown): void;
}

it('is one table to screen readers, with all of its rows', async () => {
  const { page, answer } = await openFromHistory('a table of 1,000 rows');
  await expect.poll(() => answer.getByRole('row').count(), SOON).toBe(161);
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const count = (role: string): number =>
    nodes.filter((node) => !node.ignored && node.role?.value === role).length;
  expect([count('table'), count('row'), count('columnheader'), count('cell')]).toEqual([1, 161, 4, 640]);
});
