import { expect, it } from 'vitest';
import { importsOf } from './import-statements.ts';

const imports = (text: string) =>
  importsOf({ path: 'src/relay/stream.ts', text }).map(({ to, typeOnly }) => ({ to, typeOnly }));

it.each([
  ["import { a } from '../http/b.ts';", 'src/http/b.ts', false],
  ["import type { A } from '../http/b.ts';", 'src/http/b.ts', true],
  ["import { type A, type B } from './b.ts';", 'src/relay/b.ts', true],
  ["import { type A, b } from './b.ts';", 'src/relay/b.ts', false],
  ["import {\n  type A,\n  b,\n} from './b.ts';", 'src/relay/b.ts', false],
  ["import * as z from 'zod';", 'zod', false],
  ["import './effect.ts';", 'src/relay/effect.ts', false],
  ["export * from './b.ts';", 'src/relay/b.ts', false],
  ["export type { A } from './b.ts';", 'src/relay/b.ts', true],
  ["const b = await import('./b.ts');", 'src/relay/b.ts', false],
  ["import { SignJWT } from 'jose/jwt/sign';", 'jose', false],
  ["import Anthropic from '@anthropic-ai/sdk/client';", '@anthropic-ai/sdk', false],
  ["import { join } from 'node:path';", 'node:path', false],
])('reads %j', (text, to, typeOnly) => {
  expect(imports(text)).toEqual([{ to, typeOnly }]);
});

it('reads each of several statements', () => {
  const text = "import { a } from './a.ts';\nimport type { B } from './b.ts';\n\nexport const c = a;\n";
  expect(imports(text).map(({ to }) => to)).toEqual(['src/relay/a.ts', 'src/relay/b.ts']);
});
