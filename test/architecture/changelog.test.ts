/** CHANGELOG.md as https://keepachangelog.com has it: what `npm run release:check` and readers count on. */
import { expect, it } from 'vitest';
import { readProjectFile } from './source-files.ts';

const KINDS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];
const [, ...versions] = readProjectFile('CHANGELOG.md').split(/^(?=## )/m);

it('begins with what is not released yet; each version has its date', () => {
  const [first = '', ...released] = versions.map((version) => version.split('\n', 1)[0]);
  expect(first).toBe('## [Unreleased]');
  for (const heading of released) expect(heading).toMatch(/^## \[\d+\.\d+\.\d+[^\]]*\] - \d{4}-\d{2}-\d{2}$/);
});

it('sorts entries by kind, each kind once and in one order', () => {
  for (const version of versions) {
    const kinds = Array.from(version.matchAll(/^### (.*)$/gm), ([, kind = '']) => kind);
    expect(kinds).toEqual(KINDS.filter((kind) => kinds.includes(kind)));
  }
});

it('has one line or paragraph per entry, and nothing between them', () => {
  for (const version of versions) {
    const strange = version.split('\n').filter((line) => !/^(#{2,3} |- \S| {2}\S|$)/.test(line));
    expect(strange).toEqual([]);
  }
});
