import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { memorySettings } from '../../src/config/memory-settings.ts';

const MB = 2 ** 20;
const large = memorySettings(1024 * MB);

it.each([256, 383])('a process of %d MB saves memory before CPU and milliseconds', (megabytes) => {
  expect(memorySettings(megabytes * MB)).toEqual({
    flags: [...large.flags, '--memory-saver-mode', '--no-maglev'],
    environment: { ...large.environment, MALLOC_MMAP_THRESHOLD_: '30000' },
  });
});

it.each([384, 512, 8192])('a process of %d MB does not', (megabytes) => {
  expect(memorySettings(megabytes * MB)).toEqual(large);
});

it('are flags that this Node knows', () => {
  const ask = [...memorySettings(256 * MB).flags, '--print', '"known"'];
  expect(execFileSync(process.execPath, ask, { encoding: 'utf8' })).toBe('known\n');
});
