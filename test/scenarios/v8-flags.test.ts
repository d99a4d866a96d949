import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { v8Flags } from '../../src/config/v8-flags.ts';

const MB = 2 ** 20;

it.each([256, 383])('a process of %d MB saves memory before CPU', (megabytes) => {
  expect(v8Flags(megabytes * MB)).toEqual([...v8Flags(1024 * MB), '--memory-saver-mode', '--no-maglev']);
});

it.each([384, 512, 8192])('a process of %d MB does not', (megabytes) => {
  expect(v8Flags(megabytes * MB)).toEqual(v8Flags(1024 * MB));
});

it('are flags that this Node knows', () => {
  const ask = [...v8Flags(256 * MB), '--print', '"known"'];
  expect(execFileSync(process.execPath, ask, { encoding: 'utf8' })).toBe('known\n');
});
