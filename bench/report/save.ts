/** Writes a run where people find it: results.json, results.md and the plots, in one folder. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plot } from './plots.ts';
import type { Results } from './results.ts';

export function saveRun(folder: string, results: Results, markdown: string, plots: readonly Plot[]): void {
  mkdirSync(folder, { recursive: true });
  // Plots of an earlier run beside the table of this one would mislead.
  for (const name of readdirSync(folder)) if (name.endsWith('.svg')) rmSync(join(folder, name));
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(results, null, 1)}\n`);
  writeFileSync(join(folder, 'results.md'), markdown);
  for (const { file, svg } of plots) writeFileSync(join(folder, file), svg);
}

export function markdownOf(plots: readonly Plot[]): string {
  if (plots.length === 0) return '';
  return ['## Plots', ...plots.map(({ file, title }) => `![${title}](${file})`)].join('\n\n');
}
