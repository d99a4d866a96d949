/**
 * docs/security.md names a test for each threat, and says of each secret how it is replaced: what it names is there. So it is
 * with the tests that docs/privacy.md names.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { DISCLOSURE } from '../../src/config/disclosure.ts';
import { readProjectFile } from './source-files.ts';

const document = readProjectFile('docs/security.md');
const privacy = readProjectFile('docs/privacy.md');

/** What a URL in the environment may hold beside its address. */
const WITH_PASSWORD = ['DATABASE_URL', 'DATABASE_MIGRATION_URL', 'REDIS_URL'];

interface NamedTest {
  readonly file: string;
  readonly title: string;
}

/** `test/a.test.ts` › “title” */
function testsIn(text: string): NamedTest[] {
  return Array.from(
    text.matchAll(/`(test\/[\w./-]+\.test\.ts)` › “([^”]+)”/g),
    ([, file = '', title = '']) => ({
      file,
      title,
    }),
  );
}

/** Rows of the tables between two headings, without their heads, as cells. */
function rowsOf(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('| '));
  const cells = lines.map((line) => line.slice(2, -2).split(' | '));
  return cells.filter(([first]) => first !== 'threat' && first !== 'key');
}

function sectionOf(heading: string): string {
  const from = document.indexOf(`\n## ${heading}\n`);
  const to = document.indexOf('\n## ', from + 1);
  expect(from, heading).toBeGreaterThan(0);
  return document.slice(from, to);
}

/** A text in the source, in any of the three kinds of quotes. */
function isQuotedIn(source: string, title: string): boolean {
  return [`'${title}'`, `"${title}"`, `\`${title}\``].some((quoted) => source.includes(quoted));
}

describe('the threats', () => {
  const threats = rowsOf(sectionOf('Threats'));

  it('are many, each with a defence', () => {
    expect(threats.length).toBeGreaterThan(40);
    for (const row of threats) {
      expect(row, row[0]).toHaveLength(3);
      expect(
        row.every((cell) => cell.trim() !== ''),
        row[0],
      ).toBe(true);
    }
  });

  it.each(threats.map(([threat = '', , tests = '']) => [threat, tests] as const))(
    '%s: names a test',
    (_, tests) => {
      expect(testsIn(tests).length).toBeGreaterThan(0);
      expect(tests.replaceAll(/`test\/[\w./-]+` › “[^”]+”(; )?/g, ''), 'and nothing else').toBe('');
    },
  );
});

it.each(testsIn(document).map(({ file, title }) => [file, title] as const))('%s has “%s”', (file, title) => {
  expect(isQuotedIn(readProjectFile(file), title)).toBe(true);
});

it('every test file that either document names is there', () => {
  const named = Array.from(
    `${document}${privacy}`.matchAll(/`(test\/[\w./-]+\.ts)`/g),
    ([, path = '']) => path,
  );
  expect(named.length).toBeGreaterThan(40);
  const absent = named.filter(
    (path) => !existsSync(fileURLToPath(new URL(`../../${path}`, import.meta.url))),
  );
  expect(absent).toEqual([]);
});

it('says of each secret of the environment how it is replaced', () => {
  const keys = rowsOf(sectionOf('Keys, and how each is replaced'));
  const said = keys.map(([key = '']) => key).join(' ');
  const secrets = Object.entries(DISCLOSURE).flatMap(([key, as]) => (as === 'secret' ? [key] : []));
  expect(secrets.length).toBeGreaterThan(2);
  expect([...secrets, ...WITH_PASSWORD].filter((key) => !said.includes(`\`${key}\``))).toEqual([]);
});
