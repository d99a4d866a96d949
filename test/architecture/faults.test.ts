/** The table of faults names tests that are there. */
import { describe, expect, it } from 'vitest';
import { readProjectFile, sourceFiles } from './source-files.ts';

const FAULTS = 31;
const rows = readProjectFile('docs/faults.md')
  .split('\n')
  .filter((line) => line.startsWith('| F'))
  .map((line) => {
    const [name = '', ...cells] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    return { name, cells: cells.slice(0, -1), tests: testsOf(cells.at(-1) ?? '') };
  });
const tests = new Map(sourceFiles('test').map(({ path, text }) => [path, text]));

interface NamedTest {
  readonly file: string;
  readonly title: string;
}

/** Undefined of what is no test with a file and a title. */
function testsOf(cell: string): (NamedTest | undefined)[] {
  return cell.split('<br>').map((each) => {
    const [, name, path, title] = /^\[(.+)\]\(\.\.\/(test\/.+\.test\.ts)\): (.+)$/.exec(each) ?? [];
    if (path === undefined || title === undefined || `test/${name}.test.ts` !== path) return undefined;
    return { file: path, title };
  });
}

it('the table has each fault once, in order', () => {
  expect(rows.map(({ name }) => name)).toEqual(Array.from({ length: FAULTS }, (_, index) => `F${index + 1}`));
});

describe.each(rows)('$name', ({ cells, tests: named }) => {
  it('says what happens, what must hold, and what the relay does', () => {
    expect(cells).toHaveLength(3);
    expect(cells.filter((cell) => cell === '')).toEqual([]);
  });

  it('names tests that are there', () => {
    expect(named.length).toBeGreaterThan(0);
    const missing = named.filter((test) => test === undefined || !isThere(test));
    expect(missing).toEqual([]);
  });
});

/** A title may be a row of a table of tests, or begin with a number that is drawn. */
function isThere({ file, title }: NamedTest): boolean {
  return tests.get(file)?.includes(title) === true;
}
