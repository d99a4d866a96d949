import { expect, it } from 'vitest';
import { withEnvironmentTable } from '../../scripts/document-environment.ts';
import { environmentTable } from '../../src/config/environment.ts';
import { readProjectFile, sourceFiles } from './source-files.ts';

it("has README's environment table up to date with the schema (npm run docs:environment)", () => {
  const readme = readProjectFile('README.md');
  expect(withEnvironmentTable(readme)).toBe(readme);
});

it('has a key in the schema only where something reads it', () => {
  const source = sourceFiles('src/config', 'src/compose', 'src/postgres')
    .map(({ text }) => text)
    .join('\n');
  // `config.KEY`, or `KEY: name` in a destructuring.
  const isRead = (key: string) =>
    new RegExp(`\\.${key}\\b|\\b${key}: \\w+[ ,]|has\\('${key}'\\)`).test(source);
  const keys = environmentTable().map(({ key }) => key);
  expect(keys).toContain('PORT');
  expect(keys.filter((key) => !isRead(key))).toEqual([]);
});
