import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { numberedWords, PACE, setStage } from './stage.ts';

const stage = setStage();
const PHONE = { width: 360, height: 640 };
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What axe finds on the page as it stands. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = (await page.evaluate('axe.run().then(({ violations }) => violations)')) as Violation[];
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}

describe('the demo page', () => {
  it.each(['light', 'dark'] as const)('has nothing for axe to complain about, %s', async (colorScheme) => {
    const demo = await stage.open({ colorScheme });
    expect(await violations(demo.page)).toEqual([]);
    stage.relay.simulator.script({ deltas: MARKDOWN, pace: { firstTokenMs: 50, deltasPerSecond: 15 } });
    await demo.ask('Show me everything');
    await demo.answer.getByText('Heading').waitFor();
    expect(await violations(demo.page)).toEqual([]);
    await demo.ended();
    await demo.panel.getByLabel('Simulated model').selectOption('Breaks off midway');
    await demo.ask('And now break');
    await demo.page.getByRole('button', { name: 'Try again' }).waitFor();
    expect(await violations(demo.page)).toEqual([]);
  });

  it('has nothing for axe to complain about on a phone, with the panel and without', async () => {
    const demo = await stage.open({ viewport: PHONE });
    expect(await violations(demo.page)).toEqual([]);
    await demo.page.getByRole('button', { name: 'Under the hood' }).click();
    await demo.panel.waitFor();
    expect(await violations(demo.page)).toEqual([]);
  });

  it('follows the colours of the device', async () => {
    const demo = await stage.open({ colorScheme: 'dark' });
    const lightness = () => demo.page.evaluate<number>(LIGHTNESS);
    expect(await lightness()).toBeLessThan(60);
    await demo.page.emulateMedia({ colorScheme: 'light' });
    await expect.poll(lightness).toBeGreaterThan(200);
  });

  it('fits a narrow phone, and makes room when something happens', async () => {
    const demo = await stage.open({ viewport: PHONE });
    const width = () => demo.page.evaluate<number>('document.documentElement.scrollWidth');
    expect(await width()).toBe(360);
    const inOneRow = [
      demo.page.getByRole('heading', { level: 1 }),
      demo.page.getByRole('button', { name: 'Under the hood' }),
    ];
    for (const each of inOneRow) {
      const box = await each.boundingBox();
      expect(box).not.toBeNull();
      expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThan(60);
    }
    stage.relay.simulator.script({ deltas: [...MARKDOWN, ...numberedWords(300)], pace: PACE });
    await demo.ask('Show me everything');
    await demo.answer.getByText('word-9').waitFor();
    expect(await width()).toBe(360);
    await demo.page.getByRole('button', { name: 'Under the hood' }).click();
    await demo.panel.waitFor();
    expect(await width()).toBe(360);
    await demo.panel.getByRole('button', { name: 'Cut the network' }).click();
    await demo.panel.waitFor({ state: 'hidden' });
    await demo.page.getByText('Reconnecting…').first().waitFor();
  });

  it('is used with the keyboard alone', async () => {
    const demo = await stage.open();
    const { keyboard } = demo.page;
    const reach = async (name: RegExp): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        if (name.test(await demo.page.evaluate<string>(FOCUSED))) return;
        await keyboard.press('Tab');
      }
      throw new Error(`Tab does not lead to ${name}`);
    };
    await reach(/Ask Dash/);
    stage.relay.simulator.script({ deltas: numberedWords(600), pace: PACE });
    await keyboard.type('Count to six hundred');
    await keyboard.press('Enter');
    await demo.answer.getByText('word-9').waitFor();
    await reach(/Stop answering/);
    await keyboard.press('Enter');
    await demo.page.getByText('You stopped this answer.').waitFor();
    expect(await demo.page.evaluate<string>(FOCUSED)).toMatch(/Ask Dash/);
    await reach(/Cut the network/);
    await keyboard.press('Space');
    await demo.panel.getByRole('button', { name: /^Back in \d s$/ }).waitFor();
    await reach(/WebSocket/);
    await keyboard.press('ArrowRight');
    await demo.panel.getByText('The operator’s switch says SSE').waitFor();
    expect(await demo.panel.getByRole('radio', { name: 'SSE' }).isChecked()).toBe(true);
  });

  it('gives the keyboard back when its panel closes on a phone, and keeps what was chosen there', async () => {
    const demo = await stage.open({ viewport: PHONE });
    await demo.page.getByRole('button', { name: 'Under the hood' }).click();
    await demo.panel.waitFor();
    await demo.panel.getByRole('button', { name: 'Slow network' }).click();
    await demo.page.keyboard.press('Escape');
    await demo.panel.waitFor({ state: 'hidden' });
    expect(await demo.page.evaluate<string>(FOCUSED)).toContain('Under the hood');
    await demo.page.keyboard.press('Enter');
    await demo.panel.getByRole('button', { name: 'Slow network', pressed: true }).waitFor();
  });
});

const MARKDOWN = [
  '# Heading\n\n',
  'Some **bold** and *soft* words with `code` and [a link](https://example.com/).\n\n',
  '- one\n- two\n\n1. first\n2. second\n\n',
  '> quoted\n\n',
  '```js\nconst longLine = "that does not fit a narrow phone in any way, whatever one does to it";\n```\n\n',
  '| name | value | remark |\n|---|---|---|\n| a | 1 | a rather long remark in a table |\n\n',
];

/** Of what lies behind the middle of the page, 0 to 255. */
const LIGHTNESS = `(() => {
  let place = document.elementFromPoint(innerWidth / 3, innerHeight / 2);
  while (place && /^rgba\\(.*, 0\\)$/.test(getComputedStyle(place).backgroundColor)) place = place.parentElement;
  const [red, green, blue] = getComputedStyle(place).backgroundColor.match(/\\d+/g).map(Number);
  return (red + green + blue) / 3;
})()`;

const FOCUSED = `(() => {
  const { activeElement: at, body } = document;
  if (at === body) return '';
  return [at.ariaLabel, at.placeholder, at.labels?.[0]?.textContent, at.textContent].filter(Boolean).join(' ');
})()`;
