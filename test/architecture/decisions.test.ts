/** Decision records: one page each, numbered in their order, all in the list. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readProjectFile } from './source-files.ts';

/** A printed page. */
const MAX_LINES = 70;
const FOLDER = 'docs/decisions';
const records = readdirSync(fileURLToPath(new URL(`../../${FOLDER}`, import.meta.url)))
  .filter((name) => name !== 'README.md')
  .sort();
const list = readProjectFile(`${FOLDER}/README.md`);

it('are numbered from 0001, without gaps and doubles', () => {
  const numbers = records.map((_, index) => String(index + 1).padStart(4, '0'));
  expect(records.map((name) => name.slice(0, 4))).toEqual(numbers);
});

it('are listed, each once and in order', () => {
  const listed = Array.from(list.matchAll(/^\| \[(\d{4})\]\(([^)]+)\) \|/gm), ([, number, file]) => [
    number,
    file,
  ]);
  expect(listed).toEqual(records.map((name) => [name.slice(0, 4), name]));
});

describe.each(records)('%s', (name) => {
  const text = readProjectFile(`${FOLDER}/${name}`);

  it('is one page', () => {
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(MAX_LINES);
  });

  it('has its number and a title', () => {
    expect(name).toMatch(/^\d{4}-[a-z0-9-]+\.md$/);
    expect(text).toMatch(new RegExp(`^# ${name.slice(0, 4)}[:. ] ?\\S`));
  });
});
