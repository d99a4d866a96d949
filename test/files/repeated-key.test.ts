import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { readJsonFile } from '../../src/files/json-file.ts';
import { repeatedKey } from '../../src/files/repeated-key.ts';

it.each([
  ['{"a":1,"b":2,"a":3}', 'a'],
  ['{"chat":{"parameters":{"grade":{},"grade":{}}}}', 'chat.parameters.grade'],
  ['{"plans":[{"name":1},{"name":2,"x":{"y":1 , "y" :2}}]}', 'plans.x.y'],
  ['{"a":{"b":1},"c":{"b":1},"b":"b"}', undefined],
  ['[{"a":1},{"a":1}]', undefined],
  ['{"a":"\\"a\\":1, {\\"a\\":","b":"}{"}', undefined],
  ['{"a\\"":1,"a\\"":2}', 'a\\"'],
  ['{"a":1,"\\u0061":2}', '\\u0061'],
  ['"a"', undefined],
])('%s: %s', (text, path) => {
  expect(repeatedKey(text)).toBe(path);
});

it('finds nothing in what a program wrote, whatever it is', () => {
  const repeated = (text: string) => repeatedKey(JSON.stringify(JSON.parse(text)));
  expect(() => fc.assert(fc.property(fc.json(), (text) => repeated(text) === undefined))).not.toThrow();
});

it('refuses a file of an operator by its name and the path', () => {
  const directory = mkdtempSync(join(tmpdir(), 'json-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'plans.json');
  writeFileSync(file, '{"free":{"streams":1,"streams":100}}');
  expect(() => readJsonFile('plans', file, z.unknown())).toThrow(
    `unable to use the plans file ${file}: free.streams stands twice; keep one of them`,
  );
});
