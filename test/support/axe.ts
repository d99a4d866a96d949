/** What axe finds wrong with a page for people who do not see it or use no pointer. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** What is right is not gathered: that is most of its time. */
const FINDINGS = `axe.run({ resultTypes: ['violations'], preload: false }).then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ' ' + nodes.map(({ html }) => html).join(' ')))`;

/** @returns each rule that is broken, with the elements that break it */
export async function violationsOf(page: Page): Promise<readonly string[]> {
  if (!(await page.evaluate<boolean>('"axe" in globalThis')))
    await page.evaluate(await readFile(AXE, 'utf8'));
  return await page.evaluate(FINDINGS);
}
