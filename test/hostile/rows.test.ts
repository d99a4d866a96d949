/** Every bad input is in the table once, and is sent by the one test that the table names. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sourceFiles } from '../architecture/source-files.ts';

const ROWS = 84;
const ROW = /^\| (\d+) \| (.+) \| (.+) \| \[([\w-]+)\]\(\.\.\/(test\/hostile\/[\w.-]+)\) \|$/gm;
/** The numbers before the name of a test, or the first of a row of inputs. */
const NUMBERS =
  /(?:it|describe)(?:\.each\([\s\S]*?\))?\(\s*[`'"]((?:\d+ )+)|^ *(?!it\b|describe\b)(?:\w+\(|\[\s*|number: )'?(\d+)[, ]/gm;

const table = readFileSync(new URL('../../docs/hostile-inputs.md', import.meta.url), 'utf8');
const rows = Array.from(table.matchAll(ROW), ([, number, input, outcome, , file]) => ({
  number: Number(number),
  input,
  outcome,
  file: file ?? '',
}));
const files = new Map(sourceFiles('test').map(({ path, text }) => [path, text]));

it('the table has each row once, in order', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: ROWS }, (_, index) => index + 1));
});

it.each(rows)('$number $input: $file sends it', ({ number, file }) => {
  const numbers = Array.from(
    (files.get(file) ?? '').matchAll(NUMBERS),
    ([, names = '', first = '']) => names + first,
  );
  expect(numbers.flatMap((each) => each.trim().split(' ')).map(Number)).toContain(number);
});
