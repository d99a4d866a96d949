import { expect, it } from 'vitest';
import { sourceFiles } from './source-files.ts';

const source = sourceFiles('src');
const tests = sourceFiles('test');
const everything = [...source, ...tests, ...sourceFiles('bench', 'scripts', 'config', 'examples')];

/** `path:line` of every line the pattern matches. */
function places(files: typeof everything, pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
  );
}

it('has files to judge', () => {
  expect(source.length).toBeGreaterThan(50);
  expect(tests.length).toBeGreaterThan(10);
});

it('leaves nothing to be done later', () => {
  expect(places(everything, /\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b/)).toEqual([]);
});

it('types everything: no any, no check switched off', () => {
  expect(places(everything, /^(?!\s*(\*|\/[/*])).*([:<|]|\bas)\s*any\b/)).toEqual([]);
  expect(places(everything, /@ts-(ig[n]ore|expect-e[r]ror|noc[h]eck)/)).toEqual([]);
});

it('logs through the observer: no console in src/, but for a warning to who develops a page', () => {
  const warning = 'src/react/assistant/contrast.ts';
  expect(places(source, /\bconsole\s*[.[]/).filter((place) => !place.startsWith(warning))).toEqual([]);
});

it('has no drawer for what found no name', () => {
  const drawer = /(^|\/)(utils?|helpers?|common|misc|shared)(\/|\.[a-z]+$)/;
  expect(everything.map(({ path }) => path).filter((path) => drawer.test(path))).toEqual([]);
});

it('runs every test: none is skipped, singled out or left for later', () => {
  expect(places(tests, /\b(it|test|describe)\.(only|skip|todo|fails)\b/)).toEqual([]);
});

it('holds no path of a machine it was written on', () => {
  expect(places(everything, /['"` ]\/(home|root|Users|work|mnt)\//)).toEqual([]);
});

it('declares what a program of bench/ needs before it runs, which nothing but a run would show', () => {
  const late = everything.flatMap(({ path, text }) => {
    const lines = text.split('\n');
    const begins = lines.findIndex((line) => /^await runProgram\(/.test(line));
    const after = begins === -1 ? [] : lines.slice(begins);
    return after.some((line) => /^(export )?(const|let|class) /.test(line)) ? [path] : [];
  });
  expect(late).toEqual([]);
});
