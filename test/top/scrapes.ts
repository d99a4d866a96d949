/** Scrapes made by hand, of metrics in the text format. */
import { parseExposition } from '../../src/top/exposition.ts';
import type { RelayHealth, Scrape } from '../../src/top/scrape.ts';

export function scrapeOf(seconds: number, text: string, health?: RelayHealth): Scrape {
  return { at: seconds * 1000, samples: parseExposition(text), health };
}
