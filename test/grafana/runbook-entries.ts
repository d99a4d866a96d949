/** The entries of docs/runbook.md, by the anchors that alerts and panels link to. */
import { readFileSync } from 'node:fs';

export const runbook = readFileSync('docs/runbook.md', 'utf8');

export interface Entry {
  readonly anchor: string;
  readonly text: string;
}

export const entries = runbook.split(/^(?=#{2,3} )/m).map((text): Entry => {
  const heading = text.split('\n', 1)[0] ?? '';
  return { anchor: anchorOf(heading.replace(/^#+ /, '')), text };
});

export const anchors = entries.map(({ anchor }) => anchor);

/** As GitHub and most renderers make it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
